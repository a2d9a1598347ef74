/** Everything by keyboard: not one step here uses the mouse. */
import type { Page } from '@playwright/test'
import { expect, test } from './fixtures'
import { clock, consoleRows, expectCommand, expectPrompt, passes, started, status } from './steps'

const focused = (page: Page) => page.locator('*:focus')
const pane = (page: Page) =>
  page.evaluate(() => document.activeElement?.closest<HTMLElement>('[data-pane]')?.dataset['pane'] ?? 'none')

/** The focus shows: something of the focused element, of what frames it or of what it holds looks otherwise than without it. */
const ringed = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement
    const looks = (): string =>
      [element.parentElement, element, ...element.children]
        .flatMap((e) => [getComputedStyle(e!), getComputedStyle(e!, '::before'), getComputedStyle(e!, '::after')])
        .map((s) =>
          [s.outlineStyle, s.outlineWidth, s.boxShadow, s.backgroundColor, s.opacity, s.height, s.width].join(),
        )
        .join('|')
    const withFocus = looks()
    element.blur()
    const without = looks()
    element.focus()
    return {
      // xterm's field is invisible; its cursor shows the focus.
      ok: element.matches('.xterm-helper-textarea') || withFocus !== without,
      what: `${element.tagName} ${element.className} ${element.getAttribute('aria-label') ?? ''} ${element.textContent.trim().slice(0, 40)}`,
    }
  })

async function openByKeys(page: Page): Promise<void> {
  await started(page)
  await page.keyboard.press('Control+N')
  await expect(page.getByRole('dialog', { name: 'New lab' })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expectPrompt(page)
}

/** Into the console, from wherever the focus is. */
async function intoConsole(page: Page): Promise<void> {
  await page.keyboard.press('Control+`')
  await expect.poll(() => pane(page)).toBe('console')
}

async function enter(page: Page, command: string): Promise<void> {
  await page.keyboard.type(command)
  await page.keyboard.press('Enter')
  await expectCommand(page, command)
  await expectPrompt(page)
}

test('the first lab – by keys alone – is started, run, switched, forked and compared', async ({ page }) => {
  await openByKeys(page)
  await intoConsole(page)
  await enter(page, 'sysctl kern.ipc.mb_use_ext_pgs=1')
  await enter(page, 'lab speed 0.01')
  await enter(page, 'lab load start')
  await enter(page, 'lab run')
  await expect.poll(() => clock(page)).toBeGreaterThan(2e6)
  await enter(page, 'ifconfig cc0 -nomap')
  await expect(status(page)).toContainText('nomap off')

  await page.keyboard.press('F1')
  await expect(page.getByRole('dialog', { name: 'Command palette' })).toBeVisible()
  await page.keyboard.type('try on')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('tab', { name: 'Host B' })).toBeVisible()
  // Both need some time in common to be compared.
  await passes(page, 2)

  await page.keyboard.press('F5')
  await expect(status(page)).toContainText('paused')
  const paused = await clock(page)
  await page.keyboard.press('F10')
  await expect.poll(() => clock(page)).toBeGreaterThanOrEqual(paused)

  await page.keyboard.press('Control+3')
  await expect(page.getByRole('status', { name: 'Comparability' })).toBeVisible()
  await page.keyboard.press('Control+1')
  await expect(page.getByRole('tab', { name: 'Overview' })).toHaveAttribute('aria-selected', 'true')
})

test('the console – holding the focus – is no trap: Tab completes, Ctrl+M and F6 lead out', async ({ page }) => {
  await openByKeys(page)
  await intoConsole(page)
  await page.keyboard.type('ifcon')
  await page.keyboard.press('Tab')
  await expect.poll(async () => (await consoleRows(page)).at(-1)).toMatch(/# ifconfig$/)
  expect(await pane(page)).toBe('console')
  await page.keyboard.press('Control+M')
  await expect(page.getByText('Tab leaves, Ctrl+M to complete')).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(focused(page)).not.toHaveClass(/xterm-helper-textarea/)
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Control+M')

  await intoConsole(page).catch(() => undefined)
  const seen = new Set<string>()
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('F6')
    seen.add(await pane(page))
  }
  for (const name of ['title', 'rail', 'tabs', 'picture', 'charts', 'timeline', 'console', 'status'])
    expect([...seen]).toContain(name)
})

test('the focus – moved through the window by Tab – is always seen', async ({ page }) => {
  await openByKeys(page)
  const unseen: string[] = []
  for (let i = 0; i < 45; i++) {
    await page.keyboard.press('Tab')
    if (await page.evaluate(() => document.activeElement === document.body)) continue
    // In the console Tab completes until it is told to leave.
    if ((await pane(page)) === 'console') await page.keyboard.press('F6')
    const { ok, what } = await ringed(page)
    if (!ok) unseen.push(what)
  }
  expect(unseen).toEqual([])
})

test('palette and shortcuts – opened by key – are left by Escape, and the focus returns', async ({ page }) => {
  await openByKeys(page)
  await page.keyboard.press('F6')
  const before = await pane(page)

  await page.keyboard.press('Control+P')
  const palette = page.getByRole('dialog', { name: 'Go to' })
  await page.keyboard.type('mb_use_ext')
  await expect(palette.getByRole('option').first()).toContainText('kern.ipc.mb_use_ext_pgs')
  await expect(palette.getByRole('option', { selected: true })).toHaveCount(1)
  await page.keyboard.press('Escape')
  await expect(palette).toHaveCount(0)
  expect(await pane(page)).toBe(before)

  await page.keyboard.press('?')
  const shortcuts = page.getByRole('dialog', { name: 'Keyboard' })
  for (const key of ['F5', 'F6', 'F10', 'Ctrl'])
    await expect(shortcuts.getByText(key, { exact: true }).first()).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(shortcuts).toHaveCount(0)
  expect(await pane(page)).toBe(before)
})
