// npm start: opens the lab in Electron where its binary is there or can be fetched, and in the browser shell elsewhere.
import { parseArgs } from 'node:util'
import { ALL_TARGETS, ensureBuilt } from './build.mjs'
import { fetchElectron, findElectron } from './electron.mjs'
import { ensureInstalled } from './install.mjs'
import { runBuilt } from './lab.mjs'
import { hand } from './processes.mjs'
import { Failure, ROOT, callerFolder } from './project.mjs'

const HELP = `npm start [-- OPTIONS] [FILE.nomaplab]

Installs what is missing, builds what is stale, and opens the lab.

  --shell electron|browser  force one; otherwise Electron if its binary is there or can be fetched
  --user-data DIR           keep preferences and the recovery journal there
  --port N                  browser shell: listen on this port of 127.0.0.1 (default: any free one)
  --no-open                 browser shell: print the address and open nothing
  --no-sandbox              Electron: run without its sandbox (as root on Linux there is no other way)
  --help                    this text`

/**
 * @typedef {object} StartOptions
 * @property {boolean} help
 * @property {'electron' | 'browser' | undefined} shell
 * @property {string | undefined} userData
 * @property {string | undefined} port
 * @property {boolean} open
 * @property {boolean} noSandbox
 * @property {string[]} files
 */

/**
 * Reads the options of `npm start --`; what is not known is refused by name.
 * @param {string[]} args
 * @returns {StartOptions}
 */
export function readStartOptions(args) {
  let parsed
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        shell: { type: 'string' },
        'user-data': { type: 'string' },
        port: { type: 'string' },
        'no-open': { type: 'boolean' },
        'no-sandbox': { type: 'boolean' },
      },
    })
  } catch (error) {
    const reason = /** @type {Error} */ (error).message.replace(/\. To specify a positional.*$/s, '')
    throw new Failure(`npm start: ${reason}. See npm start -- --help.`, 2)
  }
  const { values, positionals } = parsed
  const { shell, port } = values
  if (shell !== undefined && shell !== 'electron' && shell !== 'browser')
    throw new Failure(`npm start: --shell is electron or browser, not "${shell}".`, 2)
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) <= 65_535))
    throw new Failure(`npm start: --port is a number from 0 to 65535, not "${port}".`, 2)
  return {
    help: values.help ?? false,
    shell,
    userData: values['user-data'],
    port,
    open: !values['no-open'],
    noSandbox: values['no-sandbox'] ?? false,
    files: positionals,
  }
}

/**
 * Arguments for the browser shell. Without a display there is nothing to open: it prints the address.
 * @param {StartOptions} options
 * @param {boolean} display
 */
export function browserArguments(options, display) {
  return [
    options.open && display ? '--open' : '--no-open',
    ...(options.port === undefined ? [] : ['--port', options.port]),
    ...(options.userData === undefined ? [] : ['--user-data', options.userData]),
    ...options.files,
  ]
}

/**
 * Whether a window can be shown.
 * @param {NodeJS.Platform} platform
 * @param {NodeJS.ProcessEnv} env
 */
export function hasDisplay(platform, env) {
  if (platform === 'win32' || platform === 'darwin') return true
  return Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY'])
}

/**
 * @param {string[]} args
 * @returns {Promise<number | void>}
 */
export async function start(args) {
  const options = readStartOptions(args)
  if (options.help) {
    console.log(HELP)
    return 0
  }
  const display = hasDisplay(process.platform, process.env)
  if (options.shell === 'electron' && !display)
    throw new Failure(
      'There is no display here (DISPLAY and WAYLAND_DISPLAY are not set), and Electron needs one. ' +
        'Use npm start -- --shell browser and open the address that it prints.',
    )
  const say = (/** @type {string} */ line) => console.log(line)
  await ensureInstalled(say)
  await ensureBuilt(ALL_TARGETS, say)

  const electron = await chooseElectron(options, display, say)
  if (electron) return startElectron(electron, options)
  await runBuilt('browser', browserArguments(options, display))
}

/**
 * The Electron to run, or undefined for the browser shell; says in one line why where the user did not choose.
 * @param {StartOptions} options
 * @param {boolean} display
 * @param {(line: string) => void} say
 */
async function chooseElectron(options, display, say) {
  if (options.shell === 'browser') return undefined
  const forced = options.shell === 'electron'
  const fallback = 'opening the browser shell (same lab, in your browser).'
  if (!display) {
    say('No display here: starting the browser shell; open its address in a browser.')
    return undefined
  }
  const found = findElectron() ?? (await fetchElectron(say, { evenIfItFailed: forced }))
  if (!found) {
    if (forced)
      throw new Failure(
        'The Electron binary is not here and could not be fetched. Connect to the internet and run the command again, ' +
          'or set ELECTRON_OVERRIDE_DIST_PATH to an unpacked Electron, or use npm start -- --shell browser.',
      )
    say(`The Electron binary is not here and could not be fetched: ${fallback}`)
    return undefined
  }
  if (process.platform === 'linux' && process.getuid?.() === 0 && !options.noSandbox) {
    const reason = 'Electron does not run as root with its sandbox on'
    if (forced)
      throw new Failure(
        `${reason}. Start the lab as an ordinary user, or decide for yourself: npm start -- --shell electron --no-sandbox`,
      )
    say(`${reason}: ${fallback}`)
    return undefined
  }
  return found
}

/**
 * @param {string} electron
 * @param {StartOptions} options
 */
function startElectron(electron, options) {
  const args = [
    ...(options.noSandbox ? ['--no-sandbox'] : []),
    ROOT,
    ...(options.userData === undefined ? [] : ['--user-data', options.userData]),
    ...options.files,
  ]
  return hand(electron, args, { cwd: callerFolder(), env: { ELECTRON_RUN_AS_NODE: undefined } })
}
