/**
 * Makes the two pictures of the README, only when asked:
 * `README_PICTURES=1 npm run test:e2e -- readme-pictures`
 */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './fixtures'
import { openFreeLab, passes, pause, run, runLoaded, status, type } from './steps'

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
      // Both runs in the middle of a burst, so that the picture has something to tell: slow enough to stop there.
      await type(page, 'lab speed 0.0002')
      const table = page.getByRole('table', { name: /Send path/ })
      const telling = async (): Promise<boolean> => {
        const text = await table.innerText()
        return text.includes('unmapped') && text.includes('becomes') && !text.includes('last burst')
      }
      await expect(async () => {
        await expect.poll(telling, { intervals: [30], timeout: 10_000 }).toBe(true)
        await pause(page)
        if (await telling()) return
        await run(page)
        throw new Error('the burst was over before the pause')
      }).toPass({ timeout: 90_000 })
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
