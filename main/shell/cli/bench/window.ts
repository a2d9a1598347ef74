/**
 * How the window feels: from the start of the lab to its first picture, how long its frames are while the load runs, and how long a command typed
 * into the console takes until the next prompt is drawn. Measured in a real Chromium on the browser shell.
 */
import { LabProblem } from '../../../lab/problem'
import type { Figure } from '../benchVerb'
import { ChromiumPage, findChromium } from './chromiumPage'
import { quantile } from './quantile'
import { startShell } from './shellProcess'

const button = (name: string, within = 'document'): string =>
  `[...(${within}?.querySelectorAll('button') ?? [])].find((b) => b.textContent.trim().startsWith(${JSON.stringify(name)}))`
/** Rows of the console that is shown. */
const rows = `[...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.replaceAll('\\u00a0', ' ').trimEnd()).filter((row) => row !== '')`
const atPrompt = `/^root@\\S+:~ #$/.test(${rows}.at(-1) ?? '')`

/** Types a line and answers after how many ms the page has drawn its output and the next prompt. */
async function typed(page: ChromiumPage, line: string): Promise<number> {
  await page.evaluate(`document.querySelector('.xterm-helper-textarea').focus()`)
  await page.send('Input.insertText', { text: line })
  await page.until(`${rows}.at(-1)?.endsWith(${JSON.stringify(`# ${line}`)})`, `the line ${line}`)
  await page.evaluate(`(() => {
    globalThis.answeredAfter = null
    addEventListener('keydown', () => {
      const began = performance.now()
      // Looked at behind the frame that drew it: what a frame's other callbacks draw, the terminal among them, is then on the screen.
      const { port1, port2 } = new MessageChannel()
      const next = () => requestAnimationFrame(() => port2.postMessage(null))
      port1.onmessage = () => {
        if (${atPrompt}) globalThis.answeredAfter = performance.now() - began
        else next()
      }
      next()
    }, { once: true, capture: true })
  })()`)
  const key = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' }
  await page.send('Input.dispatchKeyEvent', { type: 'keyDown', ...key })
  await page.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key })
  await page.until('globalThis.answeredAfter !== null', `an answer to ${line}`)
  return page.evaluate<number>('globalThis.answeredAfter')
}

/** Milliseconds from one animation frame to the next, for `ms`. */
const frames = (page: ChromiumPage, ms: number): Promise<number[]> =>
  page.evaluate<number[]>(`new Promise((done) => {
    const deltas = []
    let last = performance.now()
    const end = last + ${ms}
    const tick = () => {
      const now = performance.now()
      deltas.push(now - last)
      last = now
      if (now < end) requestAnimationFrame(tick)
      else done(deltas)
    }
    requestAnimationFrame(tick)
  })`)

/** Speeds at which the load is watched: as it is first shown, and as fast as the machine can. */
const speeds = [
  { speed: '0.01', words: 'at 1/100 of real time' },
  { speed: 'max', words: 'as fast as it can' },
]
const commands = [
  'ifconfig cc0',
  'sysctl kern.ipc.mb_use_ext_pgs',
  'netstat -m',
  'ifconfig cc0 -nomap',
  'ifconfig cc0 nomap',
]

export async function benchWindow(workerUrl: URL): Promise<Figure[]> {
  const chromium = findChromium()
  if (chromium === undefined)
    throw new LabProblem(
      'bench-chromium',
      'There is no Chromium to measure the window in.',
      'Install one or set CHROMIUM_PATH.',
    )
  const began = performance.now()
  const shell = await startShell(workerUrl)
  const page = await ChromiumPage.open(chromium, shell.address)
  try {
    await page.until(button('Free lab'), 'its Start screen')
    const figures: Figure[] = [
      {
        name: 'window',
        value: (performance.now() - began) / 1000,
        unit: 's',
        goal: '< 3',
        what: 'from a cold start of shell and browser until the Start screen is there',
      },
    ]
    await page.until(`/seed/.test(document.querySelector('[role=contentinfo], footer')?.textContent)`, 'an idle host')
    await page.evaluate(`${button('Free lab')}.click()`)
    await page.until(button('Start', `document.querySelector('dialog[open]')`), 'the dialog New lab')
    await page.evaluate(`${button('Start', `document.querySelector('dialog[open]')`)}.click()`)
    await page.until(`document.querySelector('dialog[open]') === null && ${atPrompt}`, 'a prompt')
    await typed(page, 'lab load start')
    for (const { speed, words } of speeds) {
      await typed(page, `lab speed ${speed}`)
      await typed(page, 'lab run')
      await frames(page, 2000)
      const what = `first-lab, 100 connections, window open, ${words}`
      const deltas = await frames(page, 8000)
      figures.push({ name: `frames p95, ${speed}`, value: quantile(deltas, 0.95), unit: 'ms', goal: '<= 50', what })
      const times: number[] = []
      for (let i = 0; i < 30; i++) times.push(await typed(page, commands[i % commands.length]))
      figures.push({
        name: `typed p95, ${speed}`,
        value: quantile(times, 0.95),
        unit: 'ms',
        goal: '< 50',
        what: `${what}: Enter until the next prompt is drawn`,
      })
    }
    return figures
  } finally {
    await page.close()
    await shell.stop()
  }
}
