/** The page as the shell delivers it: no way to Node, no way out, nothing that its policy forbids. */
import type { Page } from '@playwright/test'
import { join } from 'node:path'
import { BrowserShell, expect, test } from './fixtures'

/** Loads the page once more with an ear for broken policies and for every request. */
async function reloadListening(page: Page): Promise<{ requests: string[]; violations: string[] }> {
  const requests: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('websocket', (socket) => requests.push(socket.url()))
  await page.addInitScript(() => {
    const violations: string[] = []
    Object.assign(window, { violations })
    document.addEventListener('securitypolicyviolation', (event) => {
      violations.push(`${event.violatedDirective} ${event.blockedURI}`)
    })
  })
  await page.reload()
  await page.waitForLoadState('networkidle')
  const violations = await page.evaluate(() => (window as unknown as { violations: string[] }).violations)
  return { requests, violations }
}

test('the page – loaded – asks for nothing but its own files and breaks no policy', async ({ page }) => {
  const { requests, violations } = await reloadListening(page)
  expect(violations).toEqual([])
  const own = new URL(page.url())
  const foreign = requests.filter((address) => {
    const { protocol, host } = new URL(address)
    return host !== own.host && protocol !== 'blob:' && protocol !== 'data:'
  })
  expect(foreign).toEqual([])
  expect(requests.length).toBeGreaterThan(1)
})

test('the start address – opened – is left behind: no token in the address bar or the history', async ({
  page,
  lab,
  shell,
}) => {
  test.skip(shell === 'electron', 'Electron has no start address')
  expect(page.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
  const token = /token=([\w-]+)/.exec(lab.log())?.[1] ?? ''
  expect(token).toHaveLength(43)
  expect(
    await page.evaluate(() => document.referrer + document.cookie + document.documentElement.outerHTML),
  ).not.toContain(token)
  expect(await page.evaluate(() => document.cookie)).toBe('')
})

test('the start address – clicked on another site – opens the page all the same', async ({
  context,
  userData,
  shell,
}) => {
  test.skip(shell === 'electron', 'Electron has no start address')
  const second = new BrowserShell(join(userData, 'second'), [])
  try {
    const address = await second.start()
    const page = await context.newPage()
    await page.goto(`data:text/html,<a href="${address}">the lab</a>`)
    await page.click('a')
    await page.waitForURL(new URL('/', address).href)
    expect(await page.title()).not.toBe('')
    expect(await page.evaluate(() => document.querySelector('script[src]') !== null)).toBe(true)
  } finally {
    await second.stop()
  }
})

test('a second page – opened – takes over, says so in the first, and the first can take it back', async ({
  page,
  context,
  shell,
}) => {
  test.skip(shell === 'electron', 'Electron has one window')
  const notice = (of: Page) => of.getByRole('alert').filter({ hasText: 'open in another window' })
  await page.waitForLoadState('networkidle')
  const second = await context.newPage()
  await second.goto(page.url())
  await expect(notice(page)).toBeVisible()
  await notice(page).getByRole('button', { name: 'Take it over' }).click()
  await expect(notice(second)).toBeVisible()
  await expect(notice(page)).toHaveCount(0)
})

test('the shell – ends – the page says that the lab was closed and what is safe', async ({
  context,
  userData,
  shell,
}) => {
  test.skip(shell === 'electron', 'its window ends with it')
  const second = new BrowserShell(join(userData, 'second'), [])
  const page = await context.newPage()
  await page.goto(await second.start())
  await page.waitForLoadState('networkidle')
  await second.stop()
  await expect(page.getByRole('alert').filter({ hasText: 'The lab was closed.' })).toBeVisible()
})

test('the page – searched for Node – finds none', async ({ page }) => {
  const names = [
    'process',
    'require',
    'module',
    'exports',
    'Buffer',
    'global',
    '__dirname',
    'setImmediate',
    'ipcRenderer',
    'electron',
  ]
  const found = await page.evaluate((all) => all.filter((name) => name in window), names)
  expect(found).toEqual([])
})

test('the page – has the bridge – in Electron alone, and there it is one frozen function', async ({ page, shell }) => {
  const bridge = await page.evaluate(() => {
    const host = (window as unknown as Record<string, object | undefined>)['labHost']
    return host === undefined ? null : Object.entries(host).map(([name, value]) => [name, typeof value])
  })
  expect(bridge).toEqual(shell === 'electron' ? [['connect', 'function']] : null)
})

test.describe('attacks from within the page', () => {
  // The browser reports what it blocks on the console.
  test.use({ allowPageErrors: true })

  test('code from text – tried – does not run', async ({ page }) => {
    const ran = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const results: Record<string, boolean> = {}
          const attempt = (name: string, act: () => unknown): void => {
            try {
              act()
              results[name] = true
            } catch {
              results[name] = false
            }
          }
          // In a task of the page's own: what an evaluation of Playwright calls itself is exempt from the policy.
          setTimeout(() => {
            const text = 'window.injected = true'
            attempt('eval', () => Reflect.apply(Reflect.get(window, 'eval') as () => unknown, window, [text]))
            attempt('Function', () => Reflect.construct(Function, [text]))
            const script = document.createElement('script')
            script.textContent = text
            document.head.append(script)
            const image = document.createElement('div')
            image.innerHTML = `<img src="data:," onerror="${text}">`
            document.body.append(image)
            setTimeout(() => resolve({ ...results, injected: 'injected' in window }), 200)
          })
        }),
    )
    expect(ran).toEqual({ eval: false, Function: false, injected: false })
  })

  test('requests to elsewhere – tried in every way – do not leave', async ({ page }) => {
    const left: string[] = []
    page.on('requestfinished', (request) => {
      if (new URL(request.url()).hostname.endsWith('.invalid')) left.push(request.url())
    })
    const outcome = await page.evaluate(async () => {
      const away = 'https://elsewhere.invalid/'
      const directives: string[] = []
      document.addEventListener('securitypolicyviolation', (event) => directives.push(event.effectiveDirective))
      await fetch(away).catch(() => {})
      navigator.sendBeacon(away, 'x')
      try {
        new WebSocket('wss://elsewhere.invalid/')
      } catch {
        // Blocked at once in some browsers.
      }
      const add = (tag: string, attribute: string): void => {
        const element = document.createElement(tag)
        element.setAttribute(attribute, away)
        if (tag === 'link') element.setAttribute('rel', 'stylesheet')
        document.body.append(element)
      }
      add('img', 'src')
      add('script', 'src')
      add('iframe', 'src')
      add('link', 'href')
      add('object', 'data')
      const form = document.createElement('form')
      form.action = away
      form.method = 'post'
      document.body.append(form)
      form.submit()
      await new Promise((resolve) => setTimeout(resolve, 300))
      return [...new Set(directives)].sort()
    })
    expect(outcome).toEqual(
      expect.arrayContaining([
        'connect-src',
        'form-action',
        'frame-src',
        'img-src',
        'object-src',
        'script-src-elem',
        'style-src-elem',
      ]),
    )
    expect(left).toEqual([])
  })

  test('a camera, a place, the clipboard’s content – asked for – are denied', async ({ page }) => {
    const denied = await page.evaluate(async () => {
      const failed = (attempt: Promise<unknown> | undefined): Promise<boolean> =>
        attempt === undefined
          ? Promise.resolve(true)
          : attempt.then(
              () => false,
              () => true,
            )
      // In a page that is not secure these do not even exist.
      const { mediaDevices, clipboard } = navigator as { mediaDevices?: MediaDevices; clipboard?: Clipboard }
      return {
        camera: await failed(mediaDevices?.getUserMedia({ video: true })),
        place: await failed(
          new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject)),
        ),
        clipboard: await failed(clipboard?.readText()),
      }
    })
    expect(denied).toEqual({ camera: true, place: true, clipboard: true })
  })
})
