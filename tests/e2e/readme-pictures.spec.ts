/**
 * Makes the two pictures of the README, only when asked:
 * `README_PICTURES=1 npm run test:e2e -- readme-pictures`
 */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './fixtures'
import { openFreeLab, passes, pause, runLoaded, status, type } from './steps'

test.skip(process.env['README_PICTURES'] !== '1', 'README_PICTURES=1 makes the pictures of the README')
const folder = join(import.meta.dirname, '../../docs/images')

for (const theme of ['light', 'dark'] as const) {
  test.describe(theme, () => {
    test.use({ colorScheme: theme })

    test(`the README's picture – ${theme} – shows a run that passes unmapped beside one that converts`, async ({
      page,
    }) => {
      await openFreeLab(page)
      await type(page, 'sysctl kern.ipc.mb_use_ext_pgs=1')
      await runLoaded(page, '0.01')
      await passes(page, 12)
      await page.getByRole('button', { name: 'Try on B from here' }).click()
      await page.getByRole('tab', { name: 'Host B' }).click()
      await type(page, 'ifconfig cc0 -nomap')
      await expect(status(page)).toContainText('nomap off')
      await passes(page, 20)
      await page.getByRole('radiogroup', { name: 'Run shown' }).getByRole('radio', { name: 'A and B' }).click()
      const table = page.getByRole('table', { name: /Send path/ })
      await expect(table).toContainText('unmapped')
      await expect(table).toContainText('become')
      await pause(page)
      await page
        .getByRole('button', { name: 'Close the notice' })
        .click({ timeout: 2000 })
        .catch(() => undefined)
      await page.mouse.move(0, 0)
      mkdirSync(folder, { recursive: true })
      const path = join(folder, `lab-${theme}.png`)
      await page.screenshot({ path, animations: 'disabled' })
      expect(statSync(path).size).toBeLessThan(250_000)
    })
  })
}
