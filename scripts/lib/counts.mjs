// Adding up what the test runners wrote into their JSON reports.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * Counts of a vitest JSON report. A file that could not even be loaded counts as one failure, and so does an error
 * outside any test: a run that is not a success never counts as free of failures.
 * @param {unknown} report the parsed report, undefined if there is none
 * @returns {Counts}
 */
export function countVitest(report) {
  if (!isRecord(report) || !Array.isArray(report['testResults'])) return { passed: 0, failed: 1, skipped: 0 }
  const passed = number(report['numPassedTests'])
  const skipped = number(report['numPendingTests']) + number(report['numTodoTests'])
  const broken = report['testResults'].filter(
    (file) => file.status === 'failed' && !file.assertionResults?.some((/** @type {any} */ t) => t.status === 'failed'),
  ).length
  const failed = number(report['numFailedTests']) + broken
  return { passed, failed: failed === 0 && report['success'] !== true ? 1 : failed, skipped }
}

/**
 * Counts of a Playwright JSON report. A test that passed on its retry has passed. Errors outside tests count one each.
 * @param {unknown} report the parsed report, undefined if there is none
 * @returns {Counts}
 */
export function countPlaywright(report) {
  if (!isRecord(report) || !isRecord(report['stats'])) return { passed: 0, failed: 1, skipped: 0 }
  const { expected, flaky, unexpected, skipped } = report['stats']
  const errors = Array.isArray(report['errors']) ? report['errors'].length : 0
  return {
    passed: number(expected) + number(flaky),
    failed: number(unexpected) + errors,
    skipped: number(skipped),
  }
}

/**
 * The closing line of `npm test`.
 * @param {Counts[]} counts
 */
export function closingLine(counts) {
  const sum = (/** @type {'passed' | 'failed'} */ key) => counts.reduce((total, entry) => total + entry[key], 0)
  return `${sum('passed')} passed, ${sum('failed')} failed`
}

/** @param {unknown} value @returns {value is Record<string, any>} */
function isRecord(value) {
  return typeof value === 'object' && value !== null
}

/** @param {unknown} value */
function number(value) {
  return typeof value === 'number' ? value : 0
}
