/** Every view, in both themes: a picture for people in screenshots/, and rules that hold everywhere (look.ts). */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate'
import { expect, test } from './fixtures'
import { look } from './look'
import { expectPrompt, openFreeLab, openPanel, openTab, passes, pause, runLoaded, started, status, type } from './steps'

// Shared between the workers.
test.describe.configure({ mode: 'parallel' })
test.slow()

test('the views of the lab, 1440 × 900 – cut nothing off and have no serious barrier', async ({ page }) => {
  await started(page)
  await expect(page.locator('[data-start]')).toBeEnabled()
  await look(page, 'start')

  await openFreeLab(page)
  await look(page, 'overview-idle')
  await type(page, 'sysctl kern.ipc.mb_use_ext_pgs=1')
  await runLoaded(page, '0.01')
  await passes(page, 6)
  await page.getByRole('button', { name: 'Try on B from here' }).click()
  await expect(page.getByRole('tab', { name: 'Host B' })).toBeVisible()
  await page.getByRole('tab', { name: 'Host B' }).click()
  await type(page, 'ifconfig cc0 -nomap')
  await expect(status(page)).toContainText('nomap off')
  await passes(page, 6)
  await pause(page)
  await look(page, 'overview-converting', '[data-pane="view"]')
  const shown = page.getByRole('radiogroup', { name: 'Run shown' })
  await shown.getByRole('radio', { name: 'A and B' }).click()
  await expect(page.getByRole('table', { name: /Send path/ })).toBeVisible()
  await look(page, 'overview-a-and-b', '[data-pane="view"]')
  await shown.getByRole('radio', { name: 'A', exact: true }).click()
  await expect(status(page)).toContainText('nomap on')
  await look(page, 'overview-unmapped', '[data-pane="view"]')

  await openTab(page, 'Charts')
  await expect(page.getByRole('region', { name: 'Goodput', exact: true }).locator('canvas, svg').first()).toBeVisible()
  await look(page, 'charts', '[data-pane="view"]')
  await openTab(page, 'Compare')
  await expect(page.getByRole('status', { name: 'Comparability' })).toBeVisible()
  await look(page, 'compare', '[data-pane="view"]')
  await openTab(page, 'Report')
  await look(page, 'report', '[data-pane="view"]')
  await openTab(page, 'Overview')

  await page.setViewportSize({ width: 1024, height: 640 })
  await look(page, 'overview-1024')
  await openTab(page, 'Compare')
  await expect(page.getByRole('status', { name: 'Comparability' })).toBeVisible()
  await look(page, 'compare-1024', '[data-pane="view"]')
  await openTab(page, 'Overview')
})

test('panels and dialogs – cut nothing off and have no serious barrier', async ({ page, userData, shell }) => {
  await openFreeLab(page)
  await type(page, 'ifconfig cc0 -nomap', 'uname -a')
  for (const name of ['Lab', 'Host', 'Runs', 'Files', 'Settings'] as const) {
    await openPanel(page, name)
    await look(page, `panel-${name.toLowerCase()}`, '[data-pane="side"]')
  }
  await page.keyboard.press('F1')
  await expect(page.getByRole('dialog', { name: 'Command palette' }).getByRole('option').first()).toBeVisible()
  await look(page, 'palette')
  await page.keyboard.press('Escape')
  for (const [title, view] of [
    ['Keyboard', 'shortcuts'],
    ['What is modelled and what is not', 'model'],
    ['New lab', 'new'],
  ]) {
    await page.keyboard.press('F1')
    await page.keyboard.type(title)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('dialog', { name: title })).toBeVisible()
    await look(page, view)
    await page.keyboard.press('Escape')
  }

  if (shell === 'electron') return
  const path = join(userData, 'spoiled.nomaplab')
  await page.keyboard.press('Control+S')
  const save = page.getByRole('dialog', { name: 'Save the session as' })
  await expect(save.getByRole('listbox')).toHaveAttribute('aria-label', /^Entries of \//)
  await save.getByRole('textbox', { name: 'Folder or file' }).fill(userData)
  await save.getByRole('button', { name: 'Go', exact: true }).click()
  await expect(save.getByRole('listbox')).toHaveAttribute('aria-label', `Entries of ${userData}`)
  await save.getByRole('textbox', { name: 'Name' }).fill('spoiled')
  await look(page, 'save')
  await save.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(save).toHaveCount(0)
  await expect(page.getByRole('heading', { level: 1 })).not.toContainText('Unsaved')
  const parts = unzipSync(readFileSync(path))
  parts['commands.jsonl'] = strToU8(`${strFromU8(parts['commands.jsonl'])}broken\n`)
  writeFileSync(path, zipSync(parts))
  await page.keyboard.press('Control+O')
  const open = page.getByRole('dialog', { name: 'Open a session' })
  await expect(open.getByRole('listbox')).toHaveAttribute('aria-label', /^Entries of \//)
  await open.getByRole('textbox', { name: 'Folder or file' }).fill(path)
  await open.getByRole('button', { name: 'Go', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Open the good part' })).toBeVisible()
  await look(page, 'damaged')
})

test('the exercise – cuts nothing off and has no serious barrier', async ({ page }) => {
  await started(page)
  await page.locator('[data-start]').click()
  await expect(page.getByRole('complementary', { name: 'Exercise' }).getByRole('heading', { level: 2 })).toBeVisible()
  await expectPrompt(page)
  await page.locator('.con:visible .xterm-helper-textarea').focus()
  await page.keyboard.type('ifconfig cc0')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('complementary', { name: 'Exercise' })).toContainText('passed')
  await look(page, 'exercise')
  await page.setViewportSize({ width: 1024, height: 640 })
  await page.getByRole('tab', { name: 'Exercise' }).click()
  await look(page, 'exercise-1024')
})
