/**
 * Public surface of the emulated machine: what the console, the engine and the lab may use. Nothing else of this folder is imported from outside.
 */
export type {
  Disk,
  FileEntry,
  FilesConfig,
  HostConfig,
  InterfaceConfig,
  LinkConfig,
  MachineConfig,
  WorkloadConfig,
} from './config'
export { Machine } from './machine/machine'
export type { Kernel } from './kernel'
export type { Plain, Snapshot } from './machine/state'
export { causes, costParameters, type CostParameter } from './machine/cost'
export { eventNames } from './machine/eventKinds'
export { systemCalls } from './inspect/systemCalls'
export type {
  CapabilityDeclaration,
  Ifreq,
  InterfaceCounter,
  InterfaceInfo,
  IoctlName,
  MediaStatus,
  SockbufInfo,
  SocketInfo,
  SysctlCalls,
  SysctlOid,
  SysctlValue,
  SystemCalls,
  ZoneRow,
} from './inspect/systemCalls'
