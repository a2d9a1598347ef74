/**
 * One host: the composition root of the emulated kernel. Kernel functions are plain functions whose first parameter is this object; it holds
 * the tables they work on and nothing else. The order of construction is the order of the state's parts: append, do not shuffle.
 */
import { createApps } from './apps/apps'
import type { HostConfig } from './config'
import { createCxgbe } from './dev/cxgbe/t4_main'
import { createIgb } from './dev/e1000/if_em'
import { attachInterfaces } from './dev/models'
import { createKqueueTable } from './kern/kern_event'
import { createMbufTables, mbuf_init } from './kern/kern_mbuf'
import { mb_reclaim_init } from './kern/kern_mbuf_reclaim'
import { createDescriptors } from './kern/kern_descrip'
import { declareKernelMib } from './kern/kern_mib'
import { createSendfile, declareSendfileSysctls } from './kern/kern_sendfile'
import { SysctlTree } from './kern/kern_sysctl'
import { createThreads } from './kern/subr_sleepqueue'
import { createUserBuffers } from './kern/subr_uio'
import { createSockbufTable } from './kern/uipc_sockbuf'
import { createSocketTable, declareSocketSysctls } from './kern/uipc_socket'
import { createSosend } from './kern/uipc_sosend'
import { createReads } from './kern/vfs_vnops'
import { Cost } from './machine/cost'
import { Cpus } from './machine/cpu'
import type { Machine } from './machine/machine'
import type { Registry } from './machine/state'
import { createIfnet } from './net/if'
import { configureLagg, createLagg } from './net/if_lagg'
import { createLoopback } from './net/if_loop'
import { configureVlan } from './net/if_vlan'
import { createInet, declareInetSysctls } from './netinet/inet'
import { configureInet6, createInet6 } from './netinet6/inet6'
import { createUma } from './vm/uma_core'
import { createVmObject, vm_object_warm } from './vm/vm_object'
import { createVmPage } from './vm/vm_page'
import { declarePageoutSysctls } from './vm/vm_pageout'
import { PhysMem } from './vm/vm_phys'
import { createDisk } from './vm/vnode_pager'

export class Kernel {
  readonly config: HostConfig
  readonly registry: Registry
  /** Poison freed storage, run expensive checks. */
  readonly debug: boolean
  readonly cost: Cost
  readonly cpu: Cpus
  readonly sysctl: SysctlTree
  readonly phys: PhysMem
  readonly page: ReturnType<typeof createVmPage>
  readonly object: ReturnType<typeof createVmObject>
  readonly uma: ReturnType<typeof createUma>
  readonly mb: ReturnType<typeof createMbufTables>['mb']
  readonly pgs: ReturnType<typeof createMbufTables>['pgs']
  readonly extref: ReturnType<typeof createMbufTables>['extref']
  readonly mbstat: ReturnType<typeof createMbufTables>['mbstat']
  readonly mtag: ReturnType<typeof createMbufTables>['mtag']
  readonly sb: ReturnType<typeof createSockbufTable>
  readonly so: ReturnType<typeof createSocketTable>
  readonly sosend: ReturnType<typeof createSosend>
  readonly reads: ReturnType<typeof createReads>
  readonly kq: ReturnType<typeof createKqueueTable>
  readonly td: ReturnType<typeof createThreads>
  readonly ubuf: ReturnType<typeof createUserBuffers>
  readonly fd: ReturnType<typeof createDescriptors>
  readonly disk: ReturnType<typeof createDisk>
  readonly sendfile: ReturnType<typeof createSendfile>
  readonly ifnet: ReturnType<typeof createIfnet>
  readonly inet: ReturnType<typeof createInet>
  readonly inet6: ReturnType<typeof createInet6>
  readonly cxgbe: ReturnType<typeof createCxgbe>
  /** Null on hosts without such a card: their state has no part of it. */
  readonly igb: ReturnType<typeof createIgb>
  readonly apps: ReturnType<typeof createApps>
  /** Kernel message buffer (dmesg): lines without newline. */
  readonly msgbuf: { lines: string[] }

  constructor(
    readonly machine: Machine,
    /** Index in `machine.kernels`, 0 = the host under test, 1 = the peer. */
    readonly id: number,
  ) {
    const config = machine.config.hosts[id]
    this.config = config
    this.registry = machine.registry
    this.debug = machine.config.debug
    this.cost = new Cost(
      this.registry,
      this.part('cost'),
      config.cost && machine.config.cost.on,
      machine.config.cost.parameters,
    )
    this.cpu = new Cpus(machine, id, this.part('cpu'), config.ncpu, 1e9 / config.hz, this.cost)
    this.msgbuf = this.registry.record(this.part('msgbuf'), { lines: [] as string[] })
    this.sysctl = new SysctlTree(this)
    declareKernelMib(this)
    this.phys = new PhysMem(this)
    this.page = createVmPage(this)
    declarePageoutSysctls(this)
    this.object = createVmObject(this)
    if (machine.config.files.warm && id === 0) vm_object_warm(this)
    this.uma = createUma(this)
    const mbufs = createMbufTables(this)
    this.mb = mbufs.mb
    this.pgs = mbufs.pgs
    this.extref = mbufs.extref
    this.mbstat = mbufs.mbstat
    this.mtag = mbufs.mtag
    mbuf_init(this)
    this.sb = createSockbufTable(this)
    this.so = createSocketTable(this)
    declareSocketSysctls(this)
    this.sosend = createSosend(this)
    this.reads = createReads(this)
    this.kq = createKqueueTable(this)
    this.td = createThreads(this)
    this.ubuf = createUserBuffers(this)
    this.fd = createDescriptors(this)
    this.disk = createDisk(this)
    this.sendfile = createSendfile(this)
    declareSendfileSysctls(this)
    this.ifnet = createIfnet(this)
    this.inet = createInet(this)
    declareInetSysctls(this)
    this.cxgbe = createCxgbe(this)
    this.igb = createIgb(this)
    this.apps = createApps(this)
    mb_reclaim_init(this)
    this.inet6 = createInet6(this)
  }

  /** Name of a state part of this host. */
  part(name: string): string {
    return `host${this.id}.${name}`
  }

  /** Virtual ns as the running CPU sees it. */
  now(): number {
    return this.cpu.now()
  }

  /** printf(9): a line to the message buffer. */
  printf(line: string): void {
    this.msgbuf.lines.push(line)
    if (this.msgbuf.lines.length > 1000) this.msgbuf.lines.shift()
  }

  /** After all hosts are built: tunables and boot-time sysctls were applied by the declarations; interfaces come up, programs start. */
  boot(): void {
    this.sysctl.applyBoot()
    attachInterfaces(this)
    // lo0 comes after the cards, as on a booted host: ifconfig lists interfaces in the order in which they attached.
    createLoopback(this)
    createLagg(this)
    for (const lagg of this.config.laggs ?? []) configureLagg(this, lagg)
    for (const { name, parent, tag, address, prefixLength } of this.config.vlans ?? [])
      configureVlan(this, name, parent, tag, address, prefixLength)
    configureInet6(this)
    this.apps.start()
  }
}
