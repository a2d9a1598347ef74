/**
 * The contract between the renderer and the main process: every request, every event, typed and with its schema.
 *
 * Requests travel from the renderer to main and are answered once, by a value or by a {@link ContractError}. Events travel
 * from main to the renderer and are not answered. All three shells (Electron, browser, tests) carry exactly these messages.
 * Payloads of requests are validated by schema in main; answers and events are produced by typed code and are not.
 *
 * Times are virtual nanoseconds since the emulated hosts booted, as integers (`t`), unless a name says otherwise.
 * Byte positions in a stream are offsets from its first byte. Shares are fractions from 0 to 1.
 */
import { z } from 'zod'

// Under the page's Content Security Policy zod must not try to compile its schemas with `new Function`.
z.config({ jitless: true })

/** Raised for every change of a message that an older renderer or main could not understand. */
export const contractVersion = 1

// ---------------------------------------------------------------------------------------------------------------- basics

/** Letter of a run ("branch"): it keeps its letter and its colour for its life. */
export const branchLetter = z.enum(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'])
export type BranchLetter = z.infer<typeof branchLetter>

/** Who gave a command. Recorded in the command log. */
export const commandOrigin = z.enum(['console', 'switch', 'exercise', 'menu', 'scenario'])
export type CommandOrigin = z.infer<typeof commandOrigin>

/** An error as it crosses the contract: what happened, what is safe, what can be done. */
export interface ContractError {
  /** Stable word for programs, for instance `file-missing`, `document-newer`, `disk-full`, `bad-request`, `engine-lost`. */
  code: string
  /** One sentence that names the thing. */
  message: string
  /** One sentence that says what the user can do. */
  remedy: string
  /** Further facts for "Copy details"; never a path of the home folder unless the user typed it. */
  details?: string
}

export interface AppInfo {
  contractVersion: number
  version: string
  /** Revision of the model, for instance `13.0-CURRENT r349532`. */
  revision: string
  shell: 'electron' | 'browser' | 'test'
  platform: string
  runtime: string
  /** True where native file dialogs exist; elsewhere the renderer asks for a path itself. */
  nativeDialogs: boolean
}

// -------------------------------------------------------------------------------------------------------------- scenarios

export interface ScenarioSummary {
  /** Name by which it is opened, for instance `first-lab`. */
  id: string
  title: string
  description: string
  /** Planned length in virtual nanoseconds. */
  duration: number
}

// ---------------------------------------------------------------------------------------------------------------- session

export interface BranchInfo {
  letter: BranchLetter
  name: string
  /** The branch this one was forked from and when; null for the first. */
  parent: { letter: BranchLetter; t: number } | null
  baseline: boolean
  /** Virtual time reached. */
  t: number
  /** Knobs whose value differs from the scenario's start. */
  changed: { name: string; from: string; to: string }[]
  /** False once the run was lost and is being computed again from the command log. */
  live: boolean
}

export interface CommandRecord {
  branch: BranchLetter
  t: number
  text: string
  origin: CommandOrigin
  /** Exit status; null while it runs. */
  status: number | null
}

export interface MarkRecord {
  branch: BranchLetter
  t: number
  text: string
}

export type RunState = 'idle' | 'running' | 'paused' | 'catching-up' | 'ended'

export interface SessionState {
  name: string
  /** Path of the document, or null if it was never saved. */
  path: string | null
  unsaved: boolean
  /** Wall time (ms since 1970) of the last save, or null. */
  savedAt: number | null
  scenario: ScenarioSummary
  seed: number
  state: RunState
  /** Virtual seconds per wall second; 0 = as fast as it can. */
  speed: number
  /** Load generator: started or not. */
  loading: boolean
  branches: BranchInfo[]
  commands: CommandRecord[]
  marks: MarkRecord[]
  undo: { text: string; branch: BranchLetter } | null
  redo: { text: string; branch: BranchLetter } | null
  notes: string
  report: string
  /** The renderer's own window layout; opaque to main. */
  layout: unknown
  exercise: ExerciseState | null
}

export interface RecentFile {
  path: string
  name: string
  /** Wall time, ms since 1970. */
  openedAt: number
  missing: boolean
}

export interface RecoverableSession {
  id: string
  name: string
  /** Wall time of the last journalled action. */
  changedAt: number
  /** Virtual time reached by the journal. */
  t: number
  commands: number
  path: string | null
}

// ----------------------------------------------------------------------------------------------------------------- engine

/**
 * What moved since the last frame, at most 60 times a second. Samples are columns of one typed array each, appended to what the
 * renderer has; `names` gives the series (declared metrics, see {@link SeriesInfo}), in the order of the columns.
 */
export interface EngineFrame {
  /** Wall milliseconds that main spent since the previous frame, for the status bar's speed. */
  wallMs: number
  state: RunState
  branches: {
    letter: BranchLetter
    t: number
    /** Sample times, virtual nanoseconds. */
    times: Float64Array
    /** `times.length × names.length` values, row after row. */
    values: Float64Array
    /** True if the renderer must drop what it has for this branch first (undo, reload). */
    reset: boolean
  }[]
}

export interface SeriesInfo {
  name: string
  title: string
  unit: string
  /** How it is computed, in one sentence, and where the number comes from. */
  description: string
  better: 'more' | 'fewer' | 'none'
}

export interface CapabilityState {
  /** Keyword of ifconfig(8), for instance `nomap`. */
  keyword: string
  /** Name as printed, for instance `NOMAP`. */
  printed: string
  bit: number
  on: boolean
  /** Default of the driver. */
  defaultOn: boolean
  /** Null if it can be switched; else the reason in words. */
  fixed: string | null
  description: string
}

export interface InterfaceState {
  name: string
  up: boolean
  running: boolean
  /** For instance `100G`. */
  speed: string
  /** Why it cannot be used, if so. */
  reason: string | null
  capabilities: CapabilityState[]
  /** Parent interface of a vlan(4), or null. */
  parent: string | null
}

export interface KnobState {
  name: string
  value: string
  defaultValue: string
  unit: string
  type: 'bool' | 'int' | 'uint' | 'long' | 'ulong' | 'quad' | 'string' | 'opaque' | 'node'
  access: 'rw' | 'rd' | 'boot'
  /** Inclusive range for numbers, as decimal text; null where none is declared. */
  range: { low: string; high: string } | null
  description: string
  source: string
}

export interface HostState {
  branch: BranchLetter
  t: number
  hostname: string
  interfaces: InterfaceState[]
  knobs: KnobState[]
}

/** One mbuf of a drawn chain. Offsets are stream bytes relative to {@link SendPath.base}. */
export interface DrawnMbuf {
  off: number
  len: number
  kind: 'mbuf' | 'cluster' | 'sfbuf' | 'extpgs' | 'aiotx'
  /** Pages of an EXT_PGS mbuf, else 0. */
  npgs: number
  firstPgOff: number
  /** Storage is owned by another mbuf. */
  shadow: boolean
  /** Holds protocol headers; has no place in the stream (len is the header length). */
  header: boolean
  ready: boolean
  refs: number
}

/** The send path of one connection at one instant: what exists now, nothing else. Everything is read from live state. */
export interface SendPath {
  branch: BranchLetter
  t: number
  /** The connection shown, or null if there is none. */
  connection: { id: number; label: string } | null
  /** The first 200 connections, for the chooser. */
  connections: { id: number; label: string }[]
  connectionCount: number
  method: 'sendfile' | 'write' | 'aio_write'
  /** Stream offset of the left edge and bytes shown. */
  base: number
  length: number
  /** File pages behind the send buffer; `adjacent`: physically follows the one before. */
  pages: { off: number; len: number; frame: number; adjacent: boolean }[]
  socketBuffer: DrawnMbuf[]
  /** Offsets of snd_una, snd_nxt (relative to base). */
  una: number
  nxt: number
  /** Latest complete burst, or null. */
  burst: {
    id: number
    t: number
    off: number
    len: number
    segments: number
    mss: number
    tso: boolean
    tcp: DrawnMbuf[]
    ip: { checksumByCard: boolean; takesUnmapped: boolean; converted: number; chain: DrawnMbuf[] }
    vlan: { tag: number; interface: string } | null
    /** Scatter/gather entries; those with off < 0 carry headers. */
    sglist: { off: number; len: number }[]
    descriptors: number
    immediate: boolean
    framesOut: number
    frames: number
    /** True until the card has reported the burst as done. */
    inFlight: boolean
  } | null
  ring: { interface: string; queue: number; size: number; cidx: number; pidx: number; used: number }
  wire: { media: string }
  /** Bytes that the next ACK can free and the pages that stay wired until then. */
  release: { next: number; wiredPages: number }
  /** The three columns at the right, one entry a layer. cpu = share of all CPUs, 0..1, over the last window. */
  layers: Record<
    'file' | 'sockbuf' | 'tcp' | 'ip' | 'vlan' | 'card' | 'wire' | 'ack',
    { socket: number; socketUnit: string; host: number; hostUnit: string; cpu: number | null }
  >
  verdict: { copiedPerByte: number; convertedPerByte: number; cpu: number }
}

/** A chain of mbufs in the list. snd, rcv: buffers of a socket; wait: without descriptors yet; card: on the card's ring until completion. */
export interface ChainEntry {
  name: string
  place: 'snd' | 'rcv' | 'wait' | 'card'
  packets: number
  mbufs: number
  unmapped: number
  notReady: number
  bytes: number
  mbcnt: number
}

/** One mbuf of the chain looked at. */
export interface ChainRow {
  name: string
  packet: number
  /** Bytes of the chain before it. */
  off: number
  len: number
  flags: string[]
  storage: string
  /** Owner of the storage if this is a shadow. */
  of: string | null
  refs: number
  /** Pages it shows: index in the page array, place in the chain, bytes, and whether the frame follows the one before in memory. */
  pages: { index: number; off: number; len: number; adjacent: boolean }[]
  ready: boolean
}

/** The mbuf that holds the byte looked at. */
export interface ChosenMbuf {
  name: string
  index: number
  address: string
  fields: { at: number; name: string; value: string; note: string }[]
  array: { summary: string; pages: { frame: string; shown: boolean; chosen: boolean }[] } | null
  page: { frame: string; facts: { name: string; value: string }[] } | null
  bytes: { where: string; at: number; chosen: number; bytes: number[] }
  holders: { name: string; chain: string; how: string }[]
}

/** Chains of one host at one instant. */
export interface ChainState {
  branch: BranchLetter
  t: number
  /** The first 400 chains that hold something. */
  list: ChainEntry[]
  unlisted: number
  empty: number
  /** The chain asked for; null if it is not there. */
  chain: {
    name: string
    place: ChainEntry['place']
    sockbuf: { sb_acc: number; sb_ccc: number; sb_mbcnt: number; sb_mcnt: number; sb_ccnt: number } | null
    bytes: number
    /** The first 500. */
    rows: ChainRow[]
    more: { mbufs: number; bytes: number }
    /** In the chain language (docs/chains.md). */
    text: string
  } | null
  mbuf: ChosenMbuf | null
}

export interface ConsoleResult {
  branch: BranchLetter
  /** When it began and ended, virtual. */
  t: number
  tEnd: number
  text: string
  /** What the console prints, stdout and stderr in the order written. */
  output: string
  status: number
}

export interface Completion {
  /** Range of the line that a choice replaces. */
  from: number
  to: number
  choices: { text: string; hint: string }[]
}

// ---------------------------------------------------------------------------------------------------------------- compare

export interface ComparisonMetric {
  name: string
  title: string
  unit: string
  better: 'more' | 'fewer' | 'none'
  /** Mean per run; null where it does not exist. */
  values: (number | null)[]
  /** Other run − baseline, with half width of the 95 % interval (null: a single exact pair). */
  differences: ({ difference: number; interval: number | null; ratio: number | null } | null)[]
  verdict: ('better' | 'worse' | 'different' | 'no-clear-difference' | 'equal')[]
  /** How the number is computed and where it comes from. */
  description: string
}

export interface Comparison {
  runs: { letter: BranchLetter | null; name: string; baseline: boolean }[]
  comparable: boolean
  /** Revision, scenario, seed, load, duration, warm-up: each with its verdict. */
  facts: { name: string; equal: boolean; text: string }[]
  knobs: { name: string; values: string[]; testedIn: string }[]
  equalKnobs: { name: string; value: string }[]
  metrics: ComparisonMetric[]
  /** Time window compared, virtual ns after alignment. */
  window: { from: number; to: number }
}

// --------------------------------------------------------------------------------------------------------------- exercise

export interface ExerciseSummary {
  id: string
  title: string
  minutes: number
  difficulty: string
  theme: string
  summary: string
}

export interface CheckState {
  id: string
  title: string
  level: 'required' | 'warning' | 'bonus'
  state: 'passed' | 'failed' | 'waiting' | 'not-yet'
  /** Sentence: what holds, or a sentence that teaches. */
  text: string
  /** Values and times the verdict rests on. */
  evidence: string
  /** Waiting for virtual time: how far (0..1) and of what. */
  progress: { share: number; text: string } | null
}

export interface ExerciseStepState {
  id: string
  title: string
  /** Markdown, sanitised by the renderer. */
  body: string
  commands: { text: string; branch: BranchLetter; doneAt: number | null }[]
  /** Buttons that the step offers. */
  actions: {
    id: 'load' | 'run' | 'fork' | 'compare' | 'undo' | 'save' | 'chains' | 'pause'
    label: string
    done: boolean
  }[]
  predictions: {
    id: string
    label: string
    kind: 'number' | 'choice'
    unit: string
    choices: string[]
    stored: { value: string; t: number } | null
    /** What the model computes so far, as text; null before anything can be said. */
    model: string | null
  }[]
  questions: {
    id: string
    label: string
    kind: 'choice' | 'number' | 'text'
    choices: string[]
    given: string | null
  }[]
  checks: CheckState[]
  hints: string[]
}

export interface ExerciseState {
  id: string
  title: string
  step: number
  steps: ExerciseStepState[]
  points: number
  maxPoints: number
}

// --------------------------------------------------------------------------------------------------------------- requests

const path = z.string().min(1).max(4096)
const line = z.string().max(65536)
const none = z.object({}).strict()

/** Schema of every request. The answer types are in {@link Answers}. */
export const requests = {
  'app.info': none,
  'scenario.list': none,
  'exercise.list': none,
  'metrics.list': none,
  /** Preferences of this user (theme, zoom, keys), opaque to main, kept in the user-data folder; null before the first write. */
  'settings.read': none,
  'settings.write': z.object({ settings: z.unknown() }).strict(),

  /** Starts a new session. `files` replaces the scenario's files by a file or folder of the user's disk. */
  'session.new': z
    .object({
      scenario: z.string().max(200),
      seed: z.number().int().min(0).max(0xffffffff).optional(),
      files: path.optional(),
      exercise: z.string().max(200).optional(),
    })
    .strict(),
  /** Opens a document; without `path` the shell asks with its own dialog (only where `nativeDialogs`). Null = cancelled. */
  'session.open': z.object({ path: path.optional(), keepGoodPart: z.boolean().optional() }).strict(),
  /** Saves; without `path` to the present path, or asks. `as` = always ask or use the given path for a new file. */
  'session.save': z.object({ path: path.optional(), as: z.boolean().optional() }).strict(),
  'session.state': none,
  'session.rename': z.object({ name: z.string().min(1).max(200) }).strict(),
  'session.recent': none,
  'session.forgetRecent': z.object({ path: path.optional() }).strict(),
  'session.recoverable': none,
  'session.recover': z.object({ id: z.string().max(200), action: z.enum(['open', 'discard']) }).strict(),
  'session.texts': z
    .object({ notes: z.string().max(1_000_000).optional(), report: z.string().max(1_000_000).optional() })
    .strict(),
  'session.layout': z.object({ layout: z.unknown() }).strict(),
  /** Suggested folder and the entries of a folder, for the renderer's own file dialog in the browser shell. */
  'files.list': z
    .object({ path: path.optional(), extensions: z.array(z.string().max(20)).max(10).optional() })
    .strict(),

  'run.control': z
    .object({
      action: z.enum(['run', 'pause', 'step', 'back']),
      count: z.number().int().min(1).max(1_000_000).optional(),
    })
    .strict(),
  /** Runs to a virtual time, then pauses. */
  'run.until': z.object({ t: z.number().int().nonnegative() }).strict(),
  'run.speed': z.object({ speed: z.number().nonnegative().max(1000) }).strict(),
  'run.load': z.object({ on: z.boolean(), branch: branchLetter.optional() }).strict(),
  'run.undo': none,
  'run.redo': none,
  'run.mark': z.object({ branch: branchLetter, text: z.string().max(1000) }).strict(),

  /** Forks `from` at its present instant (or at `t`, by re-execution) into the next free letter. `command` is run on the fork. */
  'branch.fork': z
    .object({
      from: branchLetter,
      t: z.number().int().nonnegative().optional(),
      name: z.string().max(200).optional(),
      command: line.optional(),
    })
    .strict(),
  'branch.delete': z.object({ letter: branchLetter }).strict(),
  'branch.rename': z.object({ letter: branchLetter, name: z.string().min(1).max(200) }).strict(),
  'branch.baseline': z.object({ letter: branchLetter }).strict(),

  'console.execute': z.object({ branch: branchLetter, text: line, origin: commandOrigin }).strict(),
  'console.complete': z.object({ branch: branchLetter, text: line, cursor: z.number().int().nonnegative() }).strict(),
  'console.interrupt': z.object({ branch: branchLetter }).strict(),

  'host.state': z.object({ branch: branchLetter }).strict(),
  sendPath: z.object({ branch: branchLetter, connection: z.number().int().nonnegative().optional() }).strict(),
  /** Chains of mbufs: the list, and the chain and byte (offset from its start) that are looked at. Reads only; asked again while the view is shown. */
  chains: z
    .object({
      branch: branchLetter,
      chain: z.string().max(200).optional(),
      byte: z.number().int().nonnegative().optional(),
    })
    .strict(),
  /** All samples of a branch from `from` on. */
  series: z.object({ branch: branchLetter, from: z.number().nonnegative().optional() }).strict(),
  /** What follows which frames the renderer wants: send path redraws of this connection of these branches (10/s at most). */
  watch: z
    .object({ sendPath: z.array(branchLetter).max(2), connection: z.number().int().nonnegative().optional() })
    .strict(),
  compare: z
    .object({
      branches: z.array(branchLetter).min(2).max(8),
      align: z.enum(['fork', 'start']).optional(),
      per: z.enum(['second', 'request', 'gib']).optional(),
    })
    .strict(),
  'compare.report': z
    .object({ branches: z.array(branchLetter).min(2).max(8), format: z.enum(['html', 'md', 'csv']) })
    .strict(),

  'exercise.start': z.object({ id: z.string().max(200) }).strict(),
  'exercise.step': z.object({ step: z.number().int().nonnegative() }).strict(),
  'exercise.predict': z.object({ id: z.string().max(200), value: z.string().max(200) }).strict(),
  'exercise.answer': z.object({ id: z.string().max(200), value: z.string().max(10_000) }).strict(),
  'exercise.close': none,
} as const

export type Method = keyof typeof requests
export type RequestOf<M extends Method> = z.infer<(typeof requests)[M]>

/** Answer of every request. */
export interface Answers {
  'app.info': AppInfo
  'scenario.list': ScenarioSummary[]
  'exercise.list': ExerciseSummary[]
  'metrics.list': SeriesInfo[]
  'settings.read': unknown
  'settings.write': null
  'session.new': SessionState
  'session.open': SessionState | null
  'session.save': { path: string; savedAt: number } | null
  'session.state': SessionState | null
  'session.rename': SessionState
  'session.recent': RecentFile[]
  'session.forgetRecent': RecentFile[]
  'session.recoverable': RecoverableSession[]
  'session.recover': SessionState | null
  'session.texts': null
  'session.layout': null
  'files.list': {
    path: string
    parent: string | null
    entries: { name: string; folder: boolean; size: number; changedAt: number }[]
  }
  'run.control': { t: number; state: RunState }
  'run.until': { t: number; state: RunState }
  'run.speed': null
  'run.load': ConsoleResult
  'run.undo': SessionState
  'run.redo': SessionState
  'run.mark': SessionState
  'branch.fork': BranchInfo
  'branch.delete': SessionState
  'branch.rename': SessionState
  'branch.baseline': SessionState
  'console.execute': ConsoleResult
  'console.complete': Completion
  'console.interrupt': null
  'host.state': HostState
  sendPath: SendPath
  chains: ChainState
  series: { branch: BranchLetter; names: string[]; times: Float64Array; values: Float64Array }
  watch: null
  compare: Comparison
  'compare.report': { name: string; text: string }
  'exercise.start': SessionState
  'exercise.step': ExerciseState
  'exercise.predict': ExerciseState
  'exercise.answer': ExerciseState
  'exercise.close': SessionState
}

/** Events from main to the renderer. */
export interface Events {
  frame: EngineFrame
  session: SessionState
  host: HostState
  /** A command ran (from anywhere: console, switch, exercise, replay). */
  command: ConsoleResult & { origin: CommandOrigin }
  sendPath: SendPath
  exercise: ExerciseState
  problem: ContractError & { level: 'info' | 'warn' | 'error' }
  /** A menu entry of the shell was chosen: run the entry of the renderer's command table. */
  menu: { command: string }
}
export type EventName = keyof Events

export type Handlers = { [M in Method]: (request: RequestOf<M>) => Promise<Answers[M]> | Answers[M] }

// ------------------------------------------------------------------------------------------------------------------- wire

/**
 * A message on the port between renderer and main. Over a MessagePort the object itself is posted; over a WebSocket it is JSON
 * text, or a binary frame where it holds typed arrays (see `preload/framing.ts`).
 */
export type WireMessage =
  | { kind: 'request'; id: number; method: string; body: unknown }
  | { kind: 'answer'; id: number; body: unknown }
  | { kind: 'failure'; id: number; error: ContractError }
  | { kind: 'event'; name: EventName; body: unknown }

/** What a transport must offer. */
export interface Port {
  post(message: WireMessage): void
  onMessage(listener: (message: unknown) => void): void
  onClose(listener: () => void): void
  close(): void
}

/** Name of the object that the preload exposes in the page (Electron only). */
export const bridgeName = 'labHost'
/** `window.postMessage` data with which the preload hands the MessagePort to the page. */
export const portMessage = 'lab:port'

/** What the preload exposes: a request for the port, nothing else. */
export interface Bridge {
  connect(): void
}
