// npm test: installs what is missing, runs every check, and closes with one plain line, `N passed, N failed`.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ALL_TARGETS, ensureBuilt } from './build.mjs'
import { ensureChromium } from './chromium.mjs'
import { closingLine, countPlaywright, countVitest } from './counts.mjs'
import { ensureInstalled } from './install.mjs'
import { inParallel } from './pool.mjs'
import { endChildrenWithUs, run } from './processes.mjs'
import { Failure, ROOT, filesBelow } from './project.mjs'
import { RUNTIMES, checkRuntime } from './types.mjs'

const HELP = `npm test [-- --only STEP,STEP…]

Steps: types, lint, format, imports, build, unit, e2e. All of them without --only.
unit is everything that vitest runs: unit, property, fidelity and shell tests. unit and e2e build first.`

const STEPS = ['types', 'lint', 'format', 'imports', 'build', 'unit', 'e2e']
const MINUTE_MS = 60_000
const RESULTS = 'tests/results'

/**
 * What a step came to.
 * @typedef {import('./counts.mjs').Counts & { output: string }} Result
 *
 * @typedef {{ title: string, body: () => Promise<Result> }} Step
 */

/**
 * Reads the options of `npm test --`.
 * @param {string[]} args
 * @returns {{ help: boolean, steps: string[] }}
 */
export function readTestOptions(args) {
  let values
  try {
    values = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' }, only: { type: 'string' } } }).values
  } catch (error) {
    throw new Failure(`npm test: ${/** @type {Error} */ (error).message}\n\n${HELP}`, 2)
  }
  const steps = values.only?.split(',').filter(Boolean) ?? STEPS
  const unknown = steps.find((step) => !STEPS.includes(step))
  if (unknown !== undefined || steps.length === 0)
    throw new Failure(`npm test: there is no step "${unknown ?? ''}"; there are ${STEPS.join(', ')}.`, 2)
  return { help: values.help ?? false, steps }
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} exit status
 */
export async function test(args) {
  const { help, steps } = readTestOptions(args)
  if (help) {
    console.log(HELP)
    return 0
  }
  endChildrenWithUs()
  const say = (/** @type {string} */ line) => console.log(line)
  const started = Date.now()
  try {
    await ensureInstalled(say)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // The promise of the closing line holds even then.
    say(`${error.message}\n\n${closingLine([{ passed: 0, failed: 1, skipped: 0 }])}`)
    return 1
  }
  mkdirSync(join(ROOT, RESULTS), { recursive: true })
  // Whatever a test, a shell or a browser leaves behind goes with this folder, also what a killed process could not clear away.
  const scratch = mkdtempSync(join(tmpdir(), 'nomap-'))
  for (const name of ['TMPDIR', 'TMP', 'TEMP']) process.env[name] = scratch
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }))

  const wants = (/** @type {string} */ step) => steps.includes(step)
  /** @type {Result[]} */
  const results = []
  const perform =
    (/** @type {Step} */ { title, body }) =>
    async () => {
      const result = await timed(title, body)
      results.push(result)
      return result
    }

  // Installing the browser is mostly waiting for the network: it goes on beside the static checks.
  const browser = wants('e2e') ? ensureChromium(say) : undefined

  let built = true
  const build = async () => {
    built = (await perform({ title: 'build', body: buildAll })()).failed === 0
  }
  /** @type {(() => Promise<void>)[]} */
  const checks = []
  /** @param {Step} step */
  const check = (step) => checks.push(async () => void (await perform(step)()))
  if (wants('lint')) check({ title: 'lint', body: () => tool('eslint/bin/eslint.js', ['.']) })
  if (wants('types'))
    for (const runtime of RUNTIMES)
      check({ title: `types: ${runtime}`, body: async () => oneCheck(await checkRuntime(runtime)) })
  if (wants('format'))
    check({ title: 'format', body: () => tool('prettier/bin/prettier.cjs', ['--check', '--log-level=warn', '.']) })
  if (wants('imports')) check({ title: 'import rules', body: () => script('scripts/import-rules.mjs') })

  const endToEnd = async () => {
    if (!browser) return
    const found = await browser
    /** @type {Step['body']} */
    const body = async () => {
      if (!built) return failure('Not run: the build failed.')
      if ('complaint' in found) return failure(found.complaint)
      return endToEndTests(found.path)
    }
    await perform({ title: 'end to end', body })()
  }

  // Two cores are kept busy: a test in a browser often waits, and the last checks go on beside the first unit tests.
  if (wants('build') || wants('unit') || wants('e2e')) await build()
  const tests = async () => {
    await endToEnd()
    if (wants('unit')) await perform({ title: 'unit, property, fidelity', body: unitTests })()
  }
  await Promise.all([tests(), inParallel(checks, wants('e2e') || wants('unit') ? 1 : 2)])

  say(`\n${seconds(started)} in all`)
  say(closingLine(results))
  return results.some(({ failed }) => failed > 0) ? 1 : 0
}

/**
 * Runs a step and prints its line, and what it printed if it failed.
 * @param {string} title
 * @param {Step['body']} body
 */
async function timed(title, body) {
  const started = Date.now()
  const result = await body()
  const { passed, failed, skipped, output } = result
  const counts = [
    passed + failed > 1 && `${passed} passed`,
    passed + failed > 1 && failed > 0 && `${failed} failed`,
    skipped > 0 && `${skipped} skipped`,
  ].filter(Boolean)
  const verdict = failed > 0 ? 'FAILED' : 'ok'
  const note = counts.length > 0 ? `  (${counts.join(', ')})` : ''
  console.log(`${verdict.padEnd(7)}${title.padEnd(26)}${seconds(started).padStart(8)}${note}`)
  if (failed > 0) console.log(`\n${output.trimEnd()}\n`)
  return result
}

/** @param {number} since */
function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`
}

/** @returns {Promise<Result>} */
async function buildAll() {
  try {
    await ensureBuilt(ALL_TARGETS, () => {})
    return { passed: 1, failed: 0, skipped: 0, output: '' }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return failure(error.message)
  }
}

/** @returns {Promise<Result>} */
async function unitTests() {
  const report = `${RESULTS}/unit.json`
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  return suite('vitest/vitest.mjs', args, report, countVitest)
}

/**
 * @param {string} chromium
 * @returns {Promise<Result>}
 */
async function endToEndTests(chromium) {
  if (!filesBelow(ROOT, ['tests/e2e']).some((file) => file.endsWith('.spec.ts')))
    return { passed: 0, failed: 0, skipped: 0, output: '' }
  const args = ['test', '--config', 'tests/playwright.config.ts']
  return suite('@playwright/test/cli.js', args, `${RESULTS}/e2e.json`, countPlaywright, { CHROMIUM_PATH: chromium })
}

/**
 * Runs a test runner and counts by its report; an unhappy exit status never passes unnoticed.
 * @param {string} program
 * @param {string[]} args
 * @param {string} report
 * @param {(report: unknown) => import('./counts.mjs').Counts} count
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Result>}
 */
async function suite(program, args, report, count, env = {}) {
  rmSync(join(ROOT, report), { force: true })
  const { status, output, timedOut } = await node(program, args, env, 30 * MINUTE_MS)
  const counts = count(parsed(join(ROOT, report)))
  if (status !== 0 && counts.failed === 0) counts.failed = 1
  return { ...counts, output: timedOut ? `${output}\nEnded after 30 minutes.` : output }
}

/** @param {string} file @returns {unknown} */
function parsed(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined // the runner died before it could write
  }
}

/** @param {string} program @param {string[]} args */
async function tool(program, args) {
  return oneCheck(await node(program, args, {}, 15 * MINUTE_MS))
}

/** @param {string} path */
async function script(path) {
  return oneCheck(await run(process.execPath, [path], { cwd: ROOT, timeoutMs: 5 * MINUTE_MS }))
}

/**
 * @param {string} program below node_modules
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {number} timeoutMs
 */
function node(program, args, env, timeoutMs) {
  // The output is kept for a failure, and read as plain text.
  const plain = { NO_COLOR: '1', FORCE_COLOR: undefined }
  const file = join(ROOT, 'node_modules', program)
  return run(process.execPath, [file, ...args], { cwd: ROOT, env: { ...plain, ...env }, timeoutMs })
}

/**
 * @param {import('./processes.mjs').Outcome} outcome
 * @returns {Result}
 */
function oneCheck({ status, output, timedOut }) {
  if (status === 0) return { passed: 1, failed: 0, skipped: 0, output }
  return failure(timedOut ? `${output}\nEnded: it took too long.` : output)
}

/** @param {string} output @returns {Result} */
function failure(output) {
  return { passed: 0, failed: 1, skipped: 0, output }
}
