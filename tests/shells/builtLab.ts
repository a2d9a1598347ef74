/**
 * The built lab for tests of its programs: a copy of its own, so that a rebuild that somebody starts meanwhile does not pull the
 * files from under a running test.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ALL_TARGETS, ensureBuilt } from '../../scripts/lib/build.mjs'
import { withLock } from '../../scripts/lib/lock.mjs'
import { CACHE, ROOT } from '../../scripts/lib/project.mjs'

export interface BuiltLab {
  electron: string
  browser: string
  remove(): void
}

/** Builds what is stale (nothing, when the whole suite is run) and copies what the programs need beside them. */
export async function copyBuiltLab(): Promise<BuiltLab> {
  await ensureBuilt(ALL_TARGETS, () => {})
  // Inside the project, so that its packages are found.
  mkdirSync(CACHE, { recursive: true })
  const folder = mkdtempSync(join(CACHE, 'shell-tests-'))
  await withLock(CACHE, 'build', async () => {
    for (const part of ['out', 'scenarios', 'exercises', 'package.json']) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true })
    }
  })
  return {
    electron: join(folder, 'out/main/electron.js'),
    browser: join(folder, 'out/main/browser.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
