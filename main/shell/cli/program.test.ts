import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runProgram } from './program'

const scenarios = resolve(import.meta.dirname, '../../../scenarios')

async function lab(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runProgram(args, {
    scenarios,
    workerUrl: new URL('file:///nowhere'),
    serve: async (rest) => (out += `serve ${rest.join(' ')}`).length * 0,
    streams: { out: (text) => (out += text), err: (text) => (err += text), terminal: false, columns: 80 },
  })
  return { code, out, err }
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'lab-cli-'))
/** Quick enough for a unit test. */
const small = [
  '--set',
  'workload.connections=4',
  '--set',
  'files.generate.size=32KiB',
  '--set',
  'warmup=1ms',
  '--duration',
  '2ms',
]

describe('lab exec', () => {
  test('the commands of the issue – print FreeBSD’s layouts and nothing else', async () => {
    const commands = [
      'ifconfig cc0',
      'ifconfig cc0 -nomap',
      'ifconfig cc0',
      'sysctl kern.ipc.mb_use_ext_pgs',
      'netstat -m',
    ]
    const { code, out, err } = await lab('exec', ...commands.flatMap((command) => ['-c', command]))
    expect([code, err]).toEqual([0, ''])
    expect([...out.matchAll(/\toptions=(\w+)</g)].map((match) => match[1])).toEqual(['6ec07bb', '2ec07bb'])
    expect(out).toContain('\nkern.ipc.mb_use_ext_pgs: 0\n')
    expect(out).toMatch(/\n\d+\/\d+\/\d+ mbufs in use \(current\/cache\/total\)\n/)
  })

  test('the exit status – is that of the last command', async () => {
    expect((await lab('exec', '-c', 'false', '-c', 'true')).code).toBe(0)
    expect((await lab('exec', '-c', 'true', '-c', 'false')).code).toBe(1)
    expect((await lab('exec', '-c', 'nosuchthing')).code).toBe(127)
  })

  test('a file of commands, a knob before boot, virtual time by sleep', async () => {
    const file = join(folder(), 'commands')
    writeFileSync(file, '# a comment\n\nsysctl -n kern.ipc.mb_use_ext_pgs\nlab load start\nsleep 0.002\nlab status\n')
    const { code, out } = await lab(
      'exec',
      '--set',
      'kern.ipc.mb_use_ext_pgs=1',
      '--set',
      'workload.connections=4',
      file,
    )
    expect(code).toBe(0)
    expect(out).toMatch(/^1\nload: started\nt = 2000000 ns, load on, \d+ events\n$/)
  })
})

describe('lab run', () => {
  test('a sweep as JSON – has the promised keys, verified bytes and a comparison', async () => {
    const { code, out } = await lab(
      'run',
      'first-lab',
      ...small,
      '--set',
      'kern.ipc.mb_use_ext_pgs=0,1',
      '--reps',
      '2',
      '--json',
    )
    expect(code).toBe(0)
    const result = JSON.parse(out)
    expect(result).toMatchObject({ schema: 1, scenario: 'first-lab' })
    expect(result.runs).toHaveLength(4)
    for (const run of result.runs) {
      expect(Object.keys(run)).toEqual(
        expect.arrayContaining([
          'knobs',
          'seed',
          'rep',
          'digest',
          'virtual_s',
          'wall_s',
          'events',
          'packets',
          'metrics',
          'overrides',
        ]),
      )
      expect(run.digest).toMatch(/^[0-9a-f]{32}$/)
      expect(run.metrics).toMatchObject({
        bytes_corrupt: 0,
        leaked_mbufs: 0,
        leaked_wired_pages: 0,
        dram_misses_per_page: null,
      })
      expect(run.metrics.bytes_verified).toBeGreaterThan(0)
    }
    expect(result.comparison[0].knobs[0]).toMatchObject({ name: 'kern.ipc.mb_use_ext_pgs', values: ['0', '1'] })
    expect(
      result.comparison[0].metrics.find((m: { name: string }) => m.name === 'goodput_bps').differences[1].interval,
    ).not.toBeNull()
  })

  test('-o – writes one NDJSON a run, which compare reads back', async () => {
    const output = folder()
    expect(
      (
        await lab(
          'run',
          'first-lab',
          ...small,
          '--set',
          'cc0.nomap=on,off',
          '--set',
          'kern.ipc.mb_use_ext_pgs=1',
          '-o',
          output,
        )
      ).code,
    ).toBe(0)
    const names = readdirSync(output).sort()
    expect(names).toHaveLength(3)
    const lines = readFileSync(join(output, names[0]), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0]).toMatchObject({
      event: 'start',
      seed: 7,
      knobs: { 'cc0.nomap': 'on' },
      revision: expect.stringContaining('r349532'),
    })
    expect(
      lines.slice(1, -1).every((line) => line.event === 'sample' && line.values.length === lines[0].series.length),
    ).toBe(true)
    expect(lines.at(-1)).toMatchObject({ event: 'end', metrics: { bytes_corrupt: 0 } })
    const { code, out } = await lab('compare', output)
    expect(code).toBe(0)
    expect(out).toMatch(/^Comparable: /)
    expect(out).toMatch(/cc0\.nomap on \| off/)
    const report = join(output, 'report.html')
    await lab('compare', join(output, names[0]), join(output, names[1]), '--report', report)
    expect(readFileSync(report, 'utf8')).toMatch(/^<!doctype html>/)
  })

  test('--metrics – lists every metric with unit and source', async () => {
    const { out } = await lab('run', '--metrics')
    expect(out).toMatch(/goodput_bps +b\/s +more/)
    expect(out).toMatch(/dram_misses_per_page .*Not modelled yet/)
  })
})

describe('bad usage and bad input', () => {
  test.each([
    [[], /say what to do: exec, run, compare, serve, bench/],
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['rn'], /Did you mean run\?/],
    [['run'], /run needs the name of a scenario/],
    [['run', 'frist-lab'], /There is no scenario frist-lab\. Did you mean first-lab\?/],
    [
      ['run', 'first-lab', '--set', 'kern.ipc.mb_use_extpgs=1'],
      /There is no knob kern\.ipc\.mb_use_extpgs\. Did you mean kern\.ipc\.mb_use_ext_pgs\?/,
    ],
    [['run', 'first-lab', '--set', 'cc1.nomap=on'], /no interface cc1\. Did you mean cc0\?/],
    [['run', 'first-lab', '--set', 'cc0.nomapp=on'], /no capability nomapp\. Did you mean nomap\?/],
    [['run', 'first-lab', '--set', 'link.loss=2'], /link\.loss: 2 is more than 1/],
    [['run', 'first-lab', '--set', 'net.inet.tcp.sendspace=-5'], /did not accept net\.inet\.tcp\.sendspace=-5/],
    [['run', 'first-lab', '--set', 'files.path=/no/such'], /There is no file or folder \/no\/such/],
    [['run', 'first-lab', '--set', 'cost.copyByte=99'], /outside of what is plausible/],
    [['run', 'first-lab', '--reps', '0'], /a number from 1 to 1000/],
    [['run', 'first-lab', '--sed', '3'], /unknown option '--sed'.*--seed/],
    [['run', 'first-lab', '-o', '/proc/no/such'], /folder of \/proc\/no\/such does not exist|may not write/],
    [['exec'], /exec needs a command/],
    [['exec', '/no/file'], /There is no file or folder \/no\/file/],
    [['exec', '--set', 'cc0.nomap=on,off', '-c', 'true'], /takes one value/],
    [['compare'], /missing required argument/],
    [['compare', 'package.json'], /holds no result of lab run/],
    [['bench', 'speed'], /There is no benchmark speed/],
  ])('lab %j – is refused in one line on standard error, with exit code 2', async (args, message) => {
    const { code, out, err } = await lab(...args)
    expect(err).toMatch(message)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect([code, out]).toEqual([2, ''])
  })

  test('help – is printed for every verb', async () => {
    for (const verb of ['exec', 'run', 'compare', 'bench']) {
      const { code, out, err } = await lab(verb, '--help')
      expect([code, err]).toEqual([0, ''])
      expect(out).toContain(`Usage: lab ${verb}`)
    }
    expect((await lab('--help')).out).toContain('serve')
    expect((await lab('serve', '--port', '0', '--help')).out).toBe('serve --port 0 --help')
  })
})
