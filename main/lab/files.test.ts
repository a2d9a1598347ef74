import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { digestFiles, fileBytes, generateFiles, maxTotalBytes, pageBytes, readFiles } from './files'
import type { LabProblem } from './problem'

const folder = (): string => mkdtempSync(join(tmpdir(), 'lab-files-'))
const problem = async (path: string): Promise<LabProblem> =>
  readFiles(path).then(
    () => {
      throw new Error('nothing was thrown')
    },
    (error: LabProblem) => error,
  )

describe('files of the user', () => {
  test('a folder – is read – every file starts on a page, in one order, padded with zeros', async () => {
    const root = folder()
    mkdirSync(join(root, 'sub'))
    writeFileSync(join(root, 'b.txt'), 'bb')
    writeFileSync(join(root, 'sub', 'a.bin'), Buffer.alloc(5000, 7))
    writeFileSync(join(root, 'empty'), '')
    writeFileSync(join(root, 'Z'), 'z')
    symlinkSync(root, join(root, 'loop'))
    const files = await readFiles(root)
    expect(files.entries).toEqual([
      { path: '/www/Z', size: 1, diskPage: 0 },
      { path: '/www/b.txt', size: 2, diskPage: 1 },
      { path: '/www/sub/a.bin', size: 5000, diskPage: 2 },
    ])
    expect(files.totalBytes).toBe(5003)
    expect(files.disk.bytes.length).toBe(4 * pageBytes)
    expect(files.disk.bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(Buffer.from(fileBytes(files, files.entries[1])).toString()).toBe('bb')
    expect(files.disk.bytes[pageBytes + 2]).toBe(0)
    const digests = await digestFiles(files)
    expect(digests[2]).toBe(createHash('sha256').update(Buffer.alloc(5000, 7)).digest('hex'))
  })

  test('a single file of several chunks – is read – bytes are the same', async () => {
    const path = join(folder(), 'big.bin')
    const content = Buffer.alloc((9 << 20) + 13)
    for (let i = 0; i < content.length; i += 997) content[i] = i & 255
    writeFileSync(path, content)
    const files = await readFiles(path)
    expect(Buffer.compare(fileBytes(files, files.entries[0]), content)).toBe(0)
  })

  test('a missing path – is read – the sentence names it', async () => {
    expect(await problem('/no/such/thing')).toMatchObject({
      code: 'file-missing',
      message: 'There is no file or folder /no/such/thing.',
    })
  })

  test('an empty file and a folder without content – are read – both are refused', async () => {
    const root = folder()
    writeFileSync(join(root, 'nothing'), '')
    expect((await problem(join(root, 'nothing'))).message).toMatch(/^The file .*nothing is empty\.$/)
    expect((await problem(root)).message).toMatch(/holds no file with anything in it\.$/)
  })

  test('more than the limit – is read – it is refused before anything is read', async () => {
    const path = join(folder(), 'sparse')
    writeFileSync(path, '')
    truncateSync(path, maxTotalBytes + 1)
    expect(await problem(path)).toMatchObject({ code: 'files-too-large' })
    const two = folder()
    for (const name of ['a', 'b']) {
      writeFileSync(join(two, name), '')
      truncateSync(join(two, name), maxTotalBytes / 2 + 1)
    }
    expect((await problem(two)).message).toMatch(/holds more than 1 GiB; a lab serves at most 1 GiB/)
  })

  test.skipIf(process.getuid?.() === 0)('a file without permission – is read – it is named', async () => {
    const root = folder()
    writeFileSync(join(root, 'secret'), 'x')
    chmodSync(join(root, 'secret'), 0)
    expect(await problem(root)).toMatchObject({ code: 'file-denied' })
  })

  test('a device – is read – it is refused', async () => {
    expect(await problem('/dev/null')).toMatchObject({ code: 'file-unreadable' })
  })

  test('a file that is shorter than it was said to be – is read – it is called changed', async () => {
    // Files below /proc report size 4096 or so and hold less: a stand-in for a file cut short under our eyes.
    const { existsSync } = await import('node:fs')
    const path = '/sys/kernel/mm/transparent_hugepage/enabled'
    if (!existsSync(path)) return
    expect(await problem(path)).toMatchObject({ code: 'file-changed' })
  })
})

describe('generated files', () => {
  test('the same seed twice – is generated – equal bytes; another seed gives others', async () => {
    const options = { seed: 7, count: 5, size: 10_000, spread: 0.5 }
    const [a, b, c] = [generateFiles(options), generateFiles(options), generateFiles({ ...options, seed: 8 })]
    expect(await digestFiles(a)).toEqual(await digestFiles(b))
    expect(await digestFiles(a)).not.toEqual(await digestFiles(c))
    expect(new Set(await digestFiles(a)).size).toBe(5)
    for (const { size } of a.entries) expect(size).toBeGreaterThanOrEqual(5000)
    for (const { size } of a.entries) expect(size).toBeLessThanOrEqual(15_000)
  })

  test('the bytes of seed 7 are fixed for ever', async () => {
    const [digest] = await digestFiles(generateFiles({ seed: 7, count: 1, size: 5000, spread: 0 }))
    expect(digest).toBe('3a7a48bb27eeab2e970d7c993563dd8b44a96e0bc1728f7a67e2ef8a2782ba53')
  })

  test('too much – is generated – it is refused', () => {
    expect(() => generateFiles({ seed: 1, count: 2000, size: 1 << 20, spread: 0 })).toThrow(/at most 1 GiB/)
  })
})
