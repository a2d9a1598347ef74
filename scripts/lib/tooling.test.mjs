// The helpers behind npm start and npm test: staleness, locks, options, counts.
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findChromium } from './chromium.mjs'
import { closingLine, countPlaywright, countVitest } from './counts.mjs'
import { findElectron } from './electron.mjs'
import { missingPackages } from './install.mjs'
import { withLock } from './lock.mjs'
import { complaintAboutNode } from './node-version.mjs'
import { run } from './processes.mjs'
import { ROOT, callerFolder, filesBelow } from './project.mjs'
import { isFresh, printOf, writeStamp } from './stale.mjs'
import { browserArguments, hasDisplay, readStartOptions } from './start.mjs'
import { readTestOptions } from './test.mjs'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nomap-lab-tooling-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** @param {string} path @param {string} text */
function put(path, text) {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}

describe('Node version', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0', '24.21.0'])('%s will do', (version) => {
    expect(complaintAboutNode(version)).toBeUndefined()
  })
  it.each(['20.18.3', '18.20.8', '20.9.0'])('%s is too old', (version) => {
    expect(complaintAboutNode(version)).toContain(`this is ${version}`)
  })
})

describe('staleness', () => {
  /** @type {import('./stale.mjs').Product} */
  const product = {
    stamp: 'out/.stamp/p.json',
    sources: ['src', 'config.json', 'not-there'],
    counts: (file) => !file.endsWith('.test.ts'),
    results: ['out/p.js'],
  }
  const make = () => {
    put('out/p.js', '')
    writeStamp(folder, product, printOf(folder, product))
  }
  beforeEach(() => {
    put('src/a.ts', 'a')
    put('src/deep/b.ts', 'b')
    put('config.json', '{}')
    make()
  })

  it('is fresh after making', () => {
    expect(isFresh(folder, product)).toBe(true)
  })
  it('is stale after a change, an addition, a removal', () => {
    put('src/a.ts', 'b')
    expect(isFresh(folder, product)).toBe(false)
    make()
    put('src/c.ts', '')
    expect(isFresh(folder, product)).toBe(false)
    make()
    rmSync(join(folder, 'src/c.ts'))
    expect(isFresh(folder, product)).toBe(false)
  })
  it('is stale after a rename that keeps every byte', () => {
    rmSync(join(folder, 'src/deep/b.ts'))
    put('src/deep/c.ts', 'b')
    expect(isFresh(folder, product)).toBe(false)
  })
  it('stays fresh when only times change, as in a fresh checkout', () => {
    utimesSync(join(folder, 'src/a.ts'), 1, 1)
    expect(isFresh(folder, product)).toBe(true)
  })
  it('does not care for tests', () => {
    put('src/a.test.ts', 'x')
    expect(isFresh(folder, product)).toBe(true)
  })
  it('is stale when a result is gone or the stamp is damaged', () => {
    rmSync(join(folder, 'out/p.js'))
    expect(isFresh(folder, product)).toBe(false)
    make()
    put(product.stamp, '{')
    expect(isFresh(folder, product)).toBe(false)
  })
})

describe('filesBelow', () => {
  it('walks files and folders in order and leaves out what is not source', () => {
    put('a/z.ts', '')
    put('a/b/c.ts', '')
    put('node_modules/x.js', '')
    put('out/y.js', '')
    expect(filesBelow(folder, ['.'])).toEqual(['a/b/c.ts', 'a/z.ts'])
    expect(filesBelow(folder, ['a/z.ts', 'nowhere', 'a/b'])).toEqual(['a/b/c.ts', 'a/z.ts'])
  })
})

describe('callerFolder', () => {
  it('is where npm run was typed, and otherwise where we are', () => {
    expect(callerFolder({ npm_lifecycle_event: 'lab', INIT_CWD: folder }, ROOT)).toBe(folder)
    expect(callerFolder({ npm_lifecycle_event: 'test', INIT_CWD: folder }, ROOT)).toBe(ROOT)
    expect(callerFolder({ npm_lifecycle_event: 'lab', INIT_CWD: ROOT }, folder)).toBe(folder)
    expect(callerFolder({}, ROOT)).toBe(ROOT)
  })
})

describe('withLock', () => {
  it('lets one at a time in', async () => {
    let inside = 0
    let most = 0
    const body = async () => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setTimeout(resolve, 20))
      inside--
    }
    await Promise.all([withLock(folder, 'l', body), withLock(folder, 'l', body), withLock(folder, 'l', body)])
    expect(most).toBe(1)
  })
  it('is given back after an error', async () => {
    await expect(withLock(folder, 'l', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await withLock(folder, 'l', () => Promise.resolve(1))).toBe(1)
  })
  it('is taken over from a process that is gone', async () => {
    const { output } = await run(process.execPath, ['-p', 'process.pid'])
    put('l.lock', output.trim())
    expect(await withLock(folder, 'l', () => Promise.resolve(1))).toBe(1)
  })
  it('says whom it waits for', async () => {
    put('l.lock', String(process.pid))
    setTimeout(() => rmSync(join(folder, 'l.lock')), 50)
    /** @type {number[]} */
    const owners = []
    await withLock(
      folder,
      'l',
      () => Promise.resolve(),
      (owner) => owners.push(owner),
    )
    expect(owners).toEqual([process.pid])
  })
})

describe('run', () => {
  it('keeps the output and the status, and gives no standard input', async () => {
    const code = "process.stdin.on('end', () => { console.log('in'); console.error('err'); process.exit(3) }).resume()"
    const outcome = await run(process.execPath, ['-e', code])
    expect(outcome.status).toBe(3)
    expect(outcome.output).toContain('in')
    expect(outcome.output).toContain('err')
  })
  it('ends what takes too long', async () => {
    expect(await run(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { timeoutMs: 200 })).toMatchObject({
      timedOut: true,
      status: 143,
    })
  })
  it('names a program that is not there', async () => {
    const outcome = await run('no-such-program-here', [])
    expect(outcome.status).toBe(127)
    expect(outcome.output).toContain('no-such-program-here')
  })
})

describe('missingPackages', () => {
  const wanted = {
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b/node_modules/c': { version: '2.0.0' },
      'node_modules/only-on-mac': { version: '1.0.0', optional: true },
    },
  }
  it('is content with what npm wrote down', () => {
    const { 'node_modules/only-on-mac': _, ...here } = wanted.packages
    expect(missingPackages(wanted, { packages: here })).toEqual([])
  })
  it('names what is absent or of another version', () => {
    expect(missingPackages(wanted, { packages: { 'node_modules/a': { version: '1.0.1' } } })).toEqual(['a', 'c'])
  })
  it('misses everything without an installation', () => {
    expect(missingPackages(wanted, undefined)).not.toEqual([])
  })
})

describe('options of npm start', () => {
  it('has defaults', () => {
    expect(readStartOptions([])).toMatchObject({ shell: undefined, open: true, noSandbox: false, files: [] })
  })
  it('passes on what the shells know', () => {
    const options = readStartOptions(['--shell', 'browser', '--port', '8080', '--user-data=u', 'a.nomaplab'])
    expect(browserArguments(options, true)).toEqual(['--open', '--port', '8080', '--user-data', 'u', 'a.nomaplab'])
    expect(browserArguments(options, false)[0]).toBe('--no-open')
    expect(browserArguments(readStartOptions(['--no-open']), true)).toEqual(['--no-open'])
  })
  it.each([
    [['--shell', 'vim'], '--shell is electron or browser, not "vim"'],
    [['--port', '70000'], '--port is a number from 0 to 65535'],
    [['--port', 'x'], '--port is a number from 0 to 65535'],
    [['--frob'], "Unknown option '--frob'"],
    [['--shell'], '--shell'],
  ])('refuses %j', (args, sentence) => {
    expect(() => readStartOptions(args)).toThrow(sentence)
  })
  it('knows where a window can be shown', () => {
    expect(hasDisplay('linux', {})).toBe(false)
    expect(hasDisplay('linux', { DISPLAY: '' })).toBe(false)
    expect(hasDisplay('linux', { DISPLAY: '', WAYLAND_DISPLAY: 'wayland-0' })).toBe(true)
    expect(hasDisplay('freebsd', { DISPLAY: ':0' })).toBe(true)
    expect(hasDisplay('darwin', {})).toBe(true)
  })
})

describe('options of npm test', () => {
  it('runs everything unless told otherwise', () => {
    expect(readTestOptions([]).steps).toContain('e2e')
    expect(readTestOptions(['--only', 'types,unit']).steps).toEqual(['types', 'unit'])
  })
  it.each([[['--only', 'unit,frob']], [['--only', '']], [['--frob']], [['unit']]])('refuses %j', (args) => {
    expect(() => readTestOptions(args)).toThrow('npm test')
  })
})

describe('counting', () => {
  it('adds up a vitest report', () => {
    const report = {
      success: true,
      numPassedTests: 7,
      numFailedTests: 0,
      numPendingTests: 1,
      numTodoTests: 1,
      testResults: [],
    }
    expect(countVitest(report)).toEqual({ passed: 7, failed: 0, skipped: 2 })
  })
  it('counts a file that could not be loaded', () => {
    const testResults = [
      { status: 'failed', assertionResults: [] },
      { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] },
    ]
    expect(countVitest({ success: false, numPassedTests: 1, numFailedTests: 1, testResults }).failed).toBe(2)
  })
  it('never takes an unhappy or absent report for a success', () => {
    expect(countVitest({ success: false, numPassedTests: 3, numFailedTests: 0, testResults: [] }).failed).toBe(1)
    expect(countVitest(undefined).failed).toBe(1)
    expect(countPlaywright(undefined).failed).toBe(1)
    expect(countPlaywright({ stats: { expected: 0 }, errors: [{}] }).failed).toBe(1)
  })
  it('adds up a Playwright report, a retried test having passed', () => {
    const report = { stats: { expected: 5, flaky: 1, unexpected: 2, skipped: 3 }, errors: [] }
    expect(countPlaywright(report)).toEqual({ passed: 6, failed: 2, skipped: 3 })
  })
  it('closes with one plain line', () => {
    const one = { passed: 1, failed: 0, skipped: 0 }
    expect(closingLine([one, one, { passed: 5, failed: 2, skipped: 1 }])).toBe('7 passed, 2 failed')
  })
})

describe('finding browsers', () => {
  it('takes CHROMIUM_PATH before the PATH, and only what is there', () => {
    put('bin/chromium', '')
    put('mine', '')
    const PATH = ['nowhere', join(folder, 'bin')].join(delimiter)
    expect(findChromium({ PATH })).toBe(join(folder, 'bin/chromium'))
    expect(findChromium({ PATH, CHROMIUM_PATH: join(folder, 'mine') })).toBe(join(folder, 'mine'))
    expect(findChromium({ PATH, CHROMIUM_PATH: join(folder, 'not-there') })).toBeUndefined()
  })
  it('finds Electron where its installer or the environment puts it', () => {
    expect(findElectron({}, folder)).toBeUndefined()
    put('path.txt', 'electron')
    expect(findElectron({}, folder)).toBeUndefined()
    put('dist/electron', '')
    expect(findElectron({}, folder)).toBe(join(folder, 'dist/electron'))
    put('other/electron', '')
    const other = join(folder, 'other')
    expect(findElectron({ ELECTRON_OVERRIDE_DIST_PATH: other }, folder)).toBe(join(other, 'electron'))
    expect(findElectron({ ELECTRON_EXEC_PATH: join(other, 'electron') }, folder)).toBe(join(other, 'electron'))
  })
})
