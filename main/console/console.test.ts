import { beforeEach, describe, expect, it } from 'vitest'
import { Machine, type MachineConfig } from '../emulator/index'
import { createConsole, type HostConsole } from './createConsole'
import type { LabHooks } from './seam'

/** Two hosts with a port each, three clients, one file; functional mode. */
function config(startNs: number): MachineConfig {
  const host = (name: string, address: string): MachineConfig['hosts'][number] => ({
    name,
    ncpu: 4,
    hz: 2.5e9,
    memoryBytes: 16 * 2 ** 30,
    cost: false,
    tunables: {},
    sysctls: {},
    interfaces: [{ name: 'cc0', model: 't6', address, prefixLength: 24, mtu: 1500, capabilities: {} }],
  })
  return {
    seed: 1,
    hosts: [host('lab', '192.0.2.1'), host('peer', '192.0.2.9')],
    link: { rateBps: 1e10, delayNs: 20000, queueBytes: 1e6, loss: 0, duplicate: 0, reorder: 0 },
    files: {
      entries: [{ path: '/www/a', size: 100000, diskPage: 0 }],
      contiguity: 4,
      warm: true,
      diskLatencyNs: 1e5,
      diskBytesPerSecond: 2e9,
    },
    workload: {
      method: 'sendfile',
      connections: 3,
      thinkNs: 0,
      requestsPerConnection: 0,
      startNs,
      rampNs: 0,
      sendLowat: 0,
      sendfileFlags: 0,
      port: 80,
    },
    cost: { on: false, parameters: {} },
    debug: false,
  }
}

let machine: Machine
let host: HostConsole
let asked: string[]

/** A load from time 0 on, or none: idle seconds cost nothing. */
function build(startNs = -1): void {
  machine = new Machine(config(startNs), { bytes: new Uint8Array(25 * 4096) })
  asked = []
  const hook =
    (name: string) =>
    (argument?: unknown): { output: string; status: number } => {
      asked.push(argument === undefined ? name : `${name} ${argument as string}`)
      return { output: `${name} done\n`, status: name === 'fork' ? 1 : 0 }
    }
  const hooks: LabHooks = {
    status: hook('status'),
    run: hook('run'),
    pause: hook('pause'),
    speed: hook('speed'),
    fork: hook('fork'),
    mark: hook('mark'),
    load: hook('load'),
  }
  host = createConsole(machine, 0, hooks)
}
beforeEach(() => build())

/** Runs a line to its end, moving the machine for it as its owner would. */
function run(line: string): { output: string; status: number } {
  let step = host.execute(line)
  let { output } = step
  while (!step.done) {
    machine.runUntil(step.wakeAt)
    step = host.resume()
    output += step.output
  }
  return { output, status: step.status }
}

describe('issue 2, Shows 2 – on the real machine', () => {
  it('ifconfig cc0, -nomap, ifconfig cc0, the sysctl, netstat -m – options 6ec07bb then 2ec07bb, FreeBSD layouts', () => {
    expect(run('ifconfig cc0').output).toContain('\toptions=6ec07bb<')
    expect(run('ifconfig cc0 -nomap')).toEqual({ output: '', status: 0 })
    expect(run('ifconfig cc0').output).toContain('\toptions=2ec07bb<')
    expect(run('sysctl kern.ipc.mb_use_ext_pgs').output).toBe('kern.ipc.mb_use_ext_pgs: 0\n')
    const mbufs = run('netstat -m').output.trimEnd().split('\n')
    expect(mbufs).toHaveLength(22)
    expect(mbufs[0]).toMatch(/^\d+\/\d+\/\d+ mbufs in use \(current\/cache\/total\)$/)
  })

  it('under load – netstat -m, -an and -xn agree with each other', () => {
    build(0)
    machine.runUntil(5e6)
    const calls = run('netstat -m | grep "sendfile syscalls$" | cut -d " " -f 1').output
    expect(Number(calls)).toBeGreaterThan(0)
    expect(run('netstat -an | grep -c ESTABLISHED').output).toBe('3\n')
    const inBuffers = run('netstat -xn | tail -n +3').output.trimEnd().split('\n')
    const queued = inBuffers.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[6]), 0)
    const inUse = Number(/^\d+/.exec(run('netstat -m').output)?.[0])
    expect(queued).toBeGreaterThan(0)
    expect(inUse).toBeGreaterThanOrEqual(queued)
  })

  it('1.5 – tso4 while txcsum is off – EAGAIN from the real driver, with its line in dmesg', () => {
    expect(run('ifconfig cc0 -txcsum; ifconfig cc0 tso4')).toEqual({
      output: 'ifconfig: tso4: Resource temporarily unavailable\n',
      status: 1,
    })
    expect(run('dmesg | tail -2').output).toBe('cc0: tso4 disabled due to -txcsum.\ncc0: enable txcsum first.\n')
  })
})

describe('the line', () => {
  it('uname -a, date – identity and virtual clock (console-tools 8.4)', () => {
    expect(run('uname -a').output).toBe('FreeBSD lab 13.0-CURRENT FreeBSD 13.0-CURRENT r349532 GENERIC  amd64\n')
    expect(run('uname -mpi').output).toBe('amd64 amd64 GENERIC\n')
    expect(run('date').output).toBe('Sat Jun 29 09:20:00 UTC 2019\n')
    expect(run('sleep 61.5; date +%T.%N').output).toBe('09:21:01.500000000\n')
    expect(run('uptime').output).toMatch(/^ 9:21AM {2}up 1 min, 1 user/)
    expect(run('date -r 951827696').output).toBe('Tue Feb 29 12:34:56 UTC 2000\n')
  })

  it('unknown command – the line of sh, status 127, and what may have been meant', () => {
    expect(run('foo')).toEqual({ output: 'foo: not found\n"help" lists what this host has.\n', status: 127 })
    expect(run('ifocnfig').output).toContain('Did you mean ifconfig?')
  })

  it('history – !!, !n, !text, !$ – the line is shown and runs; an unknown event is refused', () => {
    run('echo one two')
    run('echo three')
    expect(run('!!').output).toBe('echo three\nthree\n')
    expect(run('!1').output).toBe('echo one two\none two\n')
    expect(run('!ec; echo !$').output).toBe('echo one two; echo two\none two\ntwo\n')
    expect(run("echo '!!' \\!!").output).toBe('!! !!\n')
    expect(run('!99')).toEqual({ output: '99: Event not found.\n', status: 1 })
    expect(run('history 2').output).toMatch(/^ +\d+\techo '!!' .*\n +\d+\thistory 2\n$/)
    expect(run('! true; echo $?').output).toBe('1\n')
  })

  it('a waiting line – snapshot, restore into a second machine – goes on as if nothing had happened', () => {
    run('X=7')
    expect(host.execute('echo a; sleep 1; echo b $X').done).toBe(false)
    const snapshot = machine.snapshot()
    machine.runUntil(1e9)
    const here = host.resume()
    build()
    machine.restore(snapshot)
    machine.runUntil(1e9)
    expect(host.resume()).toEqual(here)
    expect(here.output).toBe('b 7\n')
  })

  it('reading commands – run – leave the digest as it was', () => {
    const before = machine.digest()
    run('ifconfig -m; sysctl -a; netstat -m; netstat -axn; vmstat -z; man ifconfig; help; X=1; dmesg')
    host.complete('sysctl kern.', 12)
    expect(machine.digest()).toBe(before)
  })

  it('the prompt – names the host', () => {
    expect(host.prompt()).toBe('root@lab:~ # ')
  })

  it('Control-C – ends a line that waits with 130', () => {
    expect(host.execute('netstat -w 1').done).toBe(false)
    expect(host.interrupt().status).toBe(130)
    expect(run('echo $?').output).toBe('130\n')
  })
})

describe('lab', () => {
  it.each([
    ['lab status', ['status'], 'status done\n', 0],
    ['lab speed 0.5', ['speed 0.5'], 'speed done\n', 0],
    ['lab speed max', ['speed 0'], 'speed done\n', 0],
    ['lab fork', ['fork '], 'fork done\n', 1],
    ['lab mark nomap off', ['mark nomap off'], 'mark done\n', 0],
    ['lab load start', ['load true'], 'load done\n', 0],
    ['lab run; lab pause', ['run', 'pause'], 'run done\npause done\n', 0],
    ['lab run 20ms; date +%N', ['run', 'pause'], 'run done\npause done\n020000000\n', 0],
  ])('%s – hands over to the owner', (line, calls, output, status) => {
    expect(run(line)).toEqual({ output, status })
    expect(asked).toEqual(calls)
  })

  it.each([
    'lab',
    'lab dance',
    'lab speed',
    'lab run fast',
    'lab run 0s',
    'lab speed -1',
    'lab mark',
    'lab load',
    'lab pause now',
  ])('%s – nothing done without sense', (line) => {
    const { output, status } = run(line)
    if (line === 'lab speed') expect(asked).toEqual(['status'])
    else {
      expect(asked).toEqual([])
      expect(status).toBe(2)
      expect(output).toMatch(/^lab: .*\n {2}lab status/)
    }
  })
})

describe('completion', () => {
  const choices = (line: string): string[] => host.complete(line, line.length).choices.map((choice) => choice.text)

  it('the first word – commands with their summary; behind a pipe too', () => {
    expect(host.complete('ifc', 3)).toEqual({
      from: 0,
      to: 3,
      choices: [{ text: 'ifconfig', hint: 'shows and changes network interfaces' }],
    })
    expect(choices('sysctl -a | gr')).toEqual(['grep'])
    expect(choices('! tru')).toEqual(['true'])
  })

  it('ifconfig – interfaces, then keywords with their present state', () => {
    expect(choices('ifconfig ').sort()).toEqual(['cc0', 'lo0'])
    const nomap = (): string => host.complete('ifconfig cc0 -nom', 17).choices[0].hint
    expect(choices('ifconfig cc0 -nom')).toEqual(['-nomap'])
    expect(nomap()).toMatch(/^now on: /)
    run('ifconfig cc0 -nomap')
    expect(nomap()).toMatch(/^now off: /)
    expect(host.complete('ifconfig lo0 nom', 16).choices[0].hint).toMatch(/^not supported here/)
    expect(choices('ifconfig cc0 mtu ')).toEqual([])
    run('ifconfig lagg0 create')
    expect(choices('ifconfig lagg0 laggport c')).toEqual(['cc0'])
    expect(choices('ifconfig lagg0 laggproto ')).toContain('loadbalance')
    expect(choices('ifconfig lagg0 laggproto ')).not.toContain('lacp')
    expect(choices('ifconfig -')).toContain('-m')
  })

  it('sysctl – one level at a time, leaves with type, value and description', () => {
    expect(choices('sysctl ker')).toEqual(['kern.'])
    expect(choices('sysctl kern.ip')).toEqual(['kern.ipc.'])
    const [choice] = host.complete('sysctl kern.ipc.mb_u', 20).choices
    expect(choice.text).toBe('kern.ipc.mb_use_ext_pgs')
    expect(choice.hint).toMatch(/^uint8_t 0: /)
    expect(choices('sysctl -')).toContain('-d')
  })

  it('every choice that is offered for a sysctl – exists', () => {
    for (const name of choices('sysctl kern.ipc.')) expect(run(`sysctl ${name}`).status, name).toBe(0)
  })

  it('lab, netstat -I, man – their own words; inside quotes nothing', () => {
    expect(choices('lab ')).toContain('fork')
    expect(choices('lab load s')).toEqual(['start', 'stop'])
    expect(choices('netstat -I c')).toEqual(['cc0'])
    expect(choices('man sendf')).toEqual(['sendfile'])
    expect(choices('man noma')).toEqual(['nomap'])
    expect(choices("sysctl 'ker")).toEqual([])
    expect(choices('echo x > ')).toEqual(['/dev/null'])
  })

  it('the cursor inside of the line – only the word before it is replaced', () => {
    expect(host.complete('ifc cc0', 3)).toMatchObject({ from: 0, to: 3, choices: [{ text: 'ifconfig' }] })
  })
})

describe('help and manual', () => {
  it('help – names every command; help and man know each of them', () => {
    const { output } = run('help')
    for (const name of ['ifconfig', 'sysctl', 'netstat', 'vmstat', 'lab', 'grep']) {
      expect(output).toContain(`  ${name.padEnd(10)} `)
      expect(run(`man ${name}`).status, name).toBe(0)
    }
  })

  it('7 – missing page and no argument – the words of man, status 1', () => {
    expect(run('man frobnicate')).toEqual({ output: 'No manual entry for frobnicate\n', status: 1 })
    expect(run('man').status).toBe(1)
    expect(run('man -h')).toMatchObject({ status: 0 })
  })

  it('7 – a page – header and footer of mandoc on 78 columns, no line longer', () => {
    const lines = run('man 2 sendfile').output.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^SENDFILE\(2\) +FreeBSD System Calls Manual +SENDFILE\(2\)$/)
    expect(lines[0]).toHaveLength(78)
    expect(lines.at(-1)).toMatch(/^FreeBSD 13\.0 .* FreeBSD 13\.0$/)
    for (const line of run('man ifconfig netstat sh mbuf cxgbe').output.split('\n'))
      expect(line.length, line).toBeLessThanOrEqual(78)
  })

  it('a sysctl and a capability – pages from their declarations', () => {
    expect(run('man kern.ipc.mb_use_ext_pgs').output).toMatch(/Type +uint8_t\n.*Access.*tunable at boot/)
    expect(run('help nomap').output).toMatch(/lo0 +not supported/)
    expect(run('apropos unmapped').output).toContain('kern.ipc.mb_use_ext_pgs(8)')
  })

  it('every sysctl – has a page', () => {
    for (const name of run('sysctl -aN').output.trimEnd().split('\n')) {
      expect(run(`man '${name}'`).status, name).toBe(0)
    }
  })
})
