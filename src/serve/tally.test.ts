import { expect, test } from 'vitest'
import { readTally, sum, tallyChecks, tallyLine, tallyPlaywright, tallyVitest } from './tally.js'

test('a tally adds up what all runners counted, on one plain line', () => {
  const vitest = tallyVitest({
    numPassedTests: 40,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
    numFailedTestSuites: 1,
  })
  const playwright = tallyPlaywright({ stats: { expected: 5, unexpected: 0, flaky: 1, skipped: 1 } })
  const checks = tallyChecks({ ran: 19, failed: 2, skipped: 1 })
  expect(tallyLine(sum([vitest, playwright, checks]))).toBe('63 passed, 3 failed, 5 skipped')
})

test('a test file that does not load counts as a failure', () => {
  const report = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numFailedTestSuites: 1 }
  expect(tallyVitest(report).failed).toBe(1)
})

test('a server that does not start counts as a failure', () => {
  const report = { stats: { expected: 0, unexpected: 0, flaky: 0, skipped: 0 }, errors: [{}] }
  expect(tallyPlaywright(report).failed).toBe(1)
})

test('a runner that left no report counts as a failure', () => {
  expect(readTally('/nowhere/report.json', tallyVitest).failed).toBe(1)
})
