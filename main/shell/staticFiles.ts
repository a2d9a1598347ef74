/**
 * The built page's files by the path of an address: only files below one folder, only of known types, whatever the path says.
 */
import { readFile, realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

/** A file as it is delivered. */
export interface StaticFile {
  type: string
  cacheControl: string
  bytes: Buffer<ArrayBuffer>
}

const types: Record<string, string | undefined> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.txt': 'text/plain; charset=utf-8',
}

// What a bundler calls its files. No separators of any system, no `%`, no hidden files, no drive letters or streams.
const goodName = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/

/** The names in `path`, or null if it is not a plain path below the folder. */
function namesIn(path: string): string[] | null {
  if (!path.startsWith('/')) return null
  let decoded: string
  try {
    decoded = decodeURIComponent(path.slice(1))
  } catch {
    return null
  }
  const names = decoded === '' ? ['index.html'] : decoded.split('/')
  return names.every((name) => goodName.test(name) && !name.includes('..')) ? names : null
}

/**
 * The file at `path` (the path of an address, still percent-encoded, without query) below the folder `root`; null where there is
 * none that may be delivered.
 */
export async function readStaticFile(root: string, path: string): Promise<StaticFile | null> {
  const names = namesIn(path)
  if (names === null) return null
  const type = types[extname(names[names.length - 1])]
  if (type === undefined) return null
  try {
    // The names cannot lead out of the folder; a symbolic link in it could.
    const [folder, file] = await Promise.all([realpath(root), realpath(join(root, ...names))])
    if (!file.startsWith(folder + sep) || !(await stat(file)).isFile()) return null
    // File names carry a hash of their content, except for the page itself, which names them.
    const cacheControl = type.startsWith('text/html') ? 'no-store' : 'private, max-age=3600'
    return { type, cacheControl, bytes: await readFile(file) }
  } catch {
    return null
  }
}
