/** What every view must hold to, whatever it shows: nothing cut off without a way to read it, no sideways scrolling, no serious barrier. */
import { expect, type Page } from '@playwright/test'
import axe, { type RunOptions } from 'axe-core'
import { picture } from './fixtures'

/** Texts of the main regions that are cut off by what frames them, without an ellipsis that has a tooltip. */
export function clippedTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = []
    const open = [...document.querySelectorAll('dialog[open]')].at(-1)
    const regions = open === undefined ? [...document.querySelectorAll('.app')] : [open]
    const hasTip = (e: Element): boolean =>
      e.closest('[title], [data-tip]') !== null || e.querySelector('[title], [data-tip]') !== null
    for (const region of regions) {
      const walker = document.createTreeWalker(region, NodeFilter.SHOW_TEXT)
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        const text = node.textContent?.trim() ?? ''
        const parent = node.parentElement
        if (text === '' || parent === null) continue
        // xterm cuts and scrolls by itself; words for screen readers are cut on purpose; the skip link waits above the window.
        if (parent.closest('.xterm, .unseen, .skip, option, title, desc, [hidden]') !== null) continue
        const style = getComputedStyle(parent)
        if (style.visibility === 'hidden' || Number(style.opacity) === 0) continue
        const range = document.createRange()
        range.selectNodeContents(node)
        const box = range.getBoundingClientRect()
        if (box.width === 0 || box.height === 0) continue
        for (let e: Element | null = parent; e !== null; e = e.parentElement) {
          const s = getComputedStyle(e)
          if (s.overflowX === 'visible' && s.overflowY === 'visible') continue
          const frame = e.getBoundingClientRect()
          const sideways = box.right > frame.right + 1.5 || box.left < frame.left - 1.5
          const cut = s.overflowX !== 'visible' && sideways
          const low = (s.overflowY === 'hidden' || s.overflowY === 'clip') && box.bottom > frame.bottom + 3
          const ways = s.textOverflow === 'ellipsis' && hasTip(e)
          if ((cut || low) && !ways) {
            found.push(
              `“${text.slice(0, 60)}” is cut ${cut ? 'sideways' : 'below'} by ${e.tagName.toLowerCase()}.${e.className}`,
            )
            break
          }
          // What is scrolled away is not cut.
          if (s.overflowY === 'auto' || s.overflowY === 'scroll' || ways) break
        }
      }
    }
    return [...new Set(found)]
  })
}

type Theme = 'light' | 'dark'

/** Serious barriers that axe finds in a part of the page. Names, roles and order are the same in both themes; only colours differ. */
async function barriers(page: Page, part: string, theme: Theme): Promise<string[]> {
  // Once a page: reading half a megabyte of script takes longer than most of its runs.
  if (await page.evaluate(() => !('axe' in window))) await page.evaluate(axe.source)
  const options: RunOptions = {
    resultTypes: ['violations'],
    ...(theme === 'dark' && { runOnly: ['color-contrast'] }),
  }
  const { violations } = await page.evaluate(
    ([include, run]) =>
      (window as unknown as { axe: typeof axe }).axe.run({ include: [include], exclude: ['.xterm'] }, run),
    [part, options] as const,
  )
  return violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map(
      (v) =>
        `${v.id}: ${v.help}: ${v.nodes
          .slice(0, 4)
          .map((n) => n.target.join(' '))
          .join(' | ')}`,
    )
}

/**
 * Leaves pictures of the view in both themes and holds it to the rules; the problems of all views are collected, so that one run shows them all.
 * The system's theme changes while the lab is open, as it does in the evening: everything drawn must follow.
 * @param part what is new in this view, for the search for barriers; a dialog is by itself what is new, as all else is inert behind it.
 */
export async function look(page: Page, view: string, part = 'html'): Promise<void> {
  await page.mouse.move(0, 0)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect.soft(wide, `${view}: px that the page is wider than the window`).toBeLessThanOrEqual(0)
  expect.soft(await clippedTexts(page), `${view}: texts cut off`).toEqual([])
  const searched = (await page.locator('dialog[open]').count()) > 0 ? 'dialog[open]' : part
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme })
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme)
    // Charts are drawn in one of the next frames.
    await page.evaluate(() => new Promise((done) => setTimeout(done, 250)))
    await picture(page, `${view}-${theme}`)
    expect.soft(await barriers(page, searched, theme), `${view}-${theme}: accessibility`).toEqual([])
  }
}
