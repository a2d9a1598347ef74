/** What a user does, in the words of the window; each step ends when the window shows that it happened. */
import { expect, type Locator, type Page } from '@playwright/test'

/** The text of a terminal row; xterm pads with no-break spaces. */
const plain = (row: string): string => row.replaceAll('\u00a0', ' ').trimEnd()
/** Ms between looks at something that comes soon; Playwright's own steps soon reach a second. */
const intervals = [50, 100, 150, 200]
const prompt = /^root@\S+:~ #$/

/** Waits until the Start screen has its idle host. */
export async function started(page: Page): Promise<void> {
  await expect(page.getByRole('contentinfo', { name: 'Status' })).toContainText('seed')
}

/** Start screen → Free lab, with the scenario that is chosen there already. */
export async function openFreeLab(page: Page): Promise<void> {
  await started(page)
  await page.getByRole('button', { name: /^Free lab/ }).click()
  const dialog = page.getByRole('dialog', { name: 'New lab' })
  await dialog.getByRole('button', { name: 'Start', exact: true }).click()
  await expect(dialog).toHaveCount(0)
  await expect(page.getByRole('tab', { name: 'Overview' })).toBeVisible()
  await expectPrompt(page)
}

/** Rows of the console shown, without the empty ones. */
export async function consoleRows(page: Page): Promise<string[]> {
  const rows = await page.locator('.con:visible .xterm-rows > div').allTextContents()
  return rows.map(plain).filter((row) => row !== '')
}

/** Waits until the console shown takes a command. */
export async function expectPrompt(page: Page): Promise<void> {
  await expect
    .poll(async () => prompt.test((await consoleRows(page)).at(-1) ?? ''), {
      message: 'the console has a prompt',
      intervals,
    })
    .toBe(true)
}

/** Types commands into the console shown, one after the other, and waits for the end of each. */
export async function type(page: Page, ...commands: string[]): Promise<void> {
  await expectPrompt(page)
  await page.locator('.con:visible .xterm-helper-textarea').focus()
  for (const command of commands) {
    await page.keyboard.type(command)
    await page.keyboard.press('Enter')
    await expectCommand(page, command)
    await expectPrompt(page)
  }
}

/** The console shown has run this command, whoever gave it: its block stands there, the first row of a long one perhaps above what is seen. */
export async function expectCommand(page: Page, command: string): Promise<void> {
  const again = page
    .locator('.con:visible')
    .getByRole('button', { name: `Run ${command} again`, exact: true, includeHidden: true })
  await expect.poll(() => again.count(), { message: command, intervals }).toBeGreaterThan(0)
}

export const status = (page: Page): Locator => page.getByRole('contentinfo', { name: 'Status' })

/** Virtual nanoseconds of the run shown, from the clock of the transport. */
export async function clock(page: Page): Promise<number> {
  const text = await page.locator('.clock').innerText()
  return Math.round(Number(text.replaceAll(/[^\d.]/g, '')) * 1e6)
}

/** Waits until virtual time moved on by so many milliseconds. */
export async function passes(page: Page, ms: number): Promise<void> {
  const from = await clock(page)
  await expect
    .poll(() => clock(page), { message: `${ms} ms of virtual time`, timeout: 30_000, intervals })
    .toBeGreaterThan(from + ms * 1e6)
}

const transport = (page: Page): Locator => page.getByRole('group', { name: 'Virtual time' })

/** From a pause; where time may run already, type `lab run`. */
export async function run(page: Page): Promise<void> {
  await transport(page).getByRole('button', { name: 'Run', exact: true }).click()
  await expect(transport(page).getByRole('button', { name: 'Pause', exact: true })).toBeVisible()
}

/** Pauses and waits until the clock stands. */
export async function pause(page: Page): Promise<void> {
  await transport(page).getByRole('button', { name: 'Pause', exact: true }).click()
  await expect(transport(page).getByRole('button', { name: 'Run', exact: true })).toBeVisible()
  await expect(status(page)).toContainText('paused')
}

/** Starts the load and with it virtual time, slowly enough that there is something to see. */
export async function runLoaded(page: Page, speed = '0.002'): Promise<void> {
  await type(page, `lab speed ${speed}`)
  await page.getByRole('button', { name: 'Start the load', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Stop the load', exact: true })).toBeVisible()
  await type(page, 'lab run')
}

/** A row of the picture; its text says what is drawn. */
export function layer(page: Page, name: string): Locator {
  return page
    .getByRole('table', { name: /^Send path of/ })
    .getByRole('row')
    .filter({
      has: page.getByRole('rowheader', { name: new RegExp(`^${name}\\b`) }),
    })
}

export async function openTab(
  page: Page,
  name: 'Overview' | 'Charts' | 'Chains' | 'Compare' | 'Report',
): Promise<void> {
  await page.getByRole('tab', { name, exact: true }).click()
  await expect(page.getByRole('tab', { name, exact: true })).toHaveAttribute('aria-selected', 'true')
}

/** Opens a panel of the rail, or leaves it open. */
export async function openPanel(page: Page, name: 'Lab' | 'Host' | 'Runs' | 'Files' | 'Settings'): Promise<Locator> {
  const button = page.getByRole('navigation', { name: 'Panels' }).getByRole('button', { name, exact: true })
  if ((await button.getAttribute('aria-pressed')) !== 'true') await button.click()
  await expect(button).toHaveAttribute('aria-pressed', 'true')
  return page.locator('[data-pane="side"]')
}
