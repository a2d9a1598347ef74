/** What the lab and the shells use of the engine. */
export { Branch, type Executed, type ExecutionResult, type PlannedCommand } from './branch'
export { EngineClient, EngineFailure, type EngineClientOptions, type Notice } from './client'
export type { Console, ConsoleStep, LabAnswer, LabHooks } from './consoleSeam'
export { letters } from './core'
export type { Built, EngineMachine, Model } from './model'
export type { BranchPlan, EngineFrameMessage, EngineStats, Replies, Requests, StartMessage } from './protocol'
export { counterNames, realModel, type SettingsView } from './realModel'
export type { HostView } from './hostView'
