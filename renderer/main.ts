/** Entry of the page: stores, connection, window. */
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { runCommand } from './commands/runner'
import { keepConnected } from './connection/keep'
import { lab } from './connection/lab'
import { openPort } from './connection/port'
import { joinStores, loadAll } from './connection/wire'
import { useAppStore } from './stores/app'
import { useProblemsStore } from './stores/problems'
import { useSettingsStore } from './stores/settings'
import './theme'

const app = createApp(App)
app.use(createPinia())
const state = useAppStore()
const problems = useProblemsStore()
app.config.errorHandler = (error) => problems.report(error)
window.addEventListener('unhandledrejection', (event) => problems.report(event.reason))

useSettingsStore().follow()
joinStores(lab(), runCommand)
const connected = keepConnected(lab(), openPort, {
  opened: async () => {
    state.ended = null
    await loadAll()
    state.connection = 'open'
  },
  lost: (seconds) => {
    // The first hiccup of a start is not worth a notice.
    if (state.connection === 'open' || seconds > 0.5) state.connection = 'lost'
  },
  ended: (reason) => (state.ended = reason),
})
// The theme is part of what is loaded: wait a moment for it, so that the first paint has the right colours.
void Promise.race([connected, new Promise((resolve) => setTimeout(resolve, 400))]).then(() => app.mount('#app'))
