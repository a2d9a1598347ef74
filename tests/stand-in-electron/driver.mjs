/**
 * Loads a built main program against the stand-in and lets a test reach in: each message holds the source of a function, which is
 * called with the stand-in and an argument in this process; its value goes back.
 *
 *     node --import register.mjs driver.mjs PROGRAM [ARGUMENT …]
 */
import { pathToFileURL } from 'node:url'
import vm from 'node:vm'
import * as standIn from './electron.mjs'

const program = process.argv[2] ?? ''
// As Electron has it: its own binary, the app, the arguments.
process.argv.splice(1, 1)

/** @param {{ id: number, source: string, argument: unknown }} message */
async function perform({ id, source, argument }) {
  try {
    const run = vm.runInThisContext(`(${source})`)
    process.send?.({ id, value: await run(standIn, argument) })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

process.on('message', (/** @type {Parameters<typeof perform>[0]} */ message) => void perform(message))
// The test's process is gone: nobody will end this one.
process.on('disconnect', () => process.exit(1))

await import(pathToFileURL(program).href)
standIn.becomeReady()
process.send?.({ ready: true })
