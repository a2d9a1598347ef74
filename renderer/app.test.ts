import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import App from './App.vue'
import { useAppStore } from './stores/app'
import { useConsoleStore } from './stores/console'
import { useDialogsStore } from './stores/dialogs'
import { useLayoutStore } from './stores/layout'
import { useSessionStore } from './stores/session'
import { joinFakeHost, settle, settleDrawn } from './testing/session'

const stubs = {
  // What is measured in pixels needs a browser; the end-to-end suite has one.
  RunConsole: true,
  SendPathView: true,
  ChartStrip: true,
  ChartsView: true,
  CompareView: true,
  ExercisePanel: true,
}
let joined: Awaited<ReturnType<typeof joinFakeHost>>
let w: ReturnType<typeof mount>

async function open(empty: boolean): Promise<void> {
  joined = await joinFakeHost({ empty })
  useAppStore().connection = 'open'
  w = mount(App, { global: { plugins: [joined.pinia], stubs }, attachTo: document.body })
  await settle()
  await flushPromises()
}
afterEach(() => w.unmount())

describe('first start', () => {
  beforeEach(() => open(true))

  it('nothing is open – an idle host is booted behind the Start screen, and nothing is to be saved', () => {
    expect(joined.host.asked.find((a) => a.method === 'session.new')?.body).toEqual({ scenario: 'first-lab' })
    expect(w.find('[data-start]').exists()).toBe(true)
    expect(w.text()).toContain('nothing to save')
    expect(w.text()).toContain('ext_pgs')
  })
  it('the large button – starts the ten minutes and leads into the lab', async () => {
    await w.get('[data-start]').trigger('click')
    await settle()
    await flushPromises()
    expect(joined.host.asked.filter((a) => a.method === 'session.new').at(-1)?.body).toMatchObject({
      exercise: 'ten-minutes',
    })
    expect(w.find('[role="tablist"][aria-label="Views"]').exists()).toBe(true)
    expect(w.find('[data-start]').exists()).toBe(false)
  })
  it('a command in the console there – makes it the session that is shown', async () => {
    await useConsoleStore().execute('A', 'uname -a')
    await settle()
    await flushPromises()
    expect(w.find('[role="tablist"][aria-label="Views"]').exists()).toBe(true)
    expect(w.text()).toContain('not saved yet')
  })
})

describe('a session that was open before the window', () => {
  beforeEach(async () => {
    await open(false)
    await useConsoleStore().execute('A', 'sysctl kern.ipc.mb_use_ext_pgs=1')
    await settleDrawn()
    await flushPromises()
  })

  it('the window opens – it shows the session with its host, not Start', () => {
    expect(w.find('[data-start]').exists()).toBe(false)
    expect(w.text()).toContain('kern.ipc.mb_use_ext_pgs'.split('.').pop())
    expect(w.text()).toMatch(/ext_pgs\s*1/)
  })
  it('Start is asked for – it offers the way back, and the way back works', async () => {
    useDialogsStore().startWanted = true
    await flushPromises()
    const back = w.findAll('button').find((b) => b.text().startsWith('Back to first-lab'))!
    await back.trigger('click')
    await flushPromises()
    expect(w.find('[data-start]').exists()).toBe(false)
    expect(useSessionStore().state?.commands).toHaveLength(1)
  })
  it('a wide window – has the side panel and every other pane, each with a name for F6', async () => {
    useLayoutStore().width = 1440
    await flushPromises()
    const panes = w.findAll('[data-pane]').map((p) => p.attributes('data-pane'))
    expect(panes).toEqual(
      expect.arrayContaining(['title', 'rail', 'side', 'tabs', 'view', 'timeline', 'console', 'status']),
    )
  })
})
