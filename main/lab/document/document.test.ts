import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LabProblem } from '../problem'
import { loadScenario } from '../scenario/load'
import { apply, newModel, type Operation, type SessionModel } from '../session/model'
import { writeAtomic } from './atomicFile'
import { upgrade } from './format'
import { checksummed, crc32, readLine, readLines } from './lines'
import { readDocument } from './read'
import { writeDocument, type DocumentContent } from './write'
import { readZip, writeZip } from './zip'

const { scenario } = loadScenario('first-lab', resolve(import.meta.dirname, '../../../scenarios'))

function sample(): SessionModel {
  const operations: Operation[] = [
    ...Array.from({ length: 12 }, (_, i): Operation => ({
      op: 'entry',
      entry: {
        kind: 'command',
        id: i + 1,
        branch: 'A',
        t: i * 1000,
        text: `sysctl kern.x=${i}`,
        origin: 'console',
        status: 0,
        changed: true,
      },
    })),
    { op: 'entry', entry: { kind: 'fork', id: 13, branch: 'B', from: 'A', t: 12_000, inherited: [1, 2, 3] } },
    { op: 'entry', entry: { kind: 'mark', id: 14, branch: 'B', t: 13_000, text: 'here — ★' } },
    { op: 'branchName', branch: 'B', name: 'with unmapped mbufs' },
    { op: 'baseline', branch: 'B' },
    { op: 'texts', notes: '# Notes\n', report: 'One sentence.' },
    { op: 'layout', layout: { panes: [1, 2] } },
    { op: 'reached', reached: { A: 20_000, B: 21_000 } },
    {
      op: 'predict',
      prediction: { exercise: 'x', id: 'p', value: '0.1', t: 5, after: 3, at: '2026-11-21T00:00:00Z', result: null },
    },
    {
      op: 'exercise',
      exercise: { id: 'x', step: 1, answers: { a: 'yes' }, used: ['save'], passed: { c: 'evidence' } },
    },
    { op: 'speed', speed: 0.001 },
  ]
  const start = newModel({
    name: 'My session',
    scenarioId: 'first-lab',
    scenario,
    files: { kind: 'generated' },
    now: new Date(0),
  })
  return operations.reduce((model, op) => apply(model, op, new Date(1000)), start)
}

const content = (model = sample(), more: Partial<DocumentContent> = {}): DocumentContent => ({
  model,
  application: '0.1.0',
  revision: '13.0-CURRENT r349532',
  embed: null,
  series: {
    names: ['a', 'b'],
    branches: [{ letter: 'A', times: Float64Array.of(0, 100), values: Float64Array.of(1, 2, 3, 4) }],
  },
  ...more,
})
const path = '/somewhere/my.nomaplab'
const written = (): Uint8Array => writeDocument(content(), path)

function refusal(bytes: Uint8Array, options = {}): LabProblem {
  try {
    readDocument(bytes, path, options)
  } catch (error) {
    if (error instanceof LabProblem) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('documents', () => {
  test('a session – is written and read – nothing changes', () => {
    const model = sample()
    const read = readDocument(written(), path)
    const { unsaved: _, undone: __, savedAt: ___, ...rest } = model
    expect(read.model).toMatchObject({ ...rest, path })
    expect(read.series).toEqual(content().series)
    expect(read.remarks).toEqual([])
    expect(written()).toEqual(written())
  })

  test('a document – is unpacked with an ordinary tool – its parts are plain and name no place of this computer', async () => {
    const model = {
      ...sample(),
      files: {
        kind: 'disk' as const,
        path: '/home/ann/secret/www',
        folder: true,
        name: 'www',
        files: [{ name: 'a', size: 1, sha256: 'ab' }],
      },
    }
    const bytes = writeDocument(content(model), '/home/ann/docs/my.nomaplab')
    expect(Buffer.from(bytes).includes('/home/ann')).toBe(false)
    const beside = readDocument(writeDocument(content(model), '/home/ann/secret/my.nomaplab'), path)
    expect(beside.files).toMatchObject({
      beside: 'www',
      embedded: false,
      list: [{ name: 'a', bytes: 1, sha256: 'ab' }],
    })
    const folder = mkdtempSync(join(tmpdir(), 'lab-zip-'))
    writeFileSync(join(folder, 'x.nomaplab'), written())
    const listing = await new Promise<string>((done) =>
      execFile('python3', ['-m', 'zipfile', '-t', join(folder, 'x.nomaplab')], (error, out) =>
        done(error === null ? out : 'no python'),
      ),
    )
    if (listing !== 'no python') expect(listing).toMatch(/Done testing/)
  })

  test('a fixture of every past version – is opened', () => {
    const folder = join(import.meta.dirname, 'fixtures')
    const fixtures = readdirSync(folder).filter((name) => name.endsWith('.nomaplab'))
    expect(fixtures).toContain('v1.nomaplab')
    for (const name of fixtures) {
      const { model, remarks } = readDocument(readFileSync(join(folder, name)), join(folder, name))
      expect(remarks, name).toEqual([])
      expect(model.log.length, name).toBeGreaterThan(10)
      expect(model.name, name).toBe('My session')
    }
  })

  test('parts of an old version – go through every upgrader in order', () => {
    const trail: string[] = []
    const step = (n: number) => (parts: Map<string, Uint8Array>) => (trail.push(`from ${n}`), parts)
    upgrade(new Map(), 1, 3, { 1: step(1), 2: step(2) })
    expect(trail).toEqual(['from 1', 'from 2'])
    expect(() => upgrade(new Map(), 1, 4, { 1: step(1), 2: step(2) })).toThrow('no upgrader from format 3')
  })

  test('a newer format – is opened – the version that is needed is named', () => {
    const manifest = Buffer.from(
      JSON.stringify({ format: 'nomap-lab-session', version: 9, needs: '4.2.0', unknown: true }),
    )
    const problem = refusal(writeZip([{ name: 'manifest.json', bytes: manifest }]))
    expect(problem.code).toBe('document-newer')
    expect(problem.message).toBe('my.nomaplab was written in format 9; this nomap lab reads formats up to 1.')
    expect(problem.remedy).toMatch(/nomap lab 4\.2\.0 or newer/)
  })

  test.each([
    ['nothing', new Uint8Array(0), 'document-damaged', /it is empty/],
    ['a text', Buffer.from('hello there'), 'not-a-document', /is not a document/],
    [
      'another archive',
      writeZip([{ name: 'readme.txt', bytes: Buffer.from('hi') }]),
      'not-a-document',
      /is not a document/,
    ],
    [
      'another format',
      writeZip([{ name: 'manifest.json', bytes: Buffer.from('{"format":"other","version":1}') }]),
      'not-a-document',
      /not a session/,
    ],
  ])('%s – is opened – it is refused in words', (_, bytes, code, message) => {
    expect(refusal(bytes)).toMatchObject({ code, message: expect.stringMatching(message) as string })
  })

  test('a damaged line of the log – is opened – the line is named, and the good part can be had', () => {
    const bytes = Buffer.from(written())
    const at = bytes.indexOf('kern.x=7')
    bytes[at] ^= 0x20
    const problem = refusal(bytes)
    expect(problem.code).toBe('log-damaged')
    expect(problem.message).toMatch(/line 8 of commands\.jsonl is broken; 7 commands before it are good/)
    const { model, remarks } = readDocument(bytes, path, { keepGoodPart: true })
    expect(model.log.map((entry) => entry.id)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(model.reached['A']).toBe(6000)
    expect(remarks[0]).toMatch(/damaged from line 8 on; 7 commands before it were kept/)
  })

  test('a document cut off at any place – is opened – it is refused or its good part is a prefix of the log', () => {
    const bytes = written()
    const whole = sample().log
    let salvaged = 0
    for (let length = 1; length < bytes.length; length += 97) {
      const cut = bytes.subarray(0, length)
      let read
      try {
        read = readDocument(cut, path, { keepGoodPart: true })
      } catch (error) {
        expect(['document-damaged', 'not-a-document']).toContain((error as LabProblem).code)
        continue
      }
      salvaged++
      expect(read.remarks.length).toBeGreaterThan(0)
      expect(whole.slice(0, read.model.log.length)).toEqual(read.model.log)
      if (read.model.log.length < whole.length) expect(refusal(cut).code).toBe('log-damaged')
    }
    expect(salvaged).toBeGreaterThan(5)
  })

  test('any byte changed – is opened – never a crash and never another history', () => {
    const bytes = written()
    const whole = JSON.stringify(sample().log)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const broken = bytes.slice()
        broken[at] ^= flip
        let read
        try {
          read = readDocument(broken, path, { keepGoodPart: true })
        } catch (error) {
          expect(error).toBeInstanceOf(LabProblem)
          return
        }
        const log = JSON.stringify(read.model.log)
        expect(whole.startsWith(log.slice(0, -1)), `byte ${at}`).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  test('broken caches and texts – are opened – they are left out with a remark', () => {
    const zip = readZip(written()).parts
    const parts = [...zip].map(([name, bytes]) => ({
      name,
      bytes: name.startsWith('series/A.values') || name === 'notes.md' ? bytes.map((b) => b ^ 1) : bytes,
    }))
    const read = readDocument(writeZip(parts), path)
    expect(read.series).toBeNull()
    expect(read.remarks).toEqual([
      'The notes were broken and left out.',
      'Stored samples were broken; they are computed again.',
    ])
    expect(read.model.log).toHaveLength(14)
  })

  test('embedded files – come back byte for byte', () => {
    const model = {
      ...sample(),
      files: {
        kind: 'disk' as const,
        path: '/a/x',
        folder: false,
        name: 'x',
        files: [{ name: 'x', size: 3, sha256: '' }],
      },
    }
    const read = readDocument(writeDocument(content(model, { embed: [Uint8Array.of(1, 2, 3)] }), path), path)
    expect(read.embedded).toEqual([Uint8Array.of(1, 2, 3)])
  })
})

describe('lines with sums', () => {
  test('CRC-32 of the standard check text', () => {
    // The check value of CRC-32 (IEEE 802.3) for "123456789".
    expect(crc32('123456789')).toBe('cbf43926')
  })

  test('any object – is written and read – it is the same, and no changed character goes unnoticed', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (value, n) => {
        if ('sum' in value || '__proto__' in value) return
        const line = checksummed(value)
        expect(readLine(line)).toEqual(JSON.parse(JSON.stringify(value)))
        const at = n % line.length
        const changed = line.slice(0, at) + String.fromCharCode(line.charCodeAt(at) ^ 1) + line.slice(at + 1)
        const read = readLine(changed)
        // A change inside the word "sum" makes it a line without one, which is then an object with a strange key.
        if (read !== null) expect(Object.keys(read).length).toBeGreaterThan(Object.keys(value).length)
      }),
    )
  })

  test('a torn last line – is read – the lines before it count', () => {
    const text = `${checksummed({ a: 1 })}\n${checksummed({ a: 2 })}\n${checksummed({ a: 3 }).slice(0, -4)}`
    expect(readLines(text, (value) => value)).toEqual({ values: [{ a: 1 }, { a: 2 }], badLine: 3 })
  })
})

describe('atomic writing', () => {
  test('four saves – the last three before it are kept', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lab-atomic-'))
    const file = join(folder, 'x.txt')
    const previous = join(folder, 'previous')
    for (let i = 0; i < 5; i++) await writeAtomic(file, `version ${i}`, { previous })
    expect(readFileSync(file, 'utf8')).toBe('version 4')
    expect([1, 2, 3].map((n) => readFileSync(join(previous, `${n}-x.txt`), 'utf8'))).toEqual([
      'version 3',
      'version 2',
      'version 1',
    ])
    expect(readdirSync(folder).sort()).toEqual(['previous', 'x.txt'])
  })

  test('a missing folder and a full disk – are written to – the sentence says so', async () => {
    await expect(writeAtomic('/no/such/folder/x', 'y')).rejects.toMatchObject({ code: 'folder-missing' })
    if (existsSync('/dev/full')) {
      // A file system that is full: writing to this device always answers ENOSPC.
      const { open } = await import('node:fs/promises')
      const handle = await open('/dev/full', 'w')
      const error: unknown = await handle.writeFile('x').catch((e: unknown) => e)
      await handle.close().catch(() => {})
      const { fileProblem } = await import('../problem')
      expect(fileProblem(error, '/x/y.nomaplab', 'write')?.message).toMatch(
        /no room left on the disk for \/x\/y\.nomaplab; what was saved before is still there/,
      )
    }
  })
})
