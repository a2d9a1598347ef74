/**
 * The built Electron main program and preload, executed against the stand-in: the options they ask for, the doors they close, and
 * the way of a message from the page to the lab and back.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { menuTable } from '../../main/shell/menuTable'
import type { EngineFrame, SessionState, WireMessage } from '../../preload/contract'
import { copyBuiltLab, type BuiltLab } from './builtLab'
import { ElectronProcess } from './electronProcess'

let built: BuiltLab
beforeAll(async () => {
  built = await copyBuiltLab()
}, 600_000)
afterAll(() => built.remove())

/** Connects as the page does and keeps what arrives under `globalThis.received`; answers when there is a port. */
async function connectPage(app: ElectronProcess): Promise<void> {
  await app.run(({ record }) => record.windows[0].webContents.page?.exposed['labHost'].connect())
  await app.until(({ record }) => (record.windows[0].webContents.page?.messages.length ?? 0) > 0)
  await app.run(({ record }) => {
    const received: unknown[] = []
    const port = record.windows[0].webContents.page?.messages.at(-1)?.ports[0]
    port.on('message', (message: unknown) => received.push(message))
    port.on('close', () => received.push('closed'))
    Object.assign(globalThis, { received, port })
  })
}

interface PageGlobals {
  received: (WireMessage | 'closed')[]
  port: { postMessage(message: unknown): void }
}

/** Posts a message from the page and waits for the answer to its id. */
async function ask(app: ElectronProcess, message: Record<string, unknown>): Promise<WireMessage> {
  await app.run((_electron, sent) => (globalThis as unknown as PageGlobals).port.postMessage(sent), message)
  const find = (_electron: unknown, id: unknown): boolean =>
    (globalThis as unknown as PageGlobals).received.some((m) => m !== 'closed' && 'id' in m && m.id === id)
  await app.until(find, message['id'])
  return app.run(
    (_electron, id) =>
      (globalThis as unknown as PageGlobals).received.find(
        (m) => m !== 'closed' && 'id' in m && m.id === id,
      ) as WireMessage,
    message['id'],
  )
}

const request = (id: number, method: string, body: unknown = {}): Record<string, unknown> => ({
  kind: 'request',
  id,
  method,
  body,
})

describe('Electron shell: what it asks for', () => {
  let app: ElectronProcess
  beforeAll(async () => {
    app = await ElectronProcess.start(built.electron)
  })
  afterAll(() => app.stop())

  it('the app – started – is sandboxed before it is ready, with user data in the folder that was named', async () => {
    const { sandboxEnabled, paths } = await app.run(({ record }) => ({ ...record, windows: [], menu: [] }))
    expect(sandboxEnabled).toBe(true)
    expect(paths['userData']).toBe(join(app.userData, 'electron'))
  })

  it('every window – opened – is isolated, sandboxed and without Node', async () => {
    const options = await app.run(({ record }) => record.windows.map((window) => window.options))
    expect(options).toHaveLength(1)
    for (const { webPreferences, show, minWidth, minHeight } of options) {
      expect(webPreferences).toEqual({
        preload: expect.stringMatching(/preload[/\\]index\.cjs$/) as string,
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webviewTag: false,
        webSecurity: true,
        allowRunningInsecureContent: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        devTools: true,
      })
      expect({ show, minWidth, minHeight }).toEqual({ show: false, minWidth: 1024, minHeight: 640 })
    }
  })

  it('the scheme of the page – registered – is a secure origin without further privileges', async () => {
    expect(await app.run(({ record }) => record.schemes)).toEqual([
      { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
    ])
  })

  it('the page – loaded – is the built one, and the preload gave it exactly one thing with one function', async () => {
    const page = await app.run(({ record }) => {
      const { url, html, exposed, required } = record.windows[0].webContents.page!
      const shape = Object.entries(exposed).map(([name, api]) => [
        name,
        Object.entries(api as object).map(([key, value]) => [key, typeof value, (value as () => void).length]),
      ])
      return { url, html, required, shape }
    })
    expect(page.url).toBe('app://lab/')
    expect(page.html).toMatch(/<!doctype html>/i)
    expect(page.required).toEqual(['electron'])
    expect(page.shape).toEqual([['labHost', [['connect', 'function', 0]]]])
  })
})

describe('Electron shell: doors that are closed', () => {
  let app: ElectronProcess
  beforeAll(async () => {
    app = await ElectronProcess.start(built.electron)
  })
  afterAll(() => app.stop())

  const statusOf = (url: string, method = 'GET'): Promise<number | null> =>
    app.run(
      async ({ session }, asked) => (await session.defaultSession.request(asked.url, asked.method))?.status ?? null,
      { url, method },
    )

  it('the page – asked for – comes with its policy and every safety header', async () => {
    const headers = await app.run(async ({ session }) => {
      const response = await session.defaultSession.request('app://lab/index.html')
      return Object.fromEntries(response!.headers)
    })
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self';")
    expect(headers['content-security-policy']).not.toMatch(/unsafe-eval|https?:|ws:/)
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
    })
  })

  it.each([
    'app://lab/../main/electron.js',
    'app://lab/../../package.json',
    'app://lab/%2e%2e/main/electron.js',
    'app://lab/..%2f..%2fpackage.json',
    'app://lab/..%5c..%5cpackage.json',
    'app://lab/assets/../../main/electron.js',
    'app://lab//etc/passwd',
    'app://lab/missing.js',
    'app://lab/%00',
    'app://lab/%',
  ])('%s – asked for – is 404', async (url) => {
    expect(await statusOf(url)).toBe(404)
  })

  it.each([
    'app://other/index.html',
    'app://lab.evil/index.html',
    'app://user@lab/index.html',
    'app:///index.html',
    'http://example.org/',
    'https://example.org/x.js',
    'ws://127.0.0.1:9/',
    'file:///etc/passwd',
    'blob:https://example.org/1',
  ])('a request for %s – made by a page – never leaves', async (url) => {
    expect(await statusOf(url)).toBeNull()
  })

  it('a request that would change something – made of the scheme – is refused', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) expect(await statusOf('app://lab/index.html', method)).toBe(405)
  })

  it('permissions – asked for – are denied, but for putting text on the clipboard', async () => {
    const answers = await app.run(({ session }) => {
      const { permissionRequest, permissionCheck, devicePermission, displayMedia } = session.defaultSession.handlers
      const names = [
        'media',
        'geolocation',
        'notifications',
        'midi',
        'fullscreen',
        'openExternal',
        'clipboard-read',
        'usb',
        'hid',
        'serial',
      ]
      const ask = (name: string, requestingUrl: string, isMainFrame = true): boolean[] => {
        let granted = false
        permissionRequest(null, name, (yes: boolean) => (granted = yes), { requestingUrl, isMainFrame })
        return [granted, permissionCheck(null, name, requestingUrl, { isMainFrame })]
      }
      const media: unknown[] = []
      displayMedia({}, (streams: unknown) => media.push(streams))
      const write = 'clipboard-sanitized-write'
      return {
        denied: names.flatMap((name) => ask(name, 'app://lab/')),
        write: ask(write, 'app://lab/'),
        writeElsewhere: [...ask(write, 'https://example.org/'), ...ask(write, 'app://lab/', false)],
        device: devicePermission({ deviceType: 'usb' }),
        media,
      }
    })
    expect(new Set(answers.denied)).toEqual(new Set([false]))
    expect(answers.write).toEqual([true, true])
    expect(new Set(answers.writeElsewhere)).toEqual(new Set([false]))
    expect(answers).toMatchObject({ device: false, media: [{}] })
  })

  it('navigation, redirects, frames and webviews – tried – are prevented, except within our page', async () => {
    const prevented = await app.run(({ record, isPrevented }) => {
      const contents = record.windows[0].webContents
      const navigate = (url: string, isMainFrame = true): boolean =>
        isPrevented(contents, 'will-frame-navigate', { url, isMainFrame })
      return {
        away: ['https://example.org/', 'file:///etc/passwd', 'data:text/html,x', 'app://evil/', 'javascript:1'].map(
          (url) => navigate(url),
        ),
        frame: navigate('app://lab/', false),
        redirect: isPrevented(contents, 'will-redirect', { url: 'https://example.org/' }),
        webview: isPrevented(contents, 'will-attach-webview', {}),
        own: navigate('app://lab/'),
      }
    })
    expect(prevented).toEqual({
      away: [true, true, true, true, true],
      frame: true,
      redirect: true,
      webview: true,
      own: false,
    })
  })

  it('new windows – tried – are denied; a link to a known site is offered to the browser only if the user agrees', async () => {
    const open = (url: string): Promise<string> =>
      app.run(({ record }, address) => record.windows[0].webContents.windowOpenHandler!({ url: address }).action, url)
    for (const url of ['https://evil.example/', 'file:///etc/passwd', 'app://lab/', 'javascript:1'])
      expect(await open(url)).toBe('deny')
    expect(await app.run(({ record }) => [record.dialogs.length, record.external.length])).toEqual([0, 0])

    // Declined, as the default button does.
    expect(await open('https://man.freebsd.org/sendfile')).toBe('deny')
    await app.until(({ record }) => record.dialogs.length === 1)
    expect(await app.run(({ record }) => record.external)).toEqual([])

    await app.run(({ dialogAnswers }) => void (dialogAnswers['message'] = [{ response: 0 }]))
    expect(await open('https://man.freebsd.org/sendfile')).toBe('deny')
    await app.until(({ record }) => record.external.length === 1)
    expect(await app.run(({ record }) => [record.external, record.dialogs[1].options.detail])).toEqual([
      ['https://man.freebsd.org/sendfile'],
      'https://man.freebsd.org/sendfile',
    ])
  })

  it('downloads – tried – are prevented, except for what the page made itself', async () => {
    const prevented = await app.run(({ session, isPrevented }) =>
      [
        'https://example.org/x.exe',
        'app://lab/index.html',
        'data:text/plain,x',
        'blob:https://example.org/1',
        'blob:app://lab/1',
      ].map((url) => isPrevented(session.defaultSession, 'will-download', { arguments: [{ getURL: () => url }] })),
    )
    expect(prevented).toEqual([true, true, true, true, false])
  })
})

describe('Electron shell: messages', () => {
  let app: ElectronProcess
  beforeAll(async () => {
    app = await ElectronProcess.start(built.electron)
    await connectPage(app)
  })
  afterAll(() => app.stop())

  it('connect() – called by the page – brings one port, for this very origin, and nothing else', async () => {
    const messages = await app.run(({ record }) =>
      record.windows[0].webContents.page!.messages.map(({ data, targetOrigin, ports }) => ({
        data,
        targetOrigin,
        ports: ports.length,
      })),
    )
    expect(messages).toEqual([{ data: 'lab:port', targetOrigin: '/', ports: 1 }])
  })

  it('a request – posted – goes through the port to the lab and is answered', async () => {
    expect(await ask(app, request(1, 'app.info'))).toMatchObject({ kind: 'answer', body: { contractVersion: 1 } })
  })

  it('invalid payloads and unknown methods – posted – are refused, and the page goes on', async () => {
    expect(await ask(app, request(2, 'run.speed', { speed: 'fast' }))).toMatchObject({ error: { code: 'bad-request' } })
    expect(await ask(app, request(3, 'run.speed', { speed: 1, more: 1 }))).toMatchObject({
      error: { code: 'bad-request' },
    })
    expect(await ask(app, request(4, 'shell.openExternal', { url: 'x' }))).toMatchObject({
      error: { code: 'unknown-method' },
    })
    expect(await ask(app, request(5, 'session.layout', { layout: new Map() }))).toMatchObject({
      error: { code: 'bad-request' },
    })
    expect(await ask(app, request(6, 'app.info'))).toMatchObject({ kind: 'answer' })
  })

  it('a menu entry – chosen – reaches the page as the id of its command', async () => {
    const ids = menuTable(process.platform, true).flatMap(({ entries }) =>
      entries.flatMap((entry) => (entry.kind === 'command' ? [entry.command] : [])),
    )
    await app.run(({ record }) => {
      for (const { submenu } of record.menu) for (const item of submenu ?? []) if (item.id) item.click()
    })
    const sent = (): unknown[] =>
      (globalThis as unknown as PageGlobals).received.flatMap((m) =>
        m !== 'closed' && m.kind === 'event' && m.name === 'menu' ? [(m.body as { command: string }).command] : [],
      )
    await app.until(
      (_electron, count) =>
        (globalThis as unknown as PageGlobals).received.filter(
          (m) => m !== 'closed' && m.kind === 'event' && m.name === 'menu',
        ).length >= count,
      ids.length,
    )
    expect(await app.run(sent)).toEqual(ids)
    expect(ids.length).toBeGreaterThan(20)
  })

  it('a connection – asked for by anything but the main frame of our page – is refused', async () => {
    const ports = await app.run(async ({ record, ipcMain, session }) => {
      const { webContents } = record.windows[0]
      const posted: string[] = []
      const stranger = { mainFrame: { url: 'app://lab/' }, session, postMessage: () => posted.push('stranger') }
      const own = Object.create(webContents, { postMessage: { value: () => posted.push('own') } }) as object
      const attempts = [
        { sender: stranger, senderFrame: stranger.mainFrame },
        { sender: webContents, senderFrame: { url: 'app://lab/' } },
        { sender: webContents, senderFrame: null },
        { sender: own, senderFrame: { url: 'app://lab/frame.html', parent: webContents.mainFrame } },
      ]
      const before = webContents.page!.messages.length
      for (const attempt of attempts) ipcMain.emit('lab:connect', attempt)
      webContents.mainFrame.url = 'https://evil.example/'
      ipcMain.emit('lab:connect', { sender: webContents, senderFrame: webContents.mainFrame })
      webContents.mainFrame.url = 'app://lab/'
      await new Promise((resolve) => setTimeout(resolve, 100))
      return [webContents.page!.messages.length - before, ...posted]
    })
    expect(ports).toEqual([0])
    expect(app.output.match(/refused a connection/g)).toHaveLength(5)
  })

  it('a session – started and run – shows its name in the title and sends samples through the port as typed arrays', async () => {
    await app.until(({ record }) => record.windows[0].title === 'nomap lab')
    const started = await ask(app, request(10, 'session.new', { scenario: 'first-lab', seed: 1 }))
    expect(started).toMatchObject({ kind: 'answer', body: { scenario: { id: 'first-lab' } } })
    const { name } = (started as { body: { name: string } }).body
    await app.until(({ record }, text) => record.windows[0].title.endsWith(text), `${name} – nomap lab`)
    expect(await ask(app, request(11, 'run.control', { action: 'run' }))).toMatchObject({ kind: 'answer' })
    await app.until(() =>
      (globalThis as unknown as PageGlobals).received.some((m) => {
        if (m === 'closed' || m.kind !== 'event' || m.name !== 'frame') return false
        const [branch] = (m.body as EngineFrame).branches
        return branch?.times instanceof Float64Array && branch.times.length > 0
      }),
    )
    expect(await ask(app, request(12, 'run.control', { action: 'pause' }))).toMatchObject({ kind: 'answer' })
  })

  it('a message that is none – posted – closes the port; connecting again works', async () => {
    await app.run(() =>
      (globalThis as unknown as PageGlobals).port.postMessage({ kind: 'event', name: 'session', body: {} }),
    )
    await app.until(() => (globalThis as unknown as PageGlobals).received.includes('closed'))
    await connectPage(app)
    expect(await ask(app, request(1, 'app.info'))).toMatchObject({ kind: 'answer' })
  })

  it('a page – loaded again after its process crashed – connects to the same lab', async () => {
    const before = await app.run(({ record }) => record.windows[0].webContents.page!.messages.length)
    expect(before).toBeGreaterThan(0)
    await app.run(({ record }) => record.windows[0].webContents.emit('render-process-gone', {}, { reason: 'crashed' }))
    await app.until(({ record }) => record.windows[0].webContents.page!.messages.length === 0)
    await connectPage(app)
    expect(await ask(app, request(1, 'app.info'))).toMatchObject({ kind: 'answer' })
  })

  it('a page – crashes over and over – is not loaded again without asking', async () => {
    const reloads = await app.run(async ({ record, dialogAnswers }) => {
      const { webContents } = record.windows[0]
      const never = new Promise(() => {})
      dialogAnswers['message'] = Array.from({ length: 9 }, () => never)
      for (let i = 0; i < 5; i++) {
        webContents.emit('render-process-gone', {}, { reason: 'oom' })
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return [webContents.reloads, record.dialogs.map(({ options }) => options.message)]
    })
    expect(reloads[0]).toBeLessThan(4)
    expect(reloads[1]).toContain('The window keeps crashing.')
  })
})

describe('Electron shell: starting and ending', () => {
  it('a second start with a file – hands it to the first and ends – without a window', async () => {
    const first = await ElectronProcess.start(built.electron)
    try {
      const missing = join(first.userData, 'handed over.nomaplab')
      const second = new ElectronProcess(built.electron, first.userData, [missing])
      expect(await second.exit()).toBe(0)
      // The file does not exist: the first instance says so, by its name.
      await first.until(({ record }) => record.dialogs.length > 0)
      const [told] = await first.run(({ record }) => record.dialogs)
      expect(told.options.message).toContain('handed over.nomaplab')
      expect(await first.run(({ record }) => record.windows.length)).toBe(1)
    } finally {
      await first.stop()
    }
  })

  it('rubbish – handed over by another version – is ignored', async () => {
    const app = await ElectronProcess.start(built.electron)
    try {
      await app.run(async ({ app: electronApp, record }) => {
        for (const data of [null, 7, 'x', {}, { files: 'x' }, { files: [1, null, {}] }]) {
          electronApp.emit('second-instance', {}, [], '/', data)
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
        if (record.dialogs.length > 0) throw new Error('something was opened')
      })
    } finally {
      await app.stop()
    }
  })

  it('the window – closed – ends the app with status 0, its place is remembered and the folder is free again', async () => {
    const app = await ElectronProcess.start(built.electron)
    await app.run(({ record }) => record.windows[0].close())
    expect(await app.exit()).toBe(0)
    const again = new ElectronProcess(built.electron, app.userData)
    await again.loaded()
    expect(await again.run(({ record }) => record.windows[0].options)).toMatchObject({
      x: 10,
      y: 20,
      width: 1300,
      height: 850,
    })
    await again.stop()
  })

  it('a session with unsaved work – the window closed – is there again at the next start, without a question', async () => {
    const app = await ElectronProcess.start(built.electron)
    await connectPage(app)
    await ask(app, request(1, 'session.new', { scenario: 'first-lab', seed: 1 }))
    const text = 'ifconfig cc0 -nomap'
    const ran = await ask(app, request(2, 'console.execute', { branch: 'A', text, origin: 'console' }))
    expect(ran).toMatchObject({ kind: 'answer', body: { status: 0 } })
    await app.run(({ record }) => record.windows[0].close())
    expect(await app.exit()).toBe(0)

    const again = new ElectronProcess(built.electron, app.userData)
    await again.loaded()
    await connectPage(again)
    const state = (await ask(again, request(1, 'session.state'))) as { body: SessionState | null }
    expect(state.body?.unsaved).toBe(true)
    expect(state.body?.commands.map((command) => command.text)).toContain(text)
    expect(await again.run(({ record }) => record.dialogs)).toEqual([])
    await again.stop()
  })

  it('user data that is used by a browser shell – the app says so in a box and ends with status 1', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nomap-lab-electron-'))
    writeFileSync(join(folder, 'running.json'), JSON.stringify({ pid: process.pid, born: '' }))
    const app = new ElectronProcess(built.electron, folder)
    expect(await app.exit()).toBe(1)
    expect(app.output).toContain(`error box: nomap lab is already running (process ${process.pid})`)
    await app.stop()
  })

  it('--no-sandbox – given by the user – is respected', async () => {
    const app = await ElectronProcess.start(built.electron, ['--no-sandbox'])
    expect(
      await app.run(({ record }) => [record.sandboxEnabled, record.windows[0].options.webPreferences.sandbox]),
    ).toEqual([false, true])
    await app.stop()
  })
})
