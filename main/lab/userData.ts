/** Small files of the user-data folder: the recent list and the window's preferences. Losing one is a nuisance, never an error. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import type { RecentFile } from '../../preload/contract'
import { writeAtomic } from './document/atomicFile'

const recentSchema = z.array(z.object({ path: z.string(), name: z.string(), openedAt: z.number() }))
const mostRecent = 20

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return null
  }
}

export class UserData {
  /** Writes one after the other, so that the last one wins. */
  private writing: Promise<unknown> = Promise.resolve()

  constructor(readonly folder: string) {}

  private at(name: string): string {
    return join(this.folder, name)
  }
  get journals(): string {
    return this.at('journal')
  }
  get previous(): string {
    return this.at('previous')
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.writing.then(work, work)
    this.writing = result.catch(() => {})
    return result
  }

  async recent(): Promise<RecentFile[]> {
    const entries = recentSchema.safeParse(await readJson(this.at('recent.json'))).data ?? []
    return entries.map((entry) => ({ ...entry, missing: !existsSync(entry.path) }))
  }

  remember(path: string, openedAt: number): Promise<void> {
    return this.inTurn(async () => {
      const others = (await this.recent()).filter((entry) => entry.path !== path)
      const name = basename(path).replace(/\.nomaplab$/, '')
      await this.writeRecent([{ path, name, openedAt, missing: false }, ...others])
    })
  }

  /** Takes one path, or all, off the list. */
  forget(path: string | undefined): Promise<RecentFile[]> {
    return this.inTurn(async () => {
      const left = path === undefined ? [] : (await this.recent()).filter((entry) => entry.path !== path)
      await this.writeRecent(left)
      return left
    })
  }

  private writeRecent(entries: RecentFile[]): Promise<void> {
    const plain = entries.slice(0, mostRecent).map(({ path, name, openedAt }) => ({ path, name, openedAt }))
    return writeAtomic(this.at('recent.json'), JSON.stringify(plain, null, 1) + '\n', { mode: 0o600 })
  }

  settings(): Promise<unknown> {
    return readJson(this.at('settings.json'))
  }

  writeSettings(settings: unknown): Promise<void> {
    return this.inTurn(() => writeAtomic(this.at('settings.json'), JSON.stringify(settings) + '\n', { mode: 0o600 }))
  }
}
