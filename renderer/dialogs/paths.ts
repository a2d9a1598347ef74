/** Paths and sizes for the path dialog. The main process checks every path; nothing here decides what may be read. */

let remembered: string | undefined

/** The folder looked at last in this window. */
export function rememberedFolder(): string | undefined {
  return remembered
}
export function rememberFolder(path: string): void {
  remembered = path
}

/** A path below a folder, with the folder's own kind of slash. */
export function joinPath(folder: string, name: string): string {
  const slash = /^[A-Za-z]:\\|\\\\/.test(folder) ? '\\' : '/'
  return folder.endsWith(slash) ? folder + name : folder + slash + name
}

/** `47 KiB`. */
export function fileSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(3))}\u2009${units[unit] ?? ''}`
}
