/**
 * What no page may do in Electron, whatever it contains: everything is denied that the lab's own page does not need.
 */
import type { Session, WebContents, WebFrameMain } from 'electron'
import { originOf } from './pageOrigin'

export interface GuardOptions {
  /** Origin of our page. */
  origin: string
  /** A link to somewhere else was chosen; it may be offered to the system's browser. */
  onLink: (address: string) => void
  log: (line: string) => void
}

/** The one permission that the page has: putting text on the clipboard at the user's wish ("Copy details"). Reading it is denied. */
const allowedPermission = 'clipboard-sanitized-write'

/** Addresses that the page may load: its own, what it makes itself, and the developer tools. */
function mayLoad(address: string, origin: string): boolean {
  return originOf(address) === origin || /^(data|devtools):/.test(address) || address.startsWith(`blob:${origin}/`)
}

/** Denies permissions, devices, foreign requests and downloads. */
export function guardSession(session: Session, { origin, log }: GuardOptions): void {
  const granted = (permission: string, address: string): boolean =>
    permission === allowedPermission && originOf(address) === origin

  session.setPermissionRequestHandler((_contents, permission, answer, details) => {
    const yes = details.isMainFrame && granted(permission, details.requestingUrl)
    if (!yes) log(`denied the permission ${permission}`)
    answer(yes)
  })
  session.setPermissionCheckHandler((_contents, permission, requestingOrigin, details) => {
    return details.isMainFrame && granted(permission, requestingOrigin)
  })
  session.setDevicePermissionHandler(() => false)
  session.setDisplayMediaRequestHandler((_request, answer) => answer({}))

  session.webRequest.onBeforeRequest((details, answer) => {
    // A development server talks to its page over a WebSocket of the same host.
    const cancel = !mayLoad(details.url.replace(/^ws/, 'http'), origin) && !mayLoad(details.url, origin)
    if (cancel) log(`denied a request to ${originOf(details.url) ?? 'an address'}`)
    answer({ cancel })
  })
  session.on('will-download', (event, item) => {
    // The page saves what it made itself (a report, a picture): the system asks where. Nothing else is downloaded.
    if (!item.getURL().startsWith(`blob:${origin}/`)) event.preventDefault()
  })
}

/** Denies navigation, new windows, frames' own navigation and `<webview>` for any contents that are ever created. */
export function guardContents(contents: WebContents, { origin, onLink, log }: GuardOptions): void {
  contents.on('will-attach-webview', (event) => event.preventDefault())
  contents.on('will-frame-navigate', (event) => {
    if (event.isMainFrame && originOf(event.url) === origin) return
    log(`denied navigation to ${originOf(event.url) ?? 'an address'}`)
    event.preventDefault()
  })
  contents.on('will-redirect', (event) => {
    if (originOf(event.url) !== origin) event.preventDefault()
  })
  contents.setWindowOpenHandler(({ url }) => {
    onLink(url)
    return { action: 'deny' }
  })
}

/** Whether a message comes from the main frame of our own page. */
export function isOurPage(contents: WebContents, frame: WebFrameMain | null, origin: string): boolean {
  // Null if the frame is gone already.
  return frame !== null && frame === contents.mainFrame && originOf(frame.url) === origin
}
