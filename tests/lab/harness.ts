/** A lab with the real engine in a folder of its own, for tests. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Answers, EventName, Events, Method, RequestOf } from '../../preload/contract'
import { createLab } from '../../main/lab/createLab'
import type { Lab } from '../../main/lab/labTypes'

export interface TestLab {
  lab: Lab
  userData: string
  events: { name: EventName; body: unknown }[]
  log: string[]
  ask<M extends Method>(method: M, request: RequestOf<M>): Promise<Answers[M]>
  /** Bodies of all events of a name. */
  of<E extends EventName>(name: E): Events[E][]
  /** Resolves when the condition holds; looks every 5 ms. */
  until(condition: () => boolean, what: string): Promise<void>
}

const root = resolve(import.meta.dirname, '../..')

export async function testLab(workerUrl: URL, userData = mkdtempSync(join(tmpdir(), 'lab-user-'))): Promise<TestLab> {
  const events: TestLab['events'] = []
  const log: string[] = []
  const lab = await createLab({
    workerUrl,
    userData,
    contentDirs: { scenarios: join(root, 'scenarios'), exercises: join(root, 'exercises') },
    shell: 'test',
    log: (line) => log.push(line),
  })
  lab.subscribe((name, body) => events.push({ name, body }))
  return {
    lab,
    userData,
    events,
    log,
    ask: async (method, request) => await lab.handlers[method](request),
    of: (name) => events.filter((event) => event.name === name).map(({ body }) => body as never),
    until: async (condition, what) => {
      for (let i = 0; !condition(); i++) {
        if (i > 6000) throw new Error(`waited too long: ${what}`)
        await new Promise((go) => setTimeout(go, 5))
      }
    },
  }
}
