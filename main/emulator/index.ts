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
  VlanConfig,
  WorkloadConfig,
} from './config'
export { SF_NOCACHE, SF_NODISKIO, SF_SYNC } from './sys/socket'
export { Machine } from './machine/machine'
export type { Kernel } from './kernel'
export type { Plain, Snapshot } from './machine/state'
export { causes, costParameters, type CostParameter } from './machine/cost'
export { eventNames } from './machine/eventKinds'
export { inet_ntop6, inet_pton6 } from './netinet6/in6_text'
export type { In6Address } from './netinet6/in6_ifaddr'
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
export { drainLoad, isDrained, loadRunning, startLoad, stopLoad } from './apps/apps'
export { leakCheck, memoryUse, type MemoryUse } from './inspect/memoryUse'
export { counterDeclarations, readCounters, type CounterDeclaration } from './inspect/counters'
export { chainEntries, drawByName, type ChainEntry, type ChainPlace } from './inspect/chainList'
export {
  formatChains,
  type ChainDrawing,
  type ChainSection,
  type MbufLine,
  type SockbufLine,
} from './inspect/chainText'
export { chainView, type ChainQuestion, type ChainView } from './inspect/chainView'
export { SendPathReader } from './inspect/sendPath'
export type { DrawnBurst, DrawnMbuf, LayerFigures, LayerName, SendPath } from './inspect/types'
export { linkCounters, linkParameters, type LinkCounter, type LinkParameter } from './link/link'
export { nicParameters, type NicParameter } from './dev/cxgbe/timing'
export { bufferBenchmarks, type BufferBenchmark } from './bench/buffers'
