/** Builds the real engine worker for tests, which run from TypeScript. Never shipped. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Address of a freshly built worker. */
export async function buildWorker(): Promise<URL> {
  const folder = mkdtempSync(join(tmpdir(), 'lab-engine-'))
  const { build } = await import('vite')
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: folder,
      ssr: resolve(import.meta.dirname, '../../main/engine/worker.ts'),
      rolldownOptions: { output: { entryFileNames: 'worker.mjs' } },
    },
  })
  return pathToFileURL(join(folder, 'worker.mjs'))
}
