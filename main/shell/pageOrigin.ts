/** Which addresses are our own page's. */

/** Scheme and host of the page in Electron; the scheme is ours alone. */
export const pageScheme = 'app'
export const pageHost = 'lab'

/** Origin of the built page. */
export const pageOrigin = `${pageScheme}://${pageHost}`

/** Scheme and host of an address as `scheme://host:port`, or null. `URL.origin` is "null" for schemes that it does not know. */
export function originOf(address: string): string | null {
  try {
    const { protocol, host, username, password } = new URL(address)
    return host === '' || username !== '' || password !== '' ? null : `${protocol}//${host}`
  } catch {
    return null
  }
}
