/** The chains of a loaded host, in the window and on the console: the same mbufs. */
import { expect, test } from './fixtures'
import { consoleRows, openFreeLab, openTab, passes, pause, runLoaded, type } from './steps'

test('chains of a loaded host – looked at by keys, beside a fork, and copied as text – are those of lab chain', async ({
  page,
}) => {
  await openFreeLab(page)
  await type(page, 'sysctl kern.ipc.mb_use_ext_pgs=1')
  await runLoaded(page, '0.01')
  await passes(page, 2)
  await pause(page)
  await openTab(page, 'Chains')

  const chains = page.getByRole('tree', { name: 'Chains' })
  const chosen = chains.getByRole('treeitem', { selected: true })
  await expect(chosen).toHaveAccessibleName(/ A: \d+ mbufs, [1-9]\d* unmapped/)
  const name = (await chosen.getAttribute('data-key'))!
  const rows = page.getByRole('treegrid', { name: `Mbufs of ${name}, run A` })
  const row = rows.locator('tbody tr', { hasText: 'EXT_PGS' }).first()
  const mbuf = (await row.getAttribute('data-row'))!

  // By keys: to the unmapped mbuf, and into its pages.
  await rows.locator('tbody tr[tabindex="0"]').focus()
  await page.keyboard.press('Home')
  while ((await page.locator(':focus').getAttribute('data-row')) !== mbuf) await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  await expect(row).toHaveAttribute('aria-expanded', 'true')
  await page.keyboard.press('ArrowRight')
  await expect(page.locator(':focus')).toHaveAttribute('aria-level', '2')
  const place = await page.locator(':focus').getAttribute('data-row')
  expect(place).toMatch(new RegExp(`^${mbuf} \\d+$`))
  const fields = page.getByRole('region', { name: `Fields of ${mbuf}` })
  await expect(fields).toContainText('an offset, not an address')
  await expect(fields.getByRole('listitem').nth(Number(place!.split(' ')[1]))).toHaveAttribute('aria-current', 'true')
  await expect(page.getByRole('region', { name: 'Page', exact: true })).toContainText(/wired\s*[1-9]\d* times/)

  // The console draws the same line.
  await type(page, `lab chain ${name}`)
  await expect
    .poll(async () => (await consoleRows(page)).join('').replaceAll(/\s+/g, ' '))
    .toMatch(new RegExp(`${mbuf} MT_DATA len \\d+ data \\d+ M_EXT\\|M_RDONLY\\|M_NOMAP EXT_PGS`))

  await page
    .context()
    .grantPermissions(['clipboard-read', 'clipboard-write'])
    .catch(() => undefined)
  await page.getByRole('button', { name: 'Copy as text' }).click()
  await expect(page.getByText(`The chain ${name} is in the clipboard as text`).first()).toBeVisible()

  await page.getByRole('button', { name: 'Try on B from here' }).click()
  await expect(
    page
      .getByRole('treegrid', { name: `Mbufs of ${name}, run B` })
      .locator('tbody tr')
      .first(),
  ).toBeVisible()
  await expect(rows.locator('tbody tr').first()).toBeVisible()
})
