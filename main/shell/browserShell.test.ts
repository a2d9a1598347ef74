import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { EngineFrame } from '../../preload/contract'
import { closeCodes } from '../../preload/contract/closeCodes'
import { makeLabPaths, startTestShell, type TestShell } from '../../tests/shells/browserClient'
import { createFakeLab, fakeAppInfo } from '../../tests/shells/fakeLab'
import { LabProblem } from '../lab/problem'
import { startBrowserShell } from './browserShell'

describe('browser shell: the way in', () => {
  let test: TestShell
  beforeAll(async () => {
    test = await startTestShell()
  })
  afterAll(() => test.stop())

  it('the start address – opened – gives a cookie and leads to the page without the token', async () => {
    const { pathname, search } = new URL(test.shell.newStartUrl())
    const { status, headers } = await test.get(pathname + search)
    expect(status).toBe(303)
    expect(headers.location).toBe('/')
    expect(headers['cache-control']).toBe('no-store')
    const cookie = headers['set-cookie']?.[0] ?? ''
    expect(cookie).toMatch(/; HttpOnly/)
    expect(cookie).toMatch(/; SameSite=Strict/)
    expect(cookie).toMatch(/^nomap-lab-\d+=[\w-]{43};/)
    expect(cookie).not.toContain(search.slice('?token='.length))
    const page = await test.get('/', { headers: { Cookie: cookie.split(';')[0] } })
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining('test page') as string })
  })

  it('the start address – clicked on another site – leads to the page by a page of ours, so that the strict cookie is sent', async () => {
    const { pathname, search } = new URL(test.shell.newStartUrl())
    const { status, headers, body } = await test.get(pathname + search, { headers: { 'Sec-Fetch-Site': 'cross-site' } })
    expect(status).toBe(200)
    expect(headers['set-cookie']).toHaveLength(1)
    expect(body).toContain('content="0;url=/"')
    expect(body).not.toContain(search)
  })

  it('an old start address – opened again in the same browser – leads to the page', async () => {
    const url = new URL(test.shell.newStartUrl())
    const first = await test.get(url.pathname + url.search)
    const cookie = first.headers['set-cookie']?.[0].split(';')[0] ?? ''
    expect(await test.get(url.pathname + url.search, { headers: { Cookie: cookie } })).toMatchObject({ status: 303 })
  })

  it('the page and its files – asked with the cookie – come with their types and every safety header', async () => {
    const Cookie = await test.signIn()
    const page = await test.get('/', { headers: { Cookie } })
    const script = await test.get('/assets/index.js', { headers: { Cookie, Origin: test.origin } })
    const missing = await test.get('/nothing.js', { headers: { Cookie } })
    expect([page.status, script.status, missing.status]).toEqual([200, 200, 404])
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.headers['cache-control']).toBe('no-store')
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
    for (const { headers } of [page, script, missing, await test.get('/')]) {
      expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self';")
      expect(headers['content-security-policy']).toContain(`connect-src 'self' ws://127.0.0.1:${test.shell.port} `)
      expect(headers['content-security-policy']).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|https?:/)
      expect(headers).toMatchObject({
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      })
    }
  })

  it('HEAD – asked – has the headers and no body; other methods are refused', async () => {
    const Cookie = await test.signIn()
    const head = await test.get('/', { headers: { Cookie }, method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(Number(head.headers['content-length'])).toBeGreaterThan(0)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
      expect(await test.get('/', { headers: { Cookie }, method })).toMatchObject({ status: 405 })
    }
  })
})

describe('browser shell: the page', () => {
  let test: TestShell
  const times = Float64Array.from({ length: 100 }, (_, i) => i)
  beforeAll(async () => {
    test = await startTestShell({ series: () => ({ branch: 'A', names: ['goodput_bps'], times, values: times }) })
  })
  afterAll(() => test.stop())

  it('a request – sent – is answered, arrays as binary frames', async () => {
    const page = await test.open()
    expect(await page.ask('app.info', {})).toEqual({ kind: 'answer', id: 1, body: fakeAppInfo })
    expect(await page.ask('series', { branch: 'A' })).toMatchObject({ body: { times, values: times } })
    expect(await page.ask('run.speed', { speed: 'fast' })).toMatchObject({
      kind: 'failure',
      error: { code: 'bad-request' },
    })
    page.socket.close()
    await page.untilClosed()
  })

  it('a second page – opens – takes over, and the first is told so', async () => {
    const cookie = await test.signIn()
    const first = await test.open({ cookie })
    const second = await test.open({ cookie })
    expect(await first.untilClosed()).toBe(closeCodes.takenOver)
    test.lab.emit('menu', { command: 'x' })
    await second.until(() => second.received.find((m) => m.kind === 'event'))
    expect(first.received).toEqual([])
    expect(test.lab.listeners).toBe(1)
  })

  it('a page – stops reading under a flood of frames – gets every sample in few messages once it reads again', async () => {
    const page = await test.open()
    page.socket.pause()
    const samples = new Float64Array(2000)
    const count = 150
    for (let i = 0; i < count; i++) {
      const branch = {
        letter: 'A' as const,
        t: i,
        times: samples.fill(i).slice(),
        values: samples.slice(),
        reset: false,
      }
      test.lab.emit('frame', { wallMs: 1, state: 'running', branches: [branch] })
      await new Promise((resolve) => setImmediate(resolve))
    }
    page.socket.resume()
    const frames = (): EngineFrame[] =>
      page.received.flatMap((m) => (m.kind === 'event' && m.name === 'frame' ? [m.body as EngineFrame] : []))
    await page.until(() => (frames().reduce((sum, f) => sum + f.wallMs, 0) === count ? true : undefined))
    const all = frames().flatMap((f) => [...f.branches[0].times])
    expect(all).toHaveLength(count * 2000)
    expect(all.filter((_, i) => i % 2000 === 0)).toEqual(Array.from({ length: count }, (_, i) => i))
  })
})

describe('browser shell: starting and ending', () => {
  it('a request under way – the shell is closed – is finished before the lab is, and the page is told', async () => {
    const order: string[] = []
    const test = await startTestShell({
      'session.texts': async () => {
        await new Promise((resolve) => setTimeout(resolve, 50))
        order.push('saved')
        return null
      },
    })
    const close = vi.spyOn(test.lab, 'close').mockImplementation(async () => void order.push('closed'))
    const page = await test.open()
    page.send({ kind: 'request', id: 1, method: 'session.texts', body: { notes: 'x' } })
    await page.ask('app.info', {})
    await test.shell.close()
    expect(order).toEqual(['saved', 'closed'])
    expect(close).toHaveBeenCalledOnce()
    expect(await page.untilClosed()).toBe(closeCodes.shutdown)
    await expect(test.get('/')).rejects.toThrow(/ECONNREFUSED/)
    await test.stop()
  })

  it('a port that is taken – wanted – is refused by name with a remedy, and nothing is left behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nomap-lab-port-'))
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    const lab = createFakeLab()
    const options = { paths: makeLabPaths(folder), createLab: async () => lab, userData: folder, log: () => {}, port }
    await expect(startBrowserShell(options)).rejects.toMatchObject({
      code: 'port-taken',
      message: expect.stringContaining(`Port ${port}`) as string,
      remedy: expect.stringContaining('--port') as string,
    })
    other.close()
    const shell = await startBrowserShell({ ...options, port: 0 })
    await shell.close()
    expect(lab.closed).toBe(true)
    rmSync(folder, { recursive: true, force: true })
  })

  it('user data in use – wanted by a second shell – is refused until the first has ended', async () => {
    const test = await startTestShell()
    const userData = join(test.folder, 'user data')
    const options = {
      paths: makeLabPaths(test.folder),
      createLab: async () => createFakeLab(),
      userData,
      log: () => {},
    }
    await expect(startBrowserShell(options)).rejects.toMatchObject({ code: 'already-running' })
    await test.shell.close()
    await (await startBrowserShell(options)).close()
    await test.stop()
  })

  it('a lab or a document that cannot be opened – at the start – ends everything that was begun', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nomap-lab-fail-'))
    const lab = createFakeLab()
    lab.openPath = () => Promise.reject(new LabProblem('file-missing', 'There is no x.', 'Name another.'))
    const options = { paths: makeLabPaths(folder), userData: folder, log: () => {}, document: 'x' }
    await expect(startBrowserShell({ ...options, createLab: async () => lab })).rejects.toMatchObject({
      code: 'file-missing',
    })
    expect(lab.closed).toBe(true)
    await expect(startBrowserShell({ ...options, createLab: () => Promise.reject(new Error('no')) })).rejects.toThrow(
      'no',
    )
    // The lock is free again.
    await (await startBrowserShell({ ...options, document: undefined, createLab: async () => createFakeLab() })).close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('a document – named at the start – is opened by its whole path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nomap-lab-doc-'))
    const document = join(folder, 'a.nomaplab')
    writeFileSync(document, '')
    const lab = createFakeLab()
    const options = { paths: makeLabPaths(folder), createLab: async () => lab, userData: folder, log: () => {} }
    const shell = await startBrowserShell({ ...options, document: join(folder, '.', 'x', '..', 'a.nomaplab') })
    expect(lab.opened).toEqual([document])
    await shell.close()
    rmSync(folder, { recursive: true, force: true })
  })
})
