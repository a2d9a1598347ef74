/** Sessions as files: saved, opened, undone, damaged, vanished, and recovered after a crash. */
import type { Page } from '@playwright/test'
import { strFromU8, strToU8, unzipSync, zipSync, type Unzipped } from 'fflate'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './fixtures'
import {
  clock,
  consoleRows,
  expectCommand,
  expectPrompt,
  openFreeLab,
  openPanel,
  passes,
  pause,
  run,
  runLoaded,
  status,
  type,
} from './steps'

test.skip(({ shell }) => shell === 'electron', 'the path dialog is the browser shell’s; Electron has the system’s own')

const title = (page: Page) => page.getByRole('banner').getByRole('heading', { level: 1 })

async function goTo(page: Page, dialogName: string, path: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name: dialogName })
  await expect(dialog.getByRole('listbox')).toHaveAttribute('aria-label', /^Entries of \//)
  await dialog.getByRole('textbox', { name: 'Folder or file' }).fill(path)
  await dialog.getByRole('button', { name: 'Go', exact: true }).click()
}

async function saveAs(page: Page, folder: string, name: string): Promise<void> {
  await page.keyboard.press('Control+Shift+S')
  await goTo(page, 'Save the session as', folder)
  const dialog = page.getByRole('dialog', { name: 'Save the session as' })
  await expect(dialog.getByRole('listbox')).toHaveAttribute('aria-label', `Entries of ${folder}`)
  await dialog.getByRole('textbox', { name: 'Name' }).fill(name)
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(dialog).toHaveCount(0)
  await expect(title(page)).not.toContainText('Unsaved')
}

async function open(page: Page, path: string): Promise<void> {
  await page.keyboard.press('Control+O')
  await goTo(page, 'Open a session', path)
  await expect(page.getByRole('dialog', { name: 'Open a session' })).toHaveCount(0)
}

/** What the console printed after the last such command. */
async function output(page: Page, command: string): Promise<string[]> {
  const rows = await consoleRows(page)
  const from = rows.findLastIndex((row) => row.endsWith(` # ${command}`))
  return rows.slice(from + 1, -1)
}

/** Commands that the console shows. */
async function commandsShown(page: Page): Promise<string[]> {
  const rows = await consoleRows(page)
  return rows.flatMap((row) => / # (.+)$/.exec(row)?.[1] ?? [])
}

/** The machines have executed the commands of the document again. */
async function caughtUp(page: Page): Promise<void> {
  await expect(status(page)).toContainText(/nomap (on|off)/)
  await expect(status(page)).not.toContainText('executing the commands again', { timeout: 30_000 })
}

const numbers = 'netstat -m | head -2'

/** A session with a load, some knobs changed, paused; its numbers stand in the console. */
async function work(page: Page): Promise<void> {
  await openFreeLab(page)
  await type(page, 'sysctl kern.ipc.mb_use_ext_pgs=1')
  await runLoaded(page, '0.01')
  await passes(page, 3)
  await type(page, 'ifconfig cc0 -nomap')
  await passes(page, 3)
  await pause(page)
  await type(page, numbers)
}

test('a session – saved, left and opened again – has the same commands, the same time and the same numbers', async ({
  page,
  userData,
}) => {
  const path = join(userData, 'two runs.nomaplab')
  await work(page)
  const before = { t: await clock(page), commands: await commandsShown(page), numbers: await output(page, numbers) }
  expect(before.numbers).toHaveLength(2)
  await expect(title(page)).toContainText('Unsaved changes in')
  await saveAs(page, userData, 'two runs')
  await expect(page.getByText('Saved as two runs.nomaplab.').first()).toBeVisible()
  expect(strFromU8(parts(path)['commands.jsonl'])).toContain('ifconfig cc0 -nomap')

  await type(page, 'uname')
  await expect(title(page)).toContainText('Unsaved changes in')
  await page.keyboard.press('Control+S')
  await expect(title(page)).not.toContainText('Unsaved')

  await page.keyboard.press('Control+N')
  await page.getByRole('dialog', { name: 'New lab' }).getByRole('button', { name: 'Start', exact: true }).click()
  await expect.poll(() => commandsShown(page)).toEqual([])
  await expect.poll(() => clock(page)).toBe(0)
  await expect(status(page)).toContainText('nomap on')

  await open(page, path)
  await expect(title(page)).toContainText('two runs')
  await expectCommand(page, 'uname')
  await expectPrompt(page)
  await caughtUp(page)
  await expect.poll(() => clock(page)).toBe(before.t)
  // The console shows the end of it; how many fit depends on what they printed.
  const shown = await commandsShown(page)
  expect(shown.length).toBeGreaterThanOrEqual(3)
  expect(shown).toEqual([...before.commands, 'uname'].slice(-shown.length))
  await expect(status(page)).toContainText('nomap off')
  await expect(status(page)).toContainText('ext_pgs 1')
  await type(page, 'uname -r', numbers)
  expect(await output(page, numbers)).toEqual(before.numbers)

  await test.step('it stands among the recent ones; once its file has vanished it says so', async () => {
    const files = await openPanel(page, 'Files')
    const recent = files.getByRole('button', { name: /^two runs/ })
    await expect(recent).toBeVisible()
    rmSync(path)
    await recent.click()
    await expect(page.getByText(`There is no file or folder ${path}.`).first()).toBeVisible()
    // What was open stays open.
    await expectCommand(page, numbers)
    await page.reload()
    await expect(files.getByRole('button', { name: /^two runs\s*missing/ })).toBeDisabled()
    await files.getByRole('button', { name: 'Remove two runs', exact: false }).click()
    await expect(files.getByText('No sessions yet.')).toBeVisible()
  })
})

test('a switch – undone and redone – goes back and forth on the host', async ({ page }) => {
  await openFreeLab(page)
  await type(page, 'ifconfig cc0 -nomap')
  await expect(status(page)).toContainText('nomap off')
  await page.getByRole('banner').getByRole('button', { name: /^Undo/ }).click()
  await expect(status(page)).toContainText('nomap on')
  await page.getByRole('banner').getByRole('button', { name: /^Redo/ }).click()
  await expect(status(page)).toContainText('nomap off')
  await page.keyboard.press('Control+M')
  await page.keyboard.press('Control+Z')
  await expect(status(page)).toContainText('nomap on')
})

test.describe('after a crash', () => {
  test.use({ allowPageErrors: true })

  test('the shell – killed while the load runs – offers the session, and it is as it was', async ({ page, lab }) => {
    await work(page)
    const at = await clock(page)
    const before = await output(page, numbers)
    await run(page)
    await type(page, 'sysctl net.inet.tcp.tso=0')
    await lab.crash()
    await expect(page.getByRole('alert').filter({ hasText: 'The connection to the lab was lost.' })).toBeVisible()

    await lab.restart()
    const dialog = page.getByRole('dialog', { name: /Nothing that was done is lost/ })
    await expect(dialog).toContainText('first-lab')
    await dialog.getByRole('button', { name: 'Open', exact: true }).click()
    // Everything up to the crash is computed again before it closes.
    await expect(dialog).toHaveCount(0, { timeout: 60_000 })
    await expectCommand(page, 'sysctl net.inet.tcp.tso=0')
    await expectPrompt(page)
    await caughtUp(page)
    for (const command of ['ifconfig cc0 -nomap', numbers]) await expectCommand(page, command)
    await expect.poll(() => clock(page)).toBeGreaterThanOrEqual(at)
    await expect(status(page)).toContainText('nomap off')
    await expect(status(page)).toContainText('ext_pgs 1')
    await expect(title(page)).toContainText('Unsaved changes in')
    // The numbers of then were computed again, not read back: the same to the last digit.
    expect(await output(page, numbers).then((rows) => rows.slice(0, 2))).toEqual(before)
  })
})

function parts(path: string): Unzipped {
  return unzipSync(readFileSync(path))
}

/** A saved session of three commands, and the file with one part changed. */
async function spoiled(page: Page, userData: string, part: string, change: (text: string) => string): Promise<string> {
  await openFreeLab(page)
  await type(page, 'ifconfig cc0 -nomap', 'ifconfig cc0 mtu 9000', 'uname')
  await saveAs(page, userData, 'spoiled')
  const path = join(userData, 'spoiled.nomaplab')
  const all = parts(path)
  all[part] = strToU8(change(strFromU8(all[part])))
  writeFileSync(path, zipSync(all))
  return path
}

test('a document – with a broken line in its log – is named, left alone, and its good part opens', async ({
  page,
  userData,
}) => {
  const path = await spoiled(page, userData, 'commands.jsonl', (text) => text.replace('mtu 9000', 'mtu\u0000 90'))
  const bytes = readFileSync(path)
  await open(page, path)
  const damaged = page.getByRole('main').filter({ hasText: 'spoiled.nomaplab is damaged' })
  await expect(damaged).toContainText('1 command before it is good')
  await expect(damaged).toContainText('The file was not changed.')
  await damaged.getByRole('button', { name: 'Open the good part' }).click()
  await expect(damaged).toHaveCount(0)
  await expectCommand(page, 'ifconfig cc0 -nomap')
  expect(await commandsShown(page)).toEqual(['ifconfig cc0 -nomap'])
  await expect(status(page)).toContainText('nomap off')
  await expect(title(page)).toContainText('Unsaved changes in')
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

test('a document – of a newer version – is refused with the version it needs; what is open stays', async ({
  page,
  userData,
}) => {
  const path = await spoiled(page, userData, 'manifest.json', (text) =>
    JSON.stringify({ ...(JSON.parse(text) as object), version: 99, needs: '9.1.0' }),
  )
  await open(page, path)
  await expect(page.getByText(/spoiled\.nomaplab.*newer/).first()).toBeVisible()
  await page.getByRole('tab', { name: /^Problems/ }).click()
  await expect(page.getByText('Open it with nomap lab 9.1.0 or newer. The file was not changed.').first()).toBeVisible()
  await page.getByRole('tab', { name: 'Host A' }).click()
  await expectCommand(page, 'uname')
})
