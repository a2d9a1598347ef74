/** Making a folder with its parents, step by step: Node's own recursive form does not end where a parent exists but refuses children (`/proc`). */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileProblem, LabProblem, systemCode, textOf } from './problem'

/** @throws LabProblem in words of the folder that was asked for */
export function makeFolder(path: string, mode = 0o755): void {
  const missing: string[] = []
  let at = resolve(path)
  try {
    for (;;) {
      try {
        if (!statSync(at).isDirectory())
          throw new LabProblem('not-a-folder', `${at} is a file, not a folder.`, 'Choose another folder.')
        break
      } catch (error) {
        if (systemCode(error) !== 'ENOENT' || dirname(at) === at) throw error
        missing.unshift(at)
        at = dirname(at)
      }
    }
    for (const folder of missing) mkdirSync(folder, { mode })
  } catch (error) {
    if (error instanceof LabProblem) throw error
    throw (
      fileProblem(error, path, 'write') ??
      new LabProblem('folder-failed', `The folder ${path} cannot be made (${textOf(error)}).`, 'Choose another folder.')
    )
  }
}
