import { describe, expect, it } from 'vitest'
import { testMachine, type TestOptions } from '../../emulator/inspect/testMachine'
import { canonicalChains } from '../../emulator/inspect/chainParse'
import { createConsole, type HostConsole } from '../createConsole'
import type { LabHooks } from '../seam'

/** A console on the server of a small machine, `ns` into its load. */
function consoleAt(ns: number, options: TestOptions = {}): HostConsole {
  const machine = testMachine({ connections: 2, ncpu: 1, ...options })
  const host = createConsole(machine, 0, {} as LabHooks)
  machine.runUntil(ns)
  return host
}
function run(host: HostConsole, line: string): { output: string; status: number } {
  const { output, status } = host.execute(line)
  return { output, status }
}
/** With mbufs named m1, m2 … in order of appearance: which rows of the table they are is not what these tests are about. */
function renamed(result: { output: string; status: number }): string {
  const names = new Map<string, string>()
  const output = result.output.replace(/\bm\d+ */g, (name) => {
    const key = name.trim()
    if (!names.has(key)) names.set(key, `m${names.size + 1}`)
    return names.get(key)!.padEnd(name.length)
  })
  return `${output.replace(/ +$/gm, '')}exit status ${result.status}`
}
/** A drawing in the printer's own columns. */
function drawing(text: string): string {
  return `${text.trim()}\n`
}

describe('lab chain – a host that sends unmapped mbufs', () => {
  const host = consoleAt(700_000)
  const list = run(host, 'lab chain')

  it('alone – lists queues and buffers that hold something, and counts the empty ones', () => {
    expect(renamed(list)).toMatchInlineSnapshot(`
      "Chain                             Place        Packets  Mbufs  Nomap  Notready  Bytes  Mbcnt
      cc0.txq0                          on the card        2      4      2         0  23012      -
      192.0.2.1.80-192.0.2.2.13689.snd  send buffer        1      2      2         0  38520  57856
      192.0.2.1.80-192.0.2.2.60112.snd  send buffer        1      2      2         0  38520  57856
      3 empty chains; -a lists them.
      exit status 0"
    `)
  })

  it('-a – the empty ones too; -n – the first lines and how many more', () => {
    expect(run(host, 'lab chain -a').output.split('\n').length).toBeGreaterThan(list.output.split('\n').length)
    expect(run(host, 'lab chain -a').output).toContain('cc0.ring0')
    expect(run(host, 'lab chain -a -n 1').output).toMatch(/\n\d+ more; -n 0 lists all\.\n$/)
  })

  it('a socket by its foreign port – the send buffer with counters, names and frames', () => {
    const name = /-192\.0\.2\.2\.(\d+)\.snd/.exec(list.output)![1]
    expect(renamed(run(host, `lab chain ${name} snd`))).toMatchInlineSnapshot(`
      "sockbuf 192.0.2.1.80-192.0.2.2.13689.snd  sb_acc 38520  sb_ccc 38520  sb_mbcnt 57856  sb_mcnt 2  sb_ccnt 2  sb_sndptr m1    sb_sndptroff 9848  sb_flags SB_AUTOSIZE
      m2    MT_DATA  len  9848  data 18824  M_EXT|M_RDONLY|M_NOMAP  EXT_PGS  refs 1  npgs 7  pages 0x100006e-0x1000070,0x10000a1-0x10000a4
      m1    MT_DATA  len 28672  data     0  M_EXT|M_RDONLY|M_NOMAP  EXT_PGS  refs 1  npgs 7  pages 0x10000a5-0x10000ab
      exit status 0"
    `)
    expect(run(host, `lab chain 192.0.2.2.${name} snd`)).toEqual(run(host, `lab chain ${name} snd`))
    expect(run(host, `lab chain 192.0.2.1.80-192.0.2.2.${name}.snd`)).toEqual(run(host, `lab chain ${name} snd`))
    const both = run(host, `lab chain ${name}`).output
    expect(both).toContain(`sockbuf 192.0.2.1.80-192.0.2.2.${name}.rcv`)
    expect(drawing(canonicalChains(both))).toBe(both)
  })

  it('a transmit queue – packets parted by empty lines, owners of their shadows elsewhere', () => {
    const name = /^(cc0\.txq\d)/m.exec(list.output)![1]
    expect(renamed(run(host, `lab chain ${name}`))).toMatchInlineSnapshot(`
      "chain cc0.txq0
      m1    MT_DATA  len    66  data     2  M_PKTHDR                -                pkt 9914
      m2    MT_DATA  len  9848  data 18824  M_EXT|M_RDONLY|M_NOMAP  EXT_PGS  refs 2  of m3

      m4    MT_DATA  len    66  data     2  M_PKTHDR                -                pkt 13098
      m5    MT_DATA  len 13032  data     0  M_EXT|M_RDONLY|M_NOMAP  EXT_PGS  refs 2  of m6

      elsewhere
      m3    MT_DATA  len  9848  data 18824  M_EXT|M_RDONLY|M_NOMAP  EXT_PGS  refs 2  npgs 7  pages 0x100008b-0x100008c,0x1000000-0x1000001,0x10000e8,0x10000cc-0x10000cd
      m6    MT_DATA  len 28672  data     0  M_EXT|M_RDONLY|M_NOMAP  EXT_PGS  refs 2  npgs 7  pages 0x10000ce-0x10000d2,0x10000c5,0x1000077
      exit status 0"
    `)
  })

  it('-n 1 – one mbuf, and what was left out as a comment', () => {
    const name = /^(\S+\.snd)/m.exec(list.output)![1]
    expect(run(host, `lab chain -n 1 ${name}`).output).toMatch(/\n# \d+ more mbufs?, \d+ bytes\n$/)
  })

  it('--json – the same for programs', () => {
    const all = JSON.parse(run(host, 'lab chain --json').output) as {
      time_ns: number
      chains: { name: string; mbufs: number }[]
    }
    expect(all.time_ns).toBe(700_000)
    expect(all.chains.every(({ mbufs }) => mbufs > 0)).toBe(true)
    const { name, mbufs } = all.chains.at(-1)!
    const one = JSON.parse(run(host, `lab chain --json ${name}`).output) as {
      sections: {
        kind: string
        label: string
        sockbuf: { sb_mcnt: number }
        records: { name: string; flags: string[] }[][]
      }[]
    }
    expect(one.sections[0]).toMatchObject({ kind: 'sockbuf', label: name, sockbuf: { sb_mcnt: mbufs } })
    expect(one.sections[0].records.flat()).toHaveLength(mbufs)
    expect(Object.keys(one.sections[0].records[0][0])).not.toContain('line')
  })

  it.each([
    [
      'lab chain nix',
      1,
      'lab: there is no chain "nix" now (a closed connection has none); lab chain -a lists what there is\n',
    ],
    ['lab chain 80-192', 1, /^lab: there is no chain "80-192" now/],
    ['lab chain cc0.txq0 snd', 2, /^lab: cc0\.txq0 is a queue; snd and rcv belong to a socket\n {2}lab status/],
    ['lab chain cc0.txq0 both', 2, /^lab: chain takes one socket or queue; behind a socket snd or rcv\n/],
    ['lab chain -z', 2, /^lab: chain knows no option "-z"; it has -a, -n, --json\n/],
    ['lab chain -n', 2, /^lab: -n wants a number of lines\n/],
  ])('%s – refused with exit status %i', (line, status, output) => {
    const result = run(host, line)
    expect(result.status).toBe(status)
    expect(result.output).toMatch(output)
  })

  it('completion – options, chains with what they hold, then the buffers of a socket', () => {
    const choices = (line: string): string[] => host.complete(line, line.length).choices.map(({ text }) => text)
    expect(choices('lab ch')).toEqual(['chain'])
    expect(choices('lab chain -')).toEqual(['-a', '-n', '--json'])
    expect(choices('lab chain cc0.t')).toEqual(['cc0.txq0'])
    expect(choices('lab chain -n ')).toEqual([])
    const first = host.complete('lab chain ', 10).choices[0]
    expect(first.hint).toMatch(/^(on the card|send buffer|waits for the ring), [1-9]\d* mbufs, \d+ bytes$/)
    const name = /-(192\.0\.2\.2\.\d+)\.snd/.exec(list.output)![1]
    expect(choices(`lab chain ${name} `)).toEqual(['snd', 'rcv'])
  })

  it('help and man – name it', () => {
    expect(run(host, 'lab help').output).toContain('lab chain [-a] [-n COUNT] [--json] [SOCKET [snd|rcv] | QUEUE]')
    expect(run(host, 'man lab').output).toContain('a shadow: the storage belongs to that mbuf')
  })
})

describe('lab chain – other hosts', () => {
  it('an igb port – its queues; everything mapped', () => {
    const host = consoleAt(2_000_000, { model: 'igb', link: { rateBps: 1e9 } })
    const { output } = run(host, 'lab chain')
    expect(output).toMatch(/^igb0\.txq0 +on the card +[1-9]/m)
    const queue = run(host, 'lab chain igb0.txq0').output
    expect(queue).toContain('holds m')
    expect(queue.split('elsewhere')[0]).not.toContain('M_NOMAP')
  })

  it('nobody sends – says so', () => {
    expect(run(consoleAt(1, { workload: { startNs: -1 } }), 'lab chain').output).toMatch(
      /^Nothing is queued \(\d+ empty chains; lab chain -a lists them\)\.\n$/,
    )
  })
})
