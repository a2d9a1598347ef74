// Building what is stale, and only that: the command line needs no page, a change in a page needs no new worker.
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { withLock } from './lock.mjs'
import { run } from './processes.mjs'
import { CACHE, Failure, ROOT } from './project.mjs'
import { isFresh, printOf, writeStamp } from './stale.mjs'

/** @typedef {'main' | 'preload' | 'renderer'} Target */

const CONFIG = ['package.json', 'package-lock.json', 'electron.vite.config.ts', 'tsconfig.base.json']
const CONTRACT = 'preload'

/** @param {string} file */
const notATest = (file) => !/\.test\.(ts|mjs)$/.test(file)

/** @type {Record<Target, import('./stale.mjs').Product>} */
const PRODUCTS = {
  main: {
    stamp: 'out/.stamp/main.json',
    sources: ['main', CONTRACT, 'scenarios', 'exercises', ...CONFIG],
    counts: notATest,
    results: ['electron', 'browser', 'cli', 'engine.worker'].map((name) => `out/main/${name}.js`),
  },
  preload: {
    stamp: 'out/.stamp/preload.json',
    sources: ['preload', ...CONFIG],
    counts: notATest,
    results: ['out/preload/index.cjs'],
  },
  renderer: {
    stamp: 'out/.stamp/renderer.json',
    sources: ['renderer', CONTRACT, ...CONFIG],
    counts: notATest,
    results: ['out/renderer/index.html'],
  },
}

/** @type {Target[]} */
export const ALL_TARGETS = ['main', 'preload', 'renderer']

/** @param {Target[]} targets @returns {Target[]} */
function stale(targets) {
  return targets.filter((target) => !isFresh(ROOT, PRODUCTS[target]))
}

/**
 * Builds those of the targets that are older than their sources. Says nothing when all are fresh.
 * @param {Target[]} targets
 * @param {(line: string) => void} say progress
 */
export async function ensureBuilt(targets, say) {
  if (stale(targets).length === 0) return
  await withLock(
    CACHE,
    'build',
    async () => {
      const wanted = stale(targets)
      if (wanted.length > 0) await build(wanted, say)
    },
    (owner) => say(`waiting for another build (process ${owner}) …`),
  )
}

/**
 * Builds the targets, fresh or not. Call it under the lock.
 * @param {Target[]} targets
 * @param {(line: string) => void} say
 */
async function build(targets, say) {
  say(`building ${targets.join(', ')} …`)
  const prints = targets.map((target) => printOf(ROOT, PRODUCTS[target]))
  const tool = join(ROOT, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
  const { status, output } = await run(process.execPath, [tool, 'build'], {
    cwd: ROOT,
    env: { LAB_BUILD: targets.join(','), NODE_ENV: 'production' },
    timeoutMs: 10 * 60_000,
  })
  // The bundler colours its messages even into a pipe.
  const message = stripVTControlCharacters(output).trimEnd()
  if (status !== 0) throw new Failure(`${message}\nThe build failed (electron-vite, status ${status}).`)
  targets.forEach((target, i) => {
    const print = prints[i]
    if (print) writeStamp(ROOT, PRODUCTS[target], print)
  })
}
