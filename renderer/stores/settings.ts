/** Settings of this user on this machine: theme, zoom, keys, console. Kept by main in the user-data folder, not in documents. */
import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'
import { lab } from '../connection/lab'

export type ThemeChoice = 'system' | 'light' | 'dark' | 'contrast'
export type ThemeName = 'light' | 'dark' | 'contrast'

interface Stored {
  theme: ThemeChoice
  zoom: number
  singleKeys: boolean
  screenReader: boolean
  reduceMotion: boolean
}

const defaults: Stored = { theme: 'system', zoom: 100, singleKeys: true, screenReader: false, reduceMotion: false }
/** Steps of the interface zoom, per cent. */
export const zoomSteps = [50, 67, 80, 90, 100, 110, 125, 150, 175, 200, 250, 300] as const

/** What a stored value says, as far as it is of the right type; the rest is default. */
function accept(value: unknown): Stored {
  const result: Record<string, unknown> = { ...defaults }
  if (typeof value !== 'object' || value === null) return { ...defaults }
  for (const [name, normal] of Object.entries(defaults)) {
    const given = (value as Record<string, unknown>)[name]
    if (typeof given === typeof normal) result[name] = given
  }
  return result as unknown as Stored
}

function matches(query: string): boolean {
  return typeof window.matchMedia === 'function' && window.matchMedia(query).matches
}

/** The theme that a choice means on this system. */
export function resolveTheme(choice: ThemeChoice): ThemeName {
  if (choice !== 'system') return choice
  if (matches('(prefers-contrast: more)')) return 'contrast'
  return matches('(prefers-color-scheme: dark)') ? 'dark' : 'light'
}

export const useSettingsStore = defineStore('settings', () => {
  const stored = ref<Stored>({ ...defaults })
  const systemTheme = ref<ThemeName>(resolveTheme('system'))

  const theme = computed({ get: () => stored.value.theme, set: (v) => (stored.value.theme = v) })
  /** The theme in force; charts redraw when it changes. */
  const themeName = computed<ThemeName>(() =>
    stored.value.theme === 'system' ? systemTheme.value : stored.value.theme,
  )
  const zoom = computed({ get: () => stored.value.zoom, set: (v) => (stored.value.zoom = v) })
  /** Single-letter keys (M, X, ?) work. */
  const singleKeys = computed({ get: () => stored.value.singleKeys, set: (v) => (stored.value.singleKeys = v) })
  /** The console keeps an accessible copy of its lines. */
  const screenReader = computed({ get: () => stored.value.screenReader, set: (v) => (stored.value.screenReader = v) })
  /** Less motion than the system asks for. */
  const reduceMotion = computed({ get: () => stored.value.reduceMotion, set: (v) => (stored.value.reduceMotion = v) })

  let stopWriting: (() => void) | undefined

  function zoomBy(direction: 1 | -1): void {
    const at = zoomSteps.findIndex((z) => z >= stored.value.zoom)
    stored.value.zoom = zoomSteps[Math.min(zoomSteps.length - 1, Math.max(0, at + direction))]!
  }

  function apply(): void {
    const root = document.documentElement
    root.dataset['theme'] = themeName.value
    root.dataset['motion'] = stored.value.reduceMotion ? 'less' : ''
    root.style.setProperty('--zoom', String(stored.value.zoom / 100))
  }
  /** Sets the attributes of the page and keeps them right from now on. */
  function follow(): void {
    apply()
    if (typeof window.matchMedia === 'function') {
      for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'])
        window.matchMedia(query).addEventListener('change', () => (systemTheme.value = resolveTheme('system')))
    }
    watch([stored, systemTheme], apply, { deep: true, flush: 'sync' })
  }
  /** Reads what main keeps; from then on every change is written back. */
  async function load(): Promise<void> {
    stored.value = accept(await lab().request('settings.read', {}))
    stopWriting?.()
    stopWriting = watch(
      stored,
      (value) =>
        void lab()
          .request('settings.write', { settings: value })
          .catch(() => {}),
      {
        deep: true,
      },
    )
  }

  return { theme, themeName, zoom, singleKeys, screenReader, reduceMotion, zoomBy, follow, load }
})
