/** Saves a small version and then one that does not fit; for diskFull.test.ts, which limits the size of files. Never shipped. Argument: a path. */
import { writeSync } from 'node:fs'
import { writeAtomic } from './atomicFile'

const path = process.argv[2]
await writeAtomic(path, 'the version that fits')
try {
  await writeAtomic(path, new Uint8Array(1 << 20))
  writeSync(1, 'saved\n')
} catch (error) {
  const { code, message, remedy } = error as { code: string; message: string; remedy: string }
  writeSync(1, JSON.stringify({ code, message, remedy }))
}
