/** Folders of the user's disk, for the window's own file dialog. */
import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import type { Answers } from '../../preload/contract'
import { fileProblem, LabProblem, textOf } from './problem'

/** Most entries that are listed; beyond them a name has to be typed. */
const mostEntries = 5000

/** Entries of a folder, folders first. Hidden ones and those that cannot be looked at are left out. */
export async function listFolder(
  path: string | undefined,
  extensions: readonly string[] | undefined,
): Promise<Answers['files.list']> {
  let folder = resolve(path ?? homedir())
  try {
    // A file stands for the folder it is in.
    if (!(await stat(folder)).isDirectory()) folder = dirname(folder)
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).slice(0, mostEntries)
    const entries: Answers['files.list']['entries'] = []
    for (const name of names) {
      const facts = await stat(join(folder, name)).catch(() => null)
      if (facts === null) continue
      const isFolder = facts.isDirectory()
      if (!isFolder && !facts.isFile()) continue
      if (
        !isFolder &&
        extensions !== undefined &&
        !extensions.some((e) => extname(name).toLowerCase() === `.${e.replace(/^\./, '').toLowerCase()}`)
      )
        continue
      entries.push({ name, folder: isFolder, size: isFolder ? 0 : facts.size, changedAt: Math.floor(facts.mtimeMs) })
    }
    entries.sort(
      (a, b) => Number(b.folder) - Number(a.folder) || (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1),
    )
    const parent = dirname(folder)
    return { path: folder, parent: parent === folder ? null : parent, entries }
  } catch (error) {
    throw (
      fileProblem(error, folder, 'read') ??
      new LabProblem('file-unreadable', `${folder} cannot be read (${textOf(error)}).`, 'Choose another folder.')
    )
  }
}
