/**
 * What a machine is built from. Plain data, already checked by the lab's scenario schema: the emulator trusts it and only asserts.
 * The same config, disk bytes, seed and commands give bit-identical state.
 */

/** An interface of a host. */
export interface InterfaceConfig {
  /** Name in the host, for instance `cc0`. */
  name: string
  /** `t6`: cxgbe(4) port of a T6 adapter with IFCAP_NOMAP. `igb`: igb(4) port of an I350, without it. */
  model: 't6' | 'igb'
  /** A cable to the other host is plugged in; left out: only into the first interface. The n-th one of a host leads to the n-th one of the other. */
  cable?: boolean
  /** Dotted IPv4 address and prefix length; '' for a port of a lagg, which has none of its own. */
  address: string
  prefixLength: number
  /** IPv6 address and prefix length (64 if left out); without it the interface has none. */
  address6?: string
  prefixLength6?: number
  mtu: number
  /** Capability keywords of ifconfig(8) switched at boot, for instance `{ nomap: false }`. */
  capabilities: { [keyword: string]: boolean }
}

export interface HostConfig {
  name: string
  /** CPUs and their fixed clock in Hz. */
  ncpu: number
  hz: number
  /** Physical memory, bytes: decides the mbuf limits (kern.ipc.nmbclusters and others), not what the emulator allocates. */
  memoryBytes: number
  /** False: a machine without direct map (i386, 32-bit arm), where sf_bufs are a limited resource. Default true (amd64). */
  directMap?: boolean
  /** Cost model charges this host's CPUs. */
  cost: boolean
  /** Loader tunables (`name=value`), applied before anything starts. */
  tunables: { [name: string]: string }
  /** Sysctls written at boot, after the tunables. */
  sysctls: { [name: string]: string }
  interfaces: InterfaceConfig[]
  /** lagg(4) interfaces made at boot, before the vlans. */
  laggs?: LaggConfig[]
  /** vlan(4) interfaces made at boot. */
  vlans?: VlanConfig[]
}

/** Several interfaces as one. */
export interface LaggConfig {
  name: string
  protocol: 'failover' | 'loadbalance' | 'roundrobin' | 'broadcast'
  /** Interfaces, the first one is the primary. */
  ports: string[]
  /** '' for none (its vlans have them). */
  address: string
  prefixLength: number
  address6?: string
  prefixLength6?: number
}

/** An interface for one tag of a parent. */
export interface VlanConfig {
  name: string
  parent: string
  /** 1 … 4094. */
  tag: number
  address: string
  prefixLength: number
  address6?: string
  prefixLength6?: number
}

export interface LinkConfig {
  /** Bits a second. */
  rateBps: number
  /** One-way propagation delay, ns. */
  delayNs: number
  /** Bytes that may wait for the transmitter of each end. */
  queueBytes: number
  /** Probability 0 … 1 that a frame is lost, per direction from host 0 to host 1 and back. */
  loss: number
  duplicate: number
  reorder: number
}

/** A file of the emulated host's disk. Its bytes start at page `diskPage` of the disk. */
export interface FileEntry {
  /** Path in the emulated host, for instance `/www/index.html`. */
  path: string
  size: number
  diskPage: number
}

export interface FilesConfig {
  entries: FileEntry[]
  /** Mean length, in pages, of physically contiguous runs of a file's page frames. 1 = none adjacent on purpose. */
  contiguity: number
  /** True: all pages are in memory and valid at boot. False: cold, read by sendfile's pager (sequential disk model). */
  warm: boolean
  /** Disk latency (ns) and bandwidth (bytes a second) for cold pages. */
  diskLatencyNs: number
  diskBytesPerSecond: number
  /** Requests the disk works on at a time; others wait. Default 32. */
  diskQueueDepth?: number
  /** Share (0 … 1) of the requests that fail with EIO. Default 0. */
  diskErrors?: number
  /** Share (0 … 1) of the requests that bring a part only; the rest costs another access. Default 0. */
  diskShortReads?: number
}

export interface WorkloadConfig {
  /** Which system call carries the file. */
  method: 'sendfile' | 'write'
  connections: number
  /** Mean pause between answer and next request, ns (0 = none), exponentially distributed. */
  thinkNs: number
  /** Requests a connection makes before it closes and a new one opens; 0 = keeps it. */
  requestsPerConnection: number
  /** Requests of each client, over all its connections; then it is done. 0 or left out: it goes on until the load stops. */
  requests?: number
  /** Virtual time at which the load starts; negative: only by command. */
  startNs: number
  /** Spread of the connections' first requests, ns. */
  rampNs: number
  /** SO_SNDLOWAT of the server's sockets in bytes, or 0 for the kernel's default. */
  sendLowat: number
  /** sendfile flags (SF_*). */
  sendfileFlags: number
  /** TCP port. */
  port: number
  /** Requests that a client sends together before it waits for the answers. Default 1; more only with requestsPerConnection 0. */
  pipeline?: number
  /** Address family of the connections. Default `inet`. */
  family?: 'inet' | 'inet6'
  /** Address (of that family) that the clients connect to; default: that of the server's first interface. */
  server?: string
}

export interface MachineConfig {
  seed: number
  hosts: HostConfig[]
  link: LinkConfig
  files: FilesConfig
  workload: WorkloadConfig
  /** Master switch of the cost model (functional mode = false). Overrides of its parameters by name. */
  cost: { on: boolean; parameters: { [name: string]: number } }
  /** Poison freed storage and run expensive self-checks. */
  debug: boolean
}

/** The bytes of all files, shared between forks, never written. */
export interface Disk {
  /** View over a SharedArrayBuffer (or ArrayBuffer in tests); length is a multiple of 4096. */
  bytes: Uint8Array
}
