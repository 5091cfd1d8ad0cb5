/**
 * What the test runners counted, read from their own JSON reports.
 */
import { readFileSync } from 'node:fs'

/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */

/**
 * Vitest's report, which has Jest's form.
 *
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests?: number, numFailedTestSuites: number }} report
 * @returns {Tally}
 */
export const tallyVitest = report => ({
  passed: report.numPassedTests,
  // A file that does not even load has no tests, and has failed.
  failed: report.numFailedTests === 0 ? report.numFailedTestSuites : report.numFailedTests,
  skipped: report.numPendingTests + (report.numTodoTests ?? 0),
})

/**
 * Playwright's report. A test that passed only at a second try (flaky) did pass.
 *
 * @param {{ stats: { expected: number, unexpected: number, flaky: number, skipped: number }, errors?: readonly unknown[] }} report
 * @returns {Tally}
 */
export const tallyPlaywright = ({ stats, errors = [] }) => ({
  passed: stats.expected + stats.flaky,
  // What went wrong outside any test, such as a server that does not start.
  failed: stats.unexpected === 0 ? errors.length : stats.unexpected,
  skipped: stats.skipped,
})

/**
 * What our own checks count (`npm run interop`).
 *
 * @param {{ ran: number, failed: number, skipped: number }} report
 * @returns {Tally}
 */
export const tallyChecks = ({ ran, failed, skipped }) => ({ passed: ran - failed, failed, skipped })

/**
 * @template T
 * @param {string} path
 * @param {(report: T) => Tally} tally
 * @returns {Tally} one failure when there is no report: the runner broke down
 */
export function readTally(path, tally) {
  try {
    return tally(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

/**
 * @param {readonly Tally[]} tallies
 * @returns {Tally}
 */
export const sum = tallies =>
  tallies.reduce(
    (all, one) => ({
      passed: all.passed + one.passed,
      failed: all.failed + one.failed,
      skipped: all.skipped + one.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  )

/** @param {Tally} tally */
export const tallyLine = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`
