/** A copy of the running host, one knob changed on it, and the two compared. */
import { expect, test } from './fixtures'
import { openFreeLab, openTab, passes, pause, runLoaded, status, type } from './steps'

test('a fork – one knob changed on it and both run on – is compared: that knob differs, and what it changed has a sign', async ({
  page,
}) => {
  await openFreeLab(page)
  await runLoaded(page, '0.01')
  await passes(page, 3)

  await page.getByRole('button', { name: 'Try on B from here' }).click()
  const consoleB = page.getByRole('tab', { name: 'Host B' })
  await expect(consoleB).toBeVisible()
  await consoleB.click()
  await expect(status(page)).toContainText('B')
  await type(page, 'sysctl kern.ipc.mb_use_ext_pgs=1')
  await expect(status(page)).toContainText('ext_pgs 1')
  await passes(page, 15)
  await pause(page)

  await openTab(page, 'Compare')
  const facts = page.getByRole('status', { name: 'Comparability' })
  await expect(facts).toContainText('Comparable')
  for (const fact of ['revision', 'scenario', 'seed 7', 'load']) await expect(facts).toContainText(fact)
  await expect(facts).toContainText('1 knob differs')

  const knobs = page.getByRole('region', { name: 'Knobs that differ' })
  await expect(knobs.locator('.knob')).toHaveCount(1)
  await expect(knobs.locator('.knob')).toContainText('kern.ipc.mb_use_ext_pgs')
  await expect(knobs.locator('.knob')).toContainText(/A\s*0\s*B\s*1\s*tested in/)

  // Fewer mbufs for the same bytes: a true minus, and the word for it.
  const row = page.getByRole('region', { name: 'Metrics' }).getByRole('row', { name: /mbufs per MiB queued/i })
  await expect(row).toContainText(/\u2212\d/)
  await expect(row).toContainText('fewer')

  await test.step('the charts of both runs have a table twin', async () => {
    const chart = page.getByRole('region', { name: 'Charts of the compared runs' }).locator('section').first()
    await expect(chart).toContainText(/B \u2212 A/)
    await chart.getByRole('button', { name: /as table/ }).focus()
    await page.keyboard.press('t')
    const table = chart.getByRole('table')
    await expect(table).toBeVisible()
    await expect(table.getByRole('columnheader', { name: 'B', exact: true })).toBeVisible()
    expect(await table.getByRole('row').count()).toBeGreaterThan(5)
    await page.keyboard.press('t')
    await expect(table).toHaveCount(0)
  })

  await test.step('the Charts tab too', async () => {
    await openTab(page, 'Charts')
    const chart = page.getByRole('region', { name: 'Goodput', exact: true })
    await chart.getByRole('button', { name: 'Goodput as table' }).focus()
    await page.keyboard.press('t')
    await expect(chart.getByRole('region', { name: 'Goodput, table' }).getByRole('row').nth(5)).toBeVisible()
  })
})
