/**
 * The developer's page: the whole window on the stand-in host. Not part of the product's build. `?scene=lab` loads a session in
 * which something happened, `?theme=dark` chooses a theme.
 */
import { createPinia } from 'pinia'
import { createApp, nextTick } from 'vue'
import App from '../App.vue'
import { runCommand } from '../commands/runner'
import { keepConnected } from '../connection/keep'
import { lab } from '../connection/lab'
import { joinStores, loadAll } from '../connection/wire'
import { newSession, startExercise } from '../actions/documents'
import { useAppStore } from '../stores/app'
import { useDialogsStore } from '../stores/dialogs'
import { useConsoleStore } from '../stores/console'
import { useLayoutStore } from '../stores/layout'
import { useSelectionStore } from '../stores/selection'
import { useSessionStore } from '../stores/session'
import { useSettingsStore } from '../stores/settings'
import type { ThemeChoice } from '../stores/settings'
import '../theme'
import { createFakeHost } from './fakeHost'

const query = new URLSearchParams(window.location.search)
const host = createFakeHost()
const app = createApp(App)
app.use(createPinia())
const settings = useSettingsStore()
settings.follow()
joinStores(lab(), runCommand)

async function pause(ms = 50): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

async function play(scene: string): Promise<void> {
  const session = useSessionStore()
  const consoles = useConsoleStore()
  await pause(200)
  if (scene === 'start') return
  if (scene === 'exercise') await startExercise('ten-minutes')
  else await newSession({ scenario: 'first-lab' })
  await pause()
  await consoles.execute('A', 'uname -a')
  host.tick(1.2e6)
  await session.setLoad(true)
  host.tick(5.2e6)
  await session.mark('A', 'buffers full')
  host.tick(1.2e6)
  await consoles.execute('A', 'ifconfig cc0')
  host.tick(0.4e6)
  await session.fork({ from: 'A' })
  host.tick(0.3e6)
  await consoles.execute('B', 'sysctl kern.ipc.mb_use_ext_pgs=1', 'switch')
  host.tick(4.1e6)
  await consoles.execute('B', 'netstat -m')
  await consoles.execute('B', 'ifconfgi')
  await session.mark('A', 'x').catch(() => undefined)
  const layout = useLayoutStore()
  layout.side = query.get('side') === 'none' ? null : ((query.get('side') as typeof layout.side) ?? layout.side)
  layout.tab = (query.get('tab') as typeof layout.tab) ?? layout.tab
  if (query.get('pair') !== null) useSelectionStore().picture = 'pair'
  const dialog = query.get('dialog')
  const dialogs = useDialogsStore()
  if (dialog === 'palette') dialogs.show({ kind: 'palette', mode: 'commands' })
  if (dialog === 'new' || dialog === 'shortcuts' || dialog === 'about' || dialog === 'model')
    dialogs.show({ kind: dialog })
  if (dialog === 'path') void dialogs.askPath('save', 'first-lab.nomaplab')
  if (dialog === 'damaged')
    dialogs.damaged = {
      path: '/home/user/lab-friday.nomaplab',
      error: {
        code: 'log-damaged',
        message:
          'lab-friday.nomaplab is damaged: line 412 of commands.jsonl is broken; 411 commands before it are good. The file was not changed.',
        remedy: 'Open the good part, then save it under another name.',
      },
    }
}

const state = useAppStore()
void keepConnected(lab(), () => Promise.resolve(host.port), {
  opened: async () => {
    await loadAll()
    settings.theme = (query.get('theme') as ThemeChoice | null) ?? 'light'
    const zoom = Number(query.get('zoom') ?? 100)
    settings.zoom = zoom
    state.connection = 'open'
  },
  lost: () => {},
  ended: () => {},
}).then(async () => {
  app.mount('#app')
  await nextTick()
  await play(query.get('scene') ?? 'lab')
  if (query.get('live') !== null) setInterval(() => useSessionStore().state?.state === 'running' && host.tick(1e5), 100)
  document.documentElement.dataset['ready'] = 'yes'
})
