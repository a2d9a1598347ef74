/**
 * One lab at a time on one folder of user data: two would write the same journals. The lock is a file that names its process; one
 * that was left behind by a process that was killed is taken over.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileProblem, LabProblem, systemCode } from '../lab/problem'

const lockName = 'running.json'

interface Owner {
  pid: number
  /** Tells the process from a later one with the same number; empty where the system does not say. */
  born: string
}

/** A lock that is held. */
export interface InstanceLock {
  release(): void
}

/** Boot and start time of a process where the system tells (Linux), else an empty text. */
function birthOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Field 22; the second is a name in parentheses that may hold anything, so counting begins after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return `${boot} ${fields[19]}`
  } catch {
    return ''
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}

function readOwner(file: string): Owner | null {
  try {
    const { pid, born } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owner>
    return typeof pid === 'number' && pid > 0 && typeof born === 'string' ? { pid, born } : null
  } catch {
    return null
  }
}

function isAlive({ pid, born }: Owner): boolean {
  if (pid === process.pid) return born === birthOf(pid)
  if (!isRunning(pid)) return false
  const now = birthOf(pid)
  return born === '' || now === '' || born === now
}

/**
 * Takes the lock of the folder `userData`, which is created if it is missing.
 *
 * @throws LabProblem `already-running` if another process holds it, or what is wrong with the folder.
 */
export function takeInstanceLock(userData: string): InstanceLock {
  const file = join(userData, lockName)
  const mine: Owner = { pid: process.pid, born: birthOf(process.pid) }
  try {
    mkdirSync(userData, { recursive: true, mode: 0o700 })
    for (let attempt = 0; ; attempt++) {
      try {
        createWhole(file, JSON.stringify(mine))
        break
      } catch (error) {
        if (systemCode(error) !== 'EEXIST' || attempt === 5) throw error
        const owner = readOwner(file)
        if (owner !== null && isAlive(owner)) throw alreadyRunning(owner.pid, userData)
        removeStale(file, owner)
      }
    }
  } catch (error) {
    throw fileProblem(error, userData, 'write') ?? error
  }
  return {
    release: () => {
      const owner = readOwner(file)
      if (owner?.pid === mine.pid && owner.born === mine.born) rmSync(file, { force: true })
    },
  }
}

/** Creates `file` with all its content at once, so that nobody sees it empty; fails with EEXIST if it exists. */
function createWhole(file: string, content: string): void {
  const draft = `${file}.${process.pid}.new`
  writeFileSync(draft, content, { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw error
    // A file system without links: the next best thing.
    writeFileSync(file, content, { flag: 'wx', mode: 0o600 })
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Moves the lock aside before it is removed: whoever moves somebody's fresh lock notices, and puts it back. */
function removeStale(file: string, judged: Owner | null): void {
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw error
  }
  const moved = readOwner(aside)
  if (moved !== null && (moved.pid !== judged?.pid || moved.born !== judged.born)) renameSync(aside, file)
  else rmSync(aside, { force: true })
}

function alreadyRunning(pid: number, userData: string): LabProblem {
  return new LabProblem(
    'already-running',
    `nomap lab is already running (process ${pid}) with the user data in ${userData}.`,
    'Use its window, or start another one with --user-data and a folder of its own.',
  )
}
