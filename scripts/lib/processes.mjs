// Child processes: run one to its end and keep what it printed, or hand it the terminal.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * @typedef {{ status: number, output: string, timedOut: boolean }} Outcome
 *
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] added to ours
 * @property {number} [timeoutMs] ended after this long: a hang must not hold CI for ever
 * @property {boolean} [shell]
 */

/** Children now running; ended with us (see endChildrenWithUs). @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

/**
 * Runs a program without standard input and keeps both of its outputs, in the order they came.
 * @param {string} program
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Outcome>}
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      shell: options.shell ?? false,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    /** @type {Buffer[]} */
    const chunks = []
    child.stdout.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk))
    child.stderr.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk))
    let timedOut = false
    const timer = options.timeoutMs
      ? setTimeout(() => {
          timedOut = true
          end(child)
        }, options.timeoutMs)
      : undefined
    /** @param {number} status @param {string} [note] */
    const done = (status, note = '') => {
      clearTimeout(timer)
      children.delete(child)
      resolve({ status, output: Buffer.concat(chunks).toString('utf8') + note, timedOut })
    }
    child.on('error', (error) => done(127, `${program}: ${error.message}\n`))
    child.on('close', (code, signal) => done(statusOf(code, signal)))
  })
}

/**
 * Hands our terminal to a program and passes on its status. Ctrl+C reaches it from the terminal itself; a SIGTERM or
 * SIGHUP sent to us is passed on, and after five seconds the child is ended the hard way.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>}
 */
export function hand(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: 'inherit' })
    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => {
      // A terminal has already told the whole process group; a second SIGINT would look like an impatient user.
      if (!(signal === 'SIGINT' && process.stdin.isTTY)) child.kill(signal)
      setTimeout(() => child.kill('SIGKILL'), 5000).unref()
    }
    /** @type {NodeJS.Signals[]} */
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, passOn)
    const finish = () => {
      for (const signal of signals) process.off(signal, passOn)
    }
    child.on('error', (error) => {
      finish()
      reject(error)
    })
    child.on('close', (code, signal) => {
      finish()
      resolve(statusOf(code, signal))
    })
  })
}

/** When we are told to stop, so are the children that run() started. */
export function endChildrenWithUs() {
  for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.once(signal, () => {
      for (const child of children) end(child)
      process.exit(statusOf(null, signal))
    })
}

/** @param {import('node:child_process').ChildProcess} child */
function end(child) {
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), 5000).unref()
}

/**
 * The exit status a shell would report.
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
function statusOf(code, signal) {
  if (code !== null) return code
  return signal ? 128 + constants.signals[signal] : 1
}
