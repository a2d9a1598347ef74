/** Joins fresh stores to a stand-in host, for component tests. */
import { createPinia, setActivePinia } from 'pinia'
import type { Pinia } from 'pinia'
import { createClient } from '../connection/client'
import { useClient } from '../connection/lab'
import { joinStores, loadAll, loadSessionParts } from '../connection/wire'
import { useSessionStore } from '../stores/session'
import { createFakeHost } from './fakeHost'
import type { FakeHost } from './fakeHost'

/** Lets all answers and events on their way arrive. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
  await new Promise((resolve) => setTimeout(resolve, 0))
}

/** Lets the answer of a typed command be drawn, and then what waited for that. */
export async function settleDrawn(): Promise<void> {
  const frame = (): Promise<unknown> => new Promise((resolve) => requestAnimationFrame(resolve))
  for (let i = 0; i < 3; i++) await frame()
  await settle()
}

/** Stores on a stand-in host; with a session of one run unless `empty`. */
export async function joinFakeHost(
  options: { empty?: boolean; nativeDialogs?: boolean } = {},
): Promise<{ host: FakeHost; pinia: Pinia; menu: string[] }> {
  const pinia = createPinia()
  setActivePinia(pinia)
  const host = createFakeHost({ nativeDialogs: options.nativeDialogs ?? false })
  const client = createClient()
  useClient(client)
  const menu: string[] = []
  joinStores(client, (id) => menu.push(id))
  client.attach(host.port)
  await loadAll()
  if (options.empty !== true) {
    await useSessionStore().create({ scenario: 'first-lab' })
    await loadSessionParts()
  }
  await settle()
  return { host, pinia, menu }
}
