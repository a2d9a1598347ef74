/** The built browser shell as a program: what it prints, how it ends, what it says when it cannot start. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { copyBuiltLab, type BuiltLab } from './builtLab'

let built: BuiltLab
beforeAll(async () => {
  built = await copyBuiltLab()
}, 600_000)
afterAll(() => built.remove())

class Program {
  out = ''
  err = ''
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null }>
  readonly child: ChildProcess

  constructor(args: string[]) {
    this.child = spawn(process.execPath, [built.browser, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.on('data', (chunk: Buffer) => (this.out += chunk.toString()))
    this.child.stderr?.on('data', (chunk: Buffer) => (this.err += chunk.toString()))
    this.ended = once(this.child, 'close').then(([status, signal]) => ({
      status: status as number | null,
      signal: signal as NodeJS.Signals | null,
    }))
  }

  /** The address, once printed. */
  async address(): Promise<URL> {
    for (;;) {
      const found = /^nomap lab: (\S+)\n/.exec(this.out)?.[1]
      if (found !== undefined) return new URL(found)
      if (this.child.exitCode !== null) throw new Error(`It ended with ${this.child.exitCode}: ${this.err}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

let userData: string
let running: Program[]
const start = (...args: string[]): Program => {
  const one = new Program(['--user-data', userData, ...args])
  running.push(one)
  return one
}
beforeEach(() => {
  userData = mkdtempSync(join(tmpdir(), 'nomap-lab-program-'))
  running = []
})
afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGKILL')
    await ended
  }
  rmSync(userData, { recursive: true, force: true })
})

describe('browser shell as a program', () => {
  it('started – prints exactly one line, with an address of 127.0.0.1 and a token', async () => {
    const lab = start()
    const { protocol, hostname, port, pathname, searchParams } = await lab.address()
    expect({ protocol, hostname, pathname }).toEqual({ protocol: 'http:', hostname: '127.0.0.1', pathname: '/' })
    expect(Number(port)).toBeGreaterThan(0)
    expect(searchParams.get('token')).toMatch(/^[\w-]{43}$/)
    const response = await fetch(await lab.address(), { redirect: 'manual' })
    expect(response.status).toBe(303)
    lab.child.kill('SIGTERM')
    await lab.ended
    expect(lab.out.split('\n')).toHaveLength(2)
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s – sent – ends it with status 0, and it can be started again',
    async (signal) => {
      const lab = start()
      await lab.address()
      lab.child.kill(signal)
      expect(await lab.ended).toEqual({ status: 0, signal: null })
      expect(existsSync(join(userData, 'running.json'))).toBe(false)
      await start().address()
    },
  )

  it('killed – the next start takes over its user data', async () => {
    const first = start()
    await first.address()
    first.child.kill('SIGKILL')
    await first.ended
    expect(readdirSync(userData)).toContain('running.json')
    await start().address()
  })

  it('started twice on one user data – the second one is refused in one line, status 1', async () => {
    const first = start()
    await first.address()
    const second = start()
    expect(await second.ended).toMatchObject({ status: 1 })
    expect(second.out).toBe('')
    expect(second.err).toMatch(
      new RegExp(`^nomap lab: [^\\n]*process ${first.child.pid ?? 0}[^\\n]*--user-data[^\\n]*\\n$`),
    )
  })

  it('a port that is taken – named – is refused in one line that names it and the remedy, status 1', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const lab = start('--port', String(port))
    expect(await lab.ended).toMatchObject({ status: 1 })
    expect(lab.err).toMatch(new RegExp(`^nomap lab: Port ${port} [^\\n]*--port[^\\n]*\\n$`))
    other.close()
  })

  it('a port of one’s own – named – is used', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    other.close()
    await once(other, 'close')
    expect((await start('--port', String(port)).address()).port).toBe(String(port))
  })

  it('a document that does not exist – named – is refused in one line that names it, status 2', async () => {
    const missing = join(userData, 'no such file.nomaplab')
    const lab = start(missing)
    expect(await lab.ended).toMatchObject({ status: 2 })
    expect(lab.out).toBe('')
    expect(lab.err).toMatch(/^nomap lab: [^\n]*no such file\.nomaplab[^\n]*\n$/)
  })

  it.each([['--prot'], ['--port', 'x'], ['a', 'b']])(
    'bad usage (%s %s) – is status 2 and one line',
    async (...args) => {
      const lab = start(...args.filter((arg) => arg !== undefined))
      expect(await lab.ended).toMatchObject({ status: 2 })
      expect(lab.err).toMatch(/^nomap lab: [^\n]+\n$/)
    },
  )

  it('--help – explains itself, status 0', async () => {
    const lab = start('--help')
    expect(await lab.ended).toMatchObject({ status: 0 })
    expect(lab.out).toContain('--user-data')
  })
})
