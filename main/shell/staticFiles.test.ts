import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readStaticFile } from './staticFiles'

let outside: string
let root: string
beforeAll(() => {
  outside = mkdtempSync(join(tmpdir(), 'nomap-lab-static-'))
  root = join(outside, 'renderer')
  mkdirSync(join(root, 'assets'), { recursive: true })
  writeFileSync(join(root, 'index.html'), '<p>page</p>')
  writeFileSync(join(root, 'assets', 'index-D8_a.js'), 'code')
  writeFileSync(join(root, 'assets', 'font.woff2'), 'font')
  writeFileSync(join(root, 'assets', 'data.bin'), 'data')
  writeFileSync(join(root, 'assets', '.hidden.js'), 'hidden')
  writeFileSync(join(outside, 'secret.js'), 'secret')
  mkdirSync(join(outside, 'renderer-old'))
  writeFileSync(join(outside, 'renderer-old', 'old.js'), 'secret')
  symlinkSync(join(outside, 'secret.js'), join(root, 'assets', 'link.js'))
  symlinkSync(join(outside, 'renderer-old'), join(root, 'old'))
})
afterAll(() => rmSync(outside, { recursive: true, force: true }))

describe('static files', () => {
  it('the root path – asked – is the page, never stored', async () => {
    const file = await readStaticFile(root, '/')
    expect(file).toMatchObject({ type: 'text/html; charset=utf-8', cacheControl: 'no-store' })
    expect(file?.bytes.toString()).toBe('<p>page</p>')
    expect(await readStaticFile(root, '/index.html')).toEqual(file)
  })

  it.each([
    ['/assets/index-D8_a.js', 'text/javascript; charset=utf-8'],
    ['/assets/font.woff2', 'font/woff2'],
    ['/assets/%69ndex-D8_a.js', 'text/javascript; charset=utf-8'],
  ])('%s – asked – is delivered as %s', async (path, type) => {
    expect(await readStaticFile(root, path)).toMatchObject({ type })
  })

  it.each(['/assets', '/assets/', '/missing.js', '/assets/data.bin', '/assets/.hidden.js', ''])(
    '%j – asked – is not there (folders, unknown types, hidden files)',
    async (path) => {
      expect(await readStaticFile(root, path)).toBeNull()
    },
  )

  it.each([
    '/../secret.js',
    '/assets/../../secret.js',
    '/%2e%2e/secret.js',
    '/%2E%2E%2Fsecret.js',
    '/..%2fsecret.js',
    '/..%5csecret.js',
    '/..\\secret.js',
    '/%252e%252e/secret.js',
    '/assets/..%00/secret.js',
    '/index.html%00.js',
    '//secret.js',
    '/./index.html',
    '/....//secret.js',
    '/%c0%ae%c0%ae/secret.js',
    '/%',
    '/C:/secret.js',
    '/index.html::$DATA',
    'secret.js',
    '../secret.js',
    '/../renderer-old/old.js',
    '/assets/link.js',
    '/old/old.js',
  ])('%s – asked – leads nowhere', async (path) => {
    expect(await readStaticFile(root, path)).toBeNull()
  })

  it('any path at all – asked – delivers a file of the folder or nothing', async () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '/',
      '\\',
      '%2e',
      '%2f',
      '%5c',
      '%00',
      'assets',
      'secret.js',
      'index.html',
      'old',
      ':',
      '%',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const file = await readStaticFile(root, `/${pieces.join('')}`)
        expect(file?.bytes.toString() ?? '').not.toContain('secret')
      }),
      { numRuns: 500 },
    )
  })
})
