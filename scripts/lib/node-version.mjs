// The first thing every command loads. It must parse and run on any Node that knows ES modules, so that an old one
// gets a sentence instead of a stack trace; everything newer is imported after the check.

/** The floor, as in package.json "engines". */
const FLOOR = [20, 19, 0]

/**
 * Says what is wrong with a Node version, or returns undefined when it will do.
 * @param {string} version such as 20.19.0
 * @returns {string | undefined}
 */
export function complaintAboutNode(version) {
  const have = version.split('.').map(Number)
  for (let i = 0; i < FLOOR.length; i++) {
    if (have[i] > FLOOR[i]) return undefined
    if (have[i] < FLOOR[i])
      return (
        'nomap lab needs Node ' +
        FLOOR.join('.') +
        ' or newer, this is ' +
        version +
        '. Install a newer one (24 is what it is developed with).'
      )
  }
  return undefined
}

/** Ends the process with a clear sentence when this Node is too old. */
export function requireNode() {
  const complaint = complaintAboutNode(process.versions.node)
  if (complaint) {
    console.error(complaint)
    process.exit(1)
  }
}
