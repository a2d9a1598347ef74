/**
 * What a scenario file may say. The schema turns what people write (`10Gbps`, `on`, `1MiB`) into numbers in base units and fills in what
 * was left out; the result, {@link Scenario}, is what documents store and machines are built from.
 */
import { z } from 'zod'
import { inet_pton6 } from '../../emulator'
import { parseQuantity, UnitError, type Quantity } from '../units'

/** A quantity with its unit, read into the base unit; zod issues carry the parser's sentence. */
function quantity(kind: Quantity, limits: { min?: number; max?: number; words?: string } = {}) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    try {
      const number = parseQuantity(kind, value)
      if ((limits.min !== undefined && number < limits.min) || (limits.max !== undefined && number > limits.max)) {
        context.addIssue({ code: 'custom', message: `${String(value)} is out of range; ${limits.words ?? ''}` })
        return z.NEVER
      }
      return number
    } catch (error) {
      if (!(error instanceof UnitError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  })
}

/** `on`, `off`, `true`, `false`. */
export const switchValue = z.union([z.boolean(), z.string()]).transform((value, context) => {
  if (value === true || value === 'on' || value === 'true' || value === 'yes' || value === '1') return true
  if (value === false || value === 'off' || value === 'false' || value === 'no' || value === '0') return false
  context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is neither on nor off` })
  return z.NEVER
})

const whole = (min: number, max: number) =>
  z
    .union([z.number(), z.string().regex(/^\d+$/, 'is not a whole number').transform(Number)])
    .pipe(z.number().int().min(min).max(max))

/** Value of a sysctl or tunable: kept as text, as the loader and sysctl(8) take it. */
const knobValue = z
  .union([z.string(), z.number(), z.boolean()])
  .transform((value) => (typeof value === 'boolean' ? (value ? '1' : '0') : String(value)))
const knobs = z.record(z.string().regex(/^[a-z0-9_]+(\.[a-zA-Z0-9_%]+)+$/, 'is not the name of a knob'), knobValue)

const address = z
  .string()
  .regex(
    /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/,
    'is not an IPv4 address with prefix length; write for instance 10.0.0.1/24',
  )
  .refine((text) => {
    const [host, prefix] = text.split('/')
    return host.split('.').every((part) => Number(part) <= 255) && Number(prefix) >= 8 && Number(prefix) <= 30
  }, 'is not an IPv4 address with a prefix length from 8 to 30')

/** Any spelling; whether it is one is asked of the emulated host's own reader. */
const address6 = z
  .string()
  .refine(
    (text) => isAddress6(text),
    'is not an IPv6 address with a prefix length from 16 to 127; write for instance 2001:db8::1/64',
  )

function isAddress6(text: string): boolean {
  const parts = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(text)
  const words = parts === null ? null : inet_pton6(parts[1])
  if (parts === null || words === null || !(Number(parts[2]) >= 16 && Number(parts[2]) <= 127)) return false
  // Not ::, ::1, link-local (the host makes that itself) or multicast.
  const [top, ...rest] = words
  return !(top === 0 && rest[0] === 0 && rest[1] === 0 && rest[2] < 2) && top >>> 22 !== 0x3fa && top >>> 24 !== 0xff
}

const interfaceSchema = z.strictObject({
  name: z.string().regex(/^[a-z]+[0-9]+$/, 'is not an interface name; write for instance cc0'),
  model: z.enum(['t6', 'igb']).default('t6'),
  /** Plugged into the link. By default only the first interface is; the n-th cable of one host leads to the n-th of the other. */
  cable: switchValue.optional(),
  /** Left out for a port of a lagg. */
  address: address.optional(),
  /** IPv6; without it the interface has none, unless the workload wants one. */
  address6: address6.optional(),
  mtu: whole(576, 9000).default(1500),
  capabilities: z.record(z.string(), switchValue).default({}),
})

/** Several interfaces of the host as one. */
const laggSchema = z.strictObject({
  name: z.string().regex(/^lagg[0-9]{1,5}$/, 'is not the name of a lagg; write for instance lagg0'),
  /** LACP needs a partner that answers, which the link has not. */
  protocol: z.enum(['failover', 'loadbalance', 'roundrobin', 'broadcast']).default('failover'),
  /** The first one is the primary of failover. */
  ports: z.array(z.string()).min(1).max(8),
  /** Left out if only its vlans have addresses. */
  address: address.optional(),
  address6: address6.optional(),
})

/** An interface for one tag of another interface of the host. */
const vlanSchema = z.strictObject({
  name: z.string().regex(/^vlan[0-9]{1,5}$/, 'is not the name of a vlan; write for instance vlan10'),
  parent: z.string(),
  tag: whole(1, 4094),
  address,
  address6: address6.optional(),
})

const hostSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'is not a host name (small letters, digits and hyphens)'),
  cpus: whole(1, 64).default(4),
  clock: quantity('frequency', { min: 1e8, max: 1e10, words: 'a clock is 100MHz to 10GHz' }).default(2_600_000_000),
  /** amd64 has a direct map of all memory; on i386 a kernel address for a page (sf_buf) is a limited resource. */
  profile: z.enum(['amd64', 'i386']).default('amd64'),
  memory: quantity('bytes', {
    min: 256 * 1048576,
    max: 4096 * 1073741824,
    words: 'memory is 256MiB to 4096GiB',
  }).default(16 * 1073741824),
  /** The cost model charges the CPUs of this host. */
  cost: switchValue.default(true),
  tunables: knobs.default({}),
  sysctls: knobs.default({}),
  interfaces: z.array(interfaceSchema).min(1).max(8),
  laggs: z.array(laggSchema).max(8).default([]),
  vlans: z.array(vlanSchema).max(64).default([]),
})

const linkSchema = z.strictObject({
  rate: quantity('rate', { min: 1e6, max: 4e11, words: 'a link runs at 1Mbps to 400Gbps' }).default(10_000_000_000),
  delay: quantity('time', { max: 1e10, words: 'the delay is at most 10s' }).default(20_000),
  queue: quantity('bytes', { min: 65536, max: 1073741824, words: 'a queue holds 64KiB to 1GiB' }).default(1 << 20),
  loss: quantity('fraction').default(0),
  duplicate: quantity('fraction').default(0),
  reorder: quantity('fraction').default(0),
})

const filesSchema = z
  .strictObject({
    /** A seeded set of our own: works offline and is the same everywhere. */
    generate: z
      .strictObject({
        count: whole(1, 100_000).default(16),
        size: quantity('bytes', { min: 1, max: 1073741824, words: 'a file has 1B to 1GiB' }).default(256 * 1024),
        /** Sizes are spread evenly from size × (1 − spread) to size × (1 + spread). */
        spread: quantity('fraction').default(0),
      })
      .optional(),
    /** A file or folder of this computer. */
    path: z.string().min(1).max(4096).optional(),
    /** Mean length, in pages, of physically contiguous runs of a file's page frames. */
    contiguity: whole(1, 65536).default(4),
    cache: z.enum(['warm', 'cold']).default('warm'),
    disk: z
      .strictObject({
        latency: quantity('time', { max: 1e10, words: 'the latency is at most 10s' }).default(100_000),
        rate: quantity('byteRate', { min: 1e5, words: 'a disk reads at least 100kB/s' }).default(2_000_000_000),
        /** Requests that the disk works on at a time; others wait. */
        queueDepth: whole(1, 1024).default(32),
        /** Share of the requests that fail with EIO. */
        errors: quantity('fraction').default(0),
        /** Share of the requests that bring only part of what was asked for, so that the rest costs another access. */
        shortReads: quantity('fraction').default(0),
      })
      .prefault({}),
  })
  .refine((files) => files.generate === undefined || files.path === undefined, {
    message: 'has both generate and path; keep one of them',
  })

const workloadFields = z.strictObject({
  method: z.enum(['sendfile', 'write']).default('sendfile'),
  connections: whole(1, 10_000).default(100),
  think: quantity('time', { max: 1e12, words: 'a pause is at most 1000s' }).default(0),
  requestsPerConnection: whole(0, 1_000_000).default(0),
  /**
   * Requests of each client in a headless run, which goes on after its window until all are answered; 0 = endless, until the window ends.
   * `auto` = what the link can carry until the end of the window, and two more: then runs that differ by a knob deliver the same bytes.
   */
  requests: z.union([z.literal('auto'), whole(0, 1_000_000)]).default(0),
  start: quantity('time', { max: 1e12, words: 'the start is at most 1000s' }).default(1_000_000),
  ramp: quantity('time', { max: 1e12, words: 'the ramp is at most 1000s' }).default(1_000_000),
  sendLowWater: quantity('bytes', { max: 1073741824, words: 'a low-water mark is at most 1GiB' }).default(0),
  port: whole(1, 65535).default(80),
  /** Address family of the connections. With inet6 interfaces without an address6 get one of 2001:db8::/32. */
  family: z.enum(['inet', 'inet6']).default('inet'),
  /** Interface, lagg or vlan of the server that the clients connect to; by default the first one that has an address. */
  server: z.string().optional(),
  /** Flags of sendfile(2): SF_NODISKIO, SF_SYNC (sleeps until all is acknowledged), SF_NOCACHE. */
  flags: z.array(z.enum(['nodiskio', 'sync', 'nocache'])).default([]),
  /** Pages that sendfile(2) is asked to read ahead. */
  readahead: whole(0, 65535).default(0),
  /** Requests that a client sends together before it waits for the answers (HTTP pipelining). */
  pipeline: whole(1, 16).default(1),
})
const workloadSchema = workloadFields.refine(
  ({ pipeline, requestsPerConnection }) => pipeline === 1 || requestsPerConnection === 0,
  { message: 'has both pipeline and requestsPerConnection; keep one of them' },
)

export const scenarioSchema = z.strictObject({
  schema: z.literal(1, { error: 'is not 1, the only version of the scenario format that this lab reads' }),
  title: z.string().min(1).max(200),
  description: z.string().max(2000).default(''),
  seed: whole(0, 0xffffffff).default(7),
  /** Measured window; starts when the warm-up ends. */
  duration: quantity('time', { min: 1000, max: 1e13, words: 'a run lasts 1us to 10000s' }),
  warmup: quantity('time', { max: 1e13, words: 'a warm-up lasts at most 10000s' }).default(0),
  /** Distance of the samples of the series. */
  sample: quantity('time', { min: 1000, max: 1e10, words: 'samples are 1us to 10s apart' }).default(100_000),
  cost: z
    .strictObject({
      on: switchValue.default(true),
      parameters: z.record(z.string(), z.number()).default({}),
    })
    .prefault({}),
  hosts: z.array(hostSchema).length(2, 'must list two hosts: the server and its peer'),
  link: linkSchema.prefault({}),
  files: filesSchema,
  workload: workloadSchema.prefault({}),
  /** Metrics that the table of `run` shows first. */
  metrics: z.array(z.string()).default([]),
})

/** A scenario with everything filled in, in base units (bits a second, bytes, ns, Hz). */
export type Scenario = z.output<typeof scenarioSchema>
export type ScenarioInput = z.input<typeof scenarioSchema>
