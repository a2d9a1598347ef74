/** Sites that the lab's help and its source notes refer to. Nothing else is ever handed to the system's browser. */
const knownHosts = new Set([
  'www.freebsd.org',
  'docs.freebsd.org',
  'man.freebsd.org',
  'cgit.freebsd.org',
  'svnweb.freebsd.org',
  'reviews.freebsd.org',
  'www.rfc-editor.org',
])

/** The address as it may be opened, or null: https, a known site, no port, no user name. */
export function externalAddress(text: string): string | null {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return null
  }
  const plain = url.protocol === 'https:' && url.port === '' && url.username === '' && url.password === ''
  return plain && knownHosts.has(url.hostname) ? url.href : null
}
