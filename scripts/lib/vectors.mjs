// Bundles and runs the runner of the test vectors (tests/vectors/main.ts).
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureInstalled } from './install.mjs'
import { CACHE, ROOT } from './project.mjs'

/**
 * @param {string[]} args
 * @returns {Promise<number>} exit status
 */
export async function vectors(args) {
  await ensureInstalled((line) => console.error(line))
  const { build } = await import('vite')
  const outDir = join(CACHE, 'vectors')
  await build({
    configFile: false,
    root: ROOT,
    logLevel: 'error',
    build: {
      ssr: join(ROOT, 'tests/vectors/main.ts'),
      outDir,
      emptyOutDir: true,
      target: 'node20.19',
      minify: false,
      rolldownOptions: { output: { format: 'es', entryFileNames: 'main.mjs' } },
    },
  })
  const { main } = await import(pathToFileURL(join(outDir, 'main.mjs')).href)
  // npm goes to the root first; a folder on the command line is meant from where it was typed.
  return main(args, join(ROOT, 'tests/vectors/data'), process.env['INIT_CWD'] ?? process.cwd())
}
