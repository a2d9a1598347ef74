/** Ten minutes, as a reader begins it: its texts come from its files, so that this holds when they are reworded. */
import type { Locator, Page } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './fixtures'
import { expectCommand, expectPrompt, started, status } from './steps'

interface Step {
  id: string
  title: string
  commands?: { text: string; branch?: string }[]
  actions?: { id: string; label: string }[]
  questions?: { id: string; label: string; kind: 'choice' | 'number' | 'text'; choices?: string[] }[]
  predictions?: { id: string; label: string; kind: 'choice' | 'number'; choices?: string[] }[]
  checks: { id: string; title: string; kind: string; question?: string; correct?: string[]; level?: string }[]
}
const folder = join(import.meta.dirname, '../../exercises/ten-minutes')
const definition = JSON.parse(readFileSync(join(folder, 'exercise.json'), 'utf8')) as { title: string; steps: Step[] }
const { steps } = definition
const indexOf = (id: string): number => steps.findIndex((s) => s.id === id)

const panel = (page: Page): Locator => page.getByRole('complementary', { name: 'Exercise' })
const check = (page: Page, title: string): Locator =>
  panel(page).getByRole('region', { name: 'Checks' }).getByRole('listitem').filter({ hasText: title })

async function begin(page: Page): Promise<void> {
  await started(page)
  await page.locator('[data-start]').click()
  await expect(panel(page).getByRole('heading', { level: 2, name: steps[0].title })).toBeVisible()
  await expectPrompt(page)
}

/** Answers every question of the step with what its checks call right, or else with anything. */
async function answerAll(page: Page, step: Step): Promise<void> {
  for (const question of step.questions ?? []) {
    const right = step.checks.find((c) => c.question === question.id)?.correct?.[0] ?? question.choices?.[0] ?? '1'
    const form = panel(page).locator('form').filter({ hasText: question.label })
    if (question.kind === 'choice') await form.getByRole('radio', { name: right, exact: true }).check()
    else await form.getByRole('textbox').fill(right)
    await form.getByRole('button', { name: 'Answer' }).click()
    await expect(form).toContainText('your answer')
  }
}

/** Does what the step asks for, as far as its definition says how. */
async function complete(page: Page, step: Step): Promise<void> {
  await expect(panel(page).getByRole('heading', { level: 2, name: step.title })).toBeVisible()
  for (const { text } of step.commands ?? []) {
    await panel(page)
      .getByRole('button', { name: `Insert ${text}`, exact: true })
      .click()
    await page.keyboard.press('Enter')
    await expectCommand(page, text)
    await expectPrompt(page)
  }
  for (const { label } of step.actions ?? [])
    await panel(page)
      .getByRole('button', { name: `Do it: ${label}`, exact: true })
      .click()
  await answerAll(page, step)
}

async function next(page: Page): Promise<void> {
  const button = panel(page).getByRole('button', { name: /^(Next|Finish)$/ })
  await expect(button).not.toHaveAttribute('aria-disabled', 'true', { timeout: 30_000 })
  await button.click()
}

test('Ten minutes – started and its first steps done – turns its checks to passed and keeps a prediction', async ({
  page,
}) => {
  await begin(page)
  const first = steps[0]
  for (const c of first.checks) await expect(check(page, c.title)).not.toContainText('passed')
  await expect(panel(page).getByRole('button', { name: 'Next' })).toHaveAttribute('aria-disabled', 'true')

  await complete(page, first)
  for (const c of first.checks) await expect(check(page, c.title)).toContainText('passed')
  await expect(status(page)).toContainText(/checks \d+\/\d+/)

  const predict = indexOf('predict')
  expect(predict).toBeGreaterThan(0)
  await next(page)
  for (const step of steps.slice(1, predict)) {
    await complete(page, step)
    for (const c of step.checks.filter((k) => (k.level ?? 'required') === 'required'))
      await expect(check(page, c.title)).toContainText('passed', { timeout: 30_000 })
    await next(page)
  }

  const step = steps[predict]
  await expect(panel(page).getByRole('heading', { level: 2, name: step.title })).toBeVisible()
  const store = panel(page).getByRole('button', { name: 'Store prediction' })
  await expect(store).toHaveAttribute('aria-disabled', 'true')
  for (const p of step.predictions ?? []) {
    if (p.kind === 'number') await panel(page).getByRole('textbox', { name: p.label }).fill('2')
    else
      await panel(page)
        .getByRole('group', { name: p.label })
        .or(panel(page).getByRole('radiogroup', { name: p.label }))
        .getByText(p.choices?.[0] ?? '', { exact: true })
        .click()
  }
  await store.click()
  await expect(store).toHaveCount(0)
  await expect(panel(page).getByRole('columnheader', { name: 'you said' })).toBeVisible()
})

test('Alt+I – pressed anywhere in a step – inserts its next command without running it', async ({ page }) => {
  await begin(page)
  const text = steps[0].commands?.[0]?.text ?? ''
  await page.keyboard.press('Alt+i')
  await expect.poll(() => page.locator('.con:visible .xterm-rows').innerText()).toContain(text)
  await expect(panel(page).getByRole('button', { name: `Insert ${text}`, exact: true })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(panel(page).getByRole('button', { name: `Insert ${text}`, exact: true })).toHaveCount(0)
})
