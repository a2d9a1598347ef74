/** Which panels are open and how large. Saved with the session (`session.layout`), opaque to main. */
import { defineStore } from 'pinia'
import { computed, reactive, ref } from 'vue'

export type SidePanel = 'lab' | 'host' | 'runs' | 'files' | 'settings'
export type WorkTab = 'overview' | 'charts' | 'chains' | 'compare' | 'report' | 'exercise'
/** Side panels of the rail, in order. */
export const sidePanels = ['lab', 'host', 'runs', 'files', 'settings'] as const

/** Tabs that a document may open with. */
const savedTabs: readonly WorkTab[] = ['overview', 'charts', 'chains', 'compare', 'report']

/** What is written into the session. Everything may be missing: an old or foreign layout never blocks opening. */
export interface SavedLayout {
  side?: SidePanel | null
  tab?: WorkTab
  sizes?: Partial<Sizes>
  consoleOpen?: boolean
}

/** Sizes in CSS pixels that the user may change. */
export interface Sizes {
  side: number
  exercise: number
  console: number
  charts: number
}

export const sizeLimits: Record<keyof Sizes, { least: number; most: number; normal: number }> = {
  side: { least: 200, most: 400, normal: 264 },
  exercise: { least: 320, most: 480, normal: 384 },
  // 0 = what the picture leaves over
  console: { least: 104, most: 2000, normal: 0 },
  charts: { least: 96, most: 320, normal: 128 },
}

const normal = (): Sizes => ({
  side: sizeLimits.side.normal,
  exercise: sizeLimits.exercise.normal,
  console: sizeLimits.console.normal,
  charts: sizeLimits.charts.normal,
})

export const useLayoutStore = defineStore('layout', () => {
  /** Panel beside the work area in a wide window; saved with the session. */
  const docked = ref<SidePanel | null>('host')
  /** Panel that lies over the work area in a narrow window; closed until it is asked for. */
  const floating = ref<SidePanel | null>(null)
  const tab = ref<WorkTab>('overview')
  const sizes = reactive<Sizes>(normal())
  const consoleOpen = ref(true)
  /** The console's find row is open. */
  const findInConsole = ref(false)
  /** What the host panel is filtered by; the status bar and "go to" set it. */
  const hostFilter = ref('')
  /** Interface that the host panel shall show. */
  const hostInterface = ref<string | null>(null)
  /** Side panel opened over the Start screen; null = the Start screen as it is. */
  const startSide = ref<SidePanel | null>(null)
  /** Tab of the console: a run's letter or the list of problems. */
  const consoleTab = ref<'run' | 'problems'>('run')
  let lastSide: SidePanel = 'host'
  /** Size of the window in CSS pixels after zoom; the frame keeps it. */
  const width = ref(1440)
  const height = ref(900)

  /** Below this width the side panel floats over the work area and the exercise is a tab. */
  const narrow = computed(() => width.value < 1200)
  /** The side panel that is open, or null. */
  const side = computed<SidePanel | null>({
    get: () => (narrow.value ? floating.value : docked.value),
    set: (panel) => {
      if (narrow.value) floating.value = panel
      else docked.value = panel
    },
  })
  /** Below this width the panes stack and the page scrolls. */
  const stacked = computed(() => width.value < 800)

  function resize(name: keyof Sizes, value: number): void {
    const { least, most, normal: usual } = sizeLimits[name]
    sizes[name] = value === usual ? usual : Math.round(Math.min(most, Math.max(least, value)))
  }
  function toggleSide(panel: SidePanel): void {
    if (side.value !== null) lastSide = side.value
    side.value = side.value === panel ? null : panel
  }
  /** Opens the side panel that was open last. */
  function reopenSide(): void {
    side.value = lastSide
  }
  function save(): SavedLayout {
    return { side: docked.value, tab: tab.value, sizes: { ...sizes }, consoleOpen: consoleOpen.value }
  }
  /** Takes a layout from a document; unknown parts are left as they are. */
  function restore(saved: unknown): void {
    if (typeof saved !== 'object' || saved === null) return
    const value = saved as SavedLayout
    if (value.side === null || (value.side !== undefined && sidePanels.includes(value.side))) docked.value = value.side
    if (savedTabs.some((name) => name === value.tab)) tab.value = value.tab!
    if (typeof value.consoleOpen === 'boolean') consoleOpen.value = value.consoleOpen
    for (const name of Object.keys(sizeLimits) as (keyof Sizes)[]) {
      const size = value.sizes?.[name]
      if (typeof size === 'number' && Number.isFinite(size)) resize(name, size)
    }
  }
  /** Shows the exercise where it is: its own pane, or a tab in a narrow window. */
  function showExercise(): void {
    if (narrow.value) tab.value = 'exercise'
  }
  /** Opens the host panel at a knob or an interface. */
  function showHost(target: { filter?: string; interface?: string }): void {
    side.value = 'host'
    hostFilter.value = target.filter ?? ''
    if (target.interface !== undefined) hostInterface.value = target.interface
  }
  function reset(): void {
    Object.assign(sizes, normal())
    docked.value = 'host'
    floating.value = null
    tab.value = 'overview'
    consoleOpen.value = true
  }

  return {
    startSide,
    consoleTab,
    showExercise,
    side,
    tab,
    sizes,
    consoleOpen,
    width,
    height,
    narrow,
    stacked,
    resize,
    toggleSide,
    reopenSide,
    findInConsole,
    hostFilter,
    hostInterface,
    save,
    restore,
    showHost,
    reset,
  }
})
