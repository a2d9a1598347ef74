import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LabProblem } from '../lab/problem'
import { takeInstanceLock } from './instanceLock'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nomap-lab-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const lockFile = (): string => join(folder, 'running.json')

describe('instance lock', () => {
  it('a free folder – locked and released – is free again and empty', () => {
    const deeper = join(folder, 'a', 'b')
    const lock = takeInstanceLock(deeper)
    expect(JSON.parse(readFileSync(join(deeper, 'running.json'), 'utf8'))).toMatchObject({ pid: process.pid })
    lock.release()
    expect(readdirSync(deeper)).toEqual([])
    takeInstanceLock(deeper).release()
  })

  it('a folder locked by a running process – locked – is refused and names the process and a remedy', () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    try {
      writeFileSync(lockFile(), JSON.stringify({ pid: other.pid, born: '' }))
      expect(() => takeInstanceLock(folder)).toThrow(LabProblem)
      expect(() => takeInstanceLock(folder)).toThrow(`process ${other.pid ?? 0}`)
      expect(readdirSync(folder)).toEqual(['running.json'])
    } finally {
      other.kill('SIGKILL')
    }
  })

  it('this very process – locks twice – is refused the second time', () => {
    const lock = takeInstanceLock(folder)
    expect(() => takeInstanceLock(folder)).toThrow(/already running/)
    lock.release()
  })

  it('a lock of a process that was killed – locked – is taken over', () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    writeFileSync(lockFile(), JSON.stringify({ pid, born: '' }))
    const lock = takeInstanceLock(folder)
    expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid })
    lock.release()
    expect(readdirSync(folder)).toEqual([])
  })

  it.runIf(process.platform === 'linux')(
    'a lock whose process number belongs to another one now – locked – is taken over',
    () => {
      writeFileSync(lockFile(), JSON.stringify({ pid: process.ppid, born: 'an earlier boot 12345' }))
      takeInstanceLock(folder).release()
      writeFileSync(lockFile(), JSON.stringify({ pid: process.pid, born: 'an earlier boot 12345' }))
      takeInstanceLock(folder).release()
    },
  )

  it.each(['', '{', '{"pid":"x"}', '[]', 'null'])(
    'a lock file with the content %j – locked – is taken over',
    (content) => {
      writeFileSync(lockFile(), content)
      takeInstanceLock(folder).release()
      expect(readdirSync(folder)).toEqual([])
    },
  )

  it('a lock that another process took over – released – stays the other one’s', () => {
    const lock = takeInstanceLock(folder)
    const other = JSON.stringify({ pid: process.ppid, born: 'other' })
    writeFileSync(lockFile(), other)
    lock.release()
    expect(readFileSync(lockFile(), 'utf8')).toBe(other)
  })

  it('user data that is a file – locked – is refused by name', () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect(() => takeInstanceLock(file)).toThrow(file)
  })
})
