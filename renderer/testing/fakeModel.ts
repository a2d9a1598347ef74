/**
 * A small in-memory stand-in for the emulated host, for component tests and for the developer's page. It is not the model: its
 * numbers are made up so that every part of the window has something to show, and it is not part of the product's build.
 */
import type {
  BranchInfo,
  BranchLetter,
  CapabilityState,
  CommandOrigin,
  ConsoleResult,
  DrawnMbuf,
  HostState,
  KnobState,
  SendPath,
  SeriesInfo,
} from '../../preload/contract'

export const fakeMetrics: SeriesInfo[] = [
  ['goodput_bps', 'Goodput', 'b/s', 'more'],
  ['sockbuf_mbufs', 'mbufs in buffers', 'mbufs', 'fewer'],
  ['sockbuf_bytes', 'Bytes in socket buffers', 'B', 'none'],
  ['conversions_per_s', 'Conversions', '/s', 'fewer'],
  ['cpu_share', 'CPU, modelled', 'share', 'fewer'],
].map(([name, title, unit, better]) => ({
  name,
  title,
  unit,
  better: better as SeriesInfo['better'],
  description: 'Made up by the stand-in of the tests.',
}))

const capabilityDefaults: [string, number, boolean, string][] = [
  ['rxcsum', 0x1, true, 'Checksum of received TCP and UDP over IPv4 by the card'],
  ['txcsum', 0x2, true, 'Checksum of sent TCP and UDP over IPv4 by the card'],
  ['vlanmtu', 0x8, true, 'Frames four bytes longer for a VLAN tag'],
  ['vlanhwtag', 0x10, true, 'VLAN tag inserted and removed by the card'],
  ['jumbomtu', 0x20, true, 'Frames longer than 1500 bytes'],
  ['vlanhwcsum', 0x80, true, 'Checksums inside VLAN frames by the card'],
  ['tso4', 0x100, true, 'Segments of TCP over IPv4 cut by the card'],
  ['tso6', 0x200, true, 'Segments of TCP over IPv6 cut by the card'],
  ['lro', 0x400, true, 'Received segments joined'],
  ['toe', 0x4000, false, 'TCP runs on the card'],
  ['vlanhwtso', 0x40000, true, 'Segments inside VLAN frames cut by the card'],
  ['txcsum6', 0x400000, true, 'Checksum of sent TCP and UDP over IPv6 by the card'],
  ['nomap', 0x4000000, true, 'Unmapped mbufs are taken as they are'],
]

function capability([keyword, bit, on, description]: (typeof capabilityDefaults)[number]): CapabilityState {
  const fixed = keyword === 'toe' ? 'needs t4_tom' : null
  return { keyword, printed: keyword.toUpperCase(), bit, on, defaultOn: on, fixed, description }
}

function knob(
  name: string,
  value: string,
  type: KnobState['type'],
  access: KnobState['access'],
  description: string,
): KnobState {
  const range = type === 'bool' ? { low: '0', high: '1' } : access === 'rw' ? { low: '1024', high: '33554432' } : null
  return {
    name,
    value,
    defaultValue: value,
    unit: type === 'bool' ? '' : 'B',
    type,
    access,
    range,
    description,
    source: 'test',
  }
}

export interface FakeBranch {
  info: BranchInfo
  host: HostState
  loading: boolean
  times: number[]
  values: number[]
  /** Samples already sent as frames. */
  sent: number
}

/** A fresh host of a run. */
export function createBranch(letter: BranchLetter, name: string): FakeBranch {
  return {
    info: { letter, name, parent: null, baseline: letter === 'A', t: 0, changed: [], live: true },
    host: {
      branch: letter,
      t: 0,
      hostname: 'lab',
      interfaces: [
        {
          name: 'cc0',
          up: true,
          running: true,
          speed: '100G',
          reason: null,
          parent: null,
          capabilities: capabilityDefaults.map(capability),
        },
        { name: 'lo0', up: true, running: true, speed: '', reason: null, parent: null, capabilities: [] },
      ],
      knobs: [
        knob('kern.ipc.mb_use_ext_pgs', '0', 'bool', 'rw', 'sendfile(2) uses mbufs that hold many unmapped pages'),
        knob('kern.ipc.maxsockbuf', '2097152', 'ulong', 'rw', 'Largest size of a socket buffer'),
        knob('net.inet.tcp.sendspace', '32768', 'int', 'rw', 'Size of a new send buffer'),
        knob('net.inet.tcp.tso', '1', 'bool', 'rw', 'TCP hands over bursts for the card to cut'),
        knob('kern.ipc.numopensockets', '407', 'int', 'rd', 'Sockets open now'),
        knob('hw.cxgbe.nofldtxq', '8', 'int', 'boot', 'Offload transmit queues a port'),
      ],
    },
    loading: false,
    times: [],
    values: [],
    sent: 0,
  }
}

/** A copy under another letter, from the same instant. */
export function forkBranch(from: FakeBranch, letter: BranchLetter, name: string): FakeBranch {
  const copy = JSON.parse(JSON.stringify(from)) as FakeBranch
  copy.info = { ...copy.info, letter, name, parent: { letter: from.info.letter, t: from.info.t }, baseline: false }
  copy.host.branch = letter
  copy.sent = copy.times.length
  return copy
}

export function nomapOn(branch: FakeBranch): boolean {
  return branch.host.interfaces[0].capabilities.find((c) => c.keyword === 'nomap')?.on ?? false
}
export function extPgs(branch: FakeBranch): boolean {
  return branch.host.knobs[0].value === '1'
}

/** Moves a run on by `ns`, with a sample every 100 µs. */
export function advance(branch: FakeBranch, ns: number): void {
  const target = branch.info.t + ns
  let at = (Math.floor(branch.info.t / 100_000) + 1) * 100_000
  for (; at <= target; at += 100_000) {
    const last = branch.values.slice(-fakeMetrics.length)
    const wave = Math.sin(at / 1.7e6) + 0.5 * Math.sin(at / 0.41e6)
    const goal = !branch.loading
      ? [0, 0, 0, 0, 0.002]
      : [
          40e9 + wave * 2e8,
          (extPgs(branch) ? 2943 : 41_200) * (1 + wave * 0.02),
          160e6,
          extPgs(branch) && !nomapOn(branch) ? 780_000 * (1 + wave * 0.05) : 0,
          (extPgs(branch) ? (nomapOn(branch) ? 0.401 : 0.43) : 0.439) + wave * 0.004,
        ]
    branch.times.push(at)
    goal.forEach((g, i) => branch.values.push((last[i] ?? 0) * 0.75 + g * 0.25))
  }
  branch.info.t = target
  branch.host.t = target
}

/** Recomputes the list of changed knobs. */
function noteChanges(branch: FakeBranch): void {
  const changes: BranchInfo['changed'] = []
  for (const k of branch.host.knobs)
    if (k.value !== k.defaultValue) changes.push({ name: k.name, from: k.defaultValue, to: k.value })
  for (const c of branch.host.interfaces[0].capabilities)
    if (c.on !== c.defaultOn)
      changes.push({ name: `cc0.${c.keyword}`, from: c.defaultOn ? 'on' : 'off', to: c.on ? 'on' : 'off' })
  branch.info = { ...branch.info, changed: changes }
}

const options = (caps: CapabilityState[]): string => {
  const on = caps.filter((c) => c.on)
  const bits = on.reduce((sum, c) => sum + c.bit, 0)
  return `${bits.toString(16)}<${on.map((c) => c.printed).join(',')}>`
}

/** Runs one command of the few that the stand-in knows; returns output and exit status. */
export function runCommand(branch: FakeBranch, text: string): { output: string; status: number } {
  const words = text.trim().split(/\s+/)
  const [name, ...args] = words
  if (name === 'ifconfig') {
    const ifname = args[0] ?? 'cc0'
    const found = branch.host.interfaces.find((i) => i.name === ifname)
    if (found === undefined) return { output: `ifconfig: interface ${ifname} does not exist\n`, status: 1 }
    for (const word of args.slice(1)) {
      const off = word.startsWith('-')
      const c = found.capabilities.find((cap) => cap.keyword === word.replace(/^-/, ''))
      if (c === undefined) return { output: `ifconfig: ${word}: bad value\n`, status: 1 }
      if (c.fixed === null) c.on = !off
    }
    branch.host = { ...branch.host, interfaces: branch.host.interfaces.map((i) => ({ ...i })) }
    noteChanges(branch)
    if (args.length > 1) return { output: '', status: 0 }
    return {
      output:
        `${ifname}: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500\n` +
        `\toptions=${options(found.capabilities)}\n\tether 00:07:43:aa:bb:00\n\tinet 198.51.100.1 netmask 0xffffff00\n` +
        '\tmedia: Ethernet 100GBase-CR4 <full-duplex>\n\tstatus: active\n',
      status: 0,
    }
  }
  if (name === 'sysctl') {
    const [key, value] = (args[0] ?? '').split('=')
    const k = branch.host.knobs.find((candidate) => candidate.name === key)
    if (k === undefined) return { output: `sysctl: unknown oid '${key ?? ''}'\n`, status: 1 }
    if (value === undefined) return { output: `${k.name}: ${k.value}\n`, status: 0 }
    if (k.access !== 'rw') return { output: `sysctl: oid '${k.name}' is read only\n`, status: 1 }
    if (k.range !== null && (Number(value) < Number(k.range.low) || Number(value) > Number(k.range.high)))
      return { output: `sysctl: ${k.name}=${value}: Invalid argument\n`, status: 1 }
    const output = `${k.name}: ${k.value} -> ${value}\n`
    branch.host = { ...branch.host, knobs: branch.host.knobs.map((o) => (o === k ? { ...k, value } : o)) }
    noteChanges(branch)
    return { output, status: 0 }
  }
  if (name === 'uname')
    return { output: 'FreeBSD lab 13.0-CURRENT FreeBSD 13.0-CURRENT r349532 LAB amd64\n', status: 0 }
  if (name === 'netstat')
    return {
      output:
        '44618/8662/53280 mbufs in use (current/cache/total)\n0/1204/1204/4075024 mbuf clusters in use (current/cache/total/max)\n' +
        '11154K/4574K/15728K bytes allocated to network (current/cache/total)\n0/0/0 requests for mbufs denied (mbufs/clusters/mbuf+clusters)\n',
      status: 0,
    }
  if (name === 'lab') {
    if (args[0] === 'load') branch.loading = args[1] !== 'stop'
    return { output: args[0] === 'load' ? `load: ${branch.loading ? 'started' : 'stopped'}\n` : '', status: 0 }
  }
  if (name === '' || name === undefined) return { output: '', status: 0 }
  return { output: `${name}: not found\n`, status: 127 }
}

/** What the console answers. */
export function execute(
  branch: FakeBranch,
  text: string,
  origin: CommandOrigin,
): ConsoleResult & { origin: CommandOrigin } {
  const t = branch.info.t
  return { branch: branch.info.letter, t, tEnd: t, text, origin, ...runCommand(branch, text) }
}

function mbuf(off: number, len: number, extra: Partial<DrawnMbuf> = {}): DrawnMbuf {
  const kind = extra.kind ?? 'extpgs'
  return {
    off,
    len,
    kind,
    npgs: kind === 'extpgs' ? Math.ceil(len / 4096) : 0,
    firstPgOff: 0,
    shadow: false,
    header: false,
    ready: true,
    refs: 1,
    ...extra,
  }
}

/** A drawing of the send path that fits the knobs of the run. */
export function sendPathOf(branch: FakeBranch): SendPath {
  const page = 4096
  const length = 47 * page
  const idle = !branch.loading
  const each = extPgs(branch) ? 19 * page : page
  const kind = extPgs(branch) ? 'extpgs' : 'sfbuf'
  const chain: DrawnMbuf[] = []
  for (let off = 0; off < length; off += each) chain.push(mbuf(off, Math.min(each, length - off), { kind, refs: 2 }))
  const burstOff = 64_000
  const burstLen = 65_160
  const cut = (list: DrawnMbuf[]): DrawnMbuf[] =>
    list
      .filter((m) => m.off + m.len > burstOff && m.off < burstOff + burstLen)
      .map((m) => {
        const off = Math.max(m.off, burstOff)
        return mbuf(off, Math.min(m.off + m.len, burstOff + burstLen) - off, { kind: m.kind, shadow: true, refs: 2 })
      })
  const header = mbuf(burstOff, 54, { kind: 'mbuf', header: true })
  const tcp = [header, ...cut(chain)]
  const converts = extPgs(branch) && !nomapOn(branch)
  const pages: DrawnMbuf[] = []
  for (let off = burstOff; off < burstOff + burstLen; off += page)
    pages.push(mbuf(off, Math.min(page, burstOff + burstLen - off), { kind: 'sfbuf', shadow: true }))
  const layer = (socket: number, socketUnit: string, host: number, hostUnit: string, cpu: number | null) => ({
    socket: idle ? 0 : socket,
    socketUnit,
    host: idle ? 0 : host,
    hostUnit,
    cpu: cpu === null ? null : idle ? 0 : cpu,
  })
  return {
    branch: branch.info.letter,
    t: branch.info.t,
    connection: idle ? null : { id: 7, label: '198.51.100.9.51022' },
    connections: idle ? [] : [7, 8, 9].map((id) => ({ id, label: `198.51.100.9.${51_015 + id}` })),
    connectionCount: idle ? 0 : 400,
    method: 'sendfile',
    base: 1_048_576,
    length,
    pages: idle
      ? []
      : Array.from({ length: 47 }, (_, i) => ({
          off: i * page,
          len: page,
          frame: 9000 + i * 3,
          adjacent: i % 5 === 3,
        })),
    socketBuffer: idle ? [] : chain,
    una: 0,
    nxt: burstOff + burstLen,
    burst: idle
      ? null
      : {
          id: 1,
          t: branch.info.t,
          off: burstOff,
          len: burstLen,
          segments: 45,
          mss: 1448,
          tso: true,
          tcp,
          ip: {
            checksumByCard: true,
            takesUnmapped: nomapOn(branch),
            converted: converts ? 2 : 0,
            chain: converts ? [header, ...pages] : tcp,
          },
          vlan: null,
          sglist: [{ off: -1, len: 54 }, ...pages.map((p) => ({ off: p.off, len: p.len }))],
          descriptors: 5,
          immediate: false,
          framesOut: 18,
          frames: 45,
          inFlight: true,
        },
    ring: { interface: 'cc0', queue: 3, size: 1023, cidx: 120, pidx: 129, used: idle ? 0 : 9 },
    wire: { media: '100GBase-CR4' },
    release: { next: idle ? 0 : 65_160, wiredPages: idle ? 0 : 19 },
    layers: {
      file: layer(47, 'pages', 44_190, 'wired', 0.095),
      sockbuf: layer(chain.length, 'mbufs', extPgs(branch) ? 2943 : 41_200, 'mbufs', 0.032),
      tcp: layer(tcp.length, 'mbufs', 78_100, 'bursts/s', 0.079),
      ip: layer(converts ? 2 : 0, 'converted', converts ? 156_000 : 0, '/s', 0.021),
      vlan: layer(0, '', 0, '', 0.003),
      card: layer(17, 'entries', 9, 'of 1023 used', 0.043),
      wire: layer(18, 'of 45 out', 40e9, 'b/s', null),
      ack: layer(65_160, 'B', 76_300, 'ACK/s', 0.116),
    },
    verdict: { copiedPerByte: 0, convertedPerByte: converts ? 1 : 0, cpu: idle ? 0.002 : 0.401 },
  }
}
