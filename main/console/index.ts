/** Public surface of the console: what the engine and the lab may use. */
export { createConsole, type HostConsole } from './createConsole'
export { commandTable, type CommandEntry } from './commands/table'
export { labVerbs } from './commands/lab'
export type { Console, ConsoleCompletion, ConsoleStep, LabAnswer, LabHooks } from './seam'
