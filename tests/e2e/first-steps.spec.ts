/** The main job: a load that runs, one capability switched off by typing, and what changes then. */
import { expect, test } from './fixtures'
import { expectCommand, layer, openFreeLab, openPanel, passes, runLoaded, status, type } from './steps'

test('ifconfig cc0 -nomap – typed while the load runs – converts what is sent, and every view says so', async ({
  page,
}) => {
  await openFreeLab(page)
  await page.getByRole('switch', { name: 'mb_use_ext_pgs, run A' }).click()
  await expectCommand(page, 'sysctl kern.ipc.mb_use_ext_pgs=1')
  await expect(status(page)).toContainText('ext_pgs 1')
  await runLoaded(page)
  await passes(page, 4)

  const ip = layer(page, 'IP')
  const conversions = page.getByRole('region', { name: 'Conversions' })
  await expect(layer(page, 'Socket buffer')).toContainText('EXT_PGS')
  await expect(ip).not.toContainText('becomes')
  await expect(conversions.locator('header')).toContainText(/A 0\b/)
  await expect(status(page)).toContainText('nomap on')

  await type(page, 'ifconfig cc0 -nomap')
  await expect(status(page)).toContainText('nomap off')
  await expect(ip).toContainText(/converted, 1 mbuf becomes \d+/)
  await expect(page.getByRole('switch', { name: 'nomap, run A' })).toHaveAttribute('aria-checked', 'false')
  await expect(conversions.locator('header')).toContainText(/A [1-9]/)
  // The buffer keeps its unmapped mbufs: the conversion is ip_output's.
  await expect(layer(page, 'Socket buffer')).toContainText('EXT_PGS')

  const host = await openPanel(page, 'Host')
  const nomap = host.getByRole('switch', { name: /^nomap on cc0/ })
  await expect(nomap).toHaveAttribute('aria-checked', 'false')
  await nomap.click()
  await expectCommand(page, 'ifconfig cc0 nomap')
  await expect(nomap).toHaveAttribute('aria-checked', 'true')
  await expect(status(page)).toContainText('nomap on')
  await expect(ip).not.toContainText('becomes')
})
