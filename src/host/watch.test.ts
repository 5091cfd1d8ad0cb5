import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BEAT_EVERY, MISSED_AT_MOST, Watch } from './watch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a worker', () => {
  test('that answers is never given up', () => {
    const gone = vi.fn()
    const watch: Watch = new Watch(() => watch.heard(), gone)
    vi.advanceTimersByTime(100 * BEAT_EVERY)
    expect(gone).not.toHaveBeenCalled()
    watch.end()
  })

  test('that leaves four questions unanswered is given up, once', () => {
    const gone = vi.fn()
    const asked = vi.fn()
    new Watch(asked, gone)
    vi.advanceTimersByTime(MISSED_AT_MOST * BEAT_EVERY)
    expect(gone).not.toHaveBeenCalled()
    vi.advanceTimersByTime(BEAT_EVERY)
    expect(gone).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(100 * BEAT_EVERY)
    expect(gone).toHaveBeenCalledTimes(1)
    expect(asked).toHaveBeenCalledTimes(MISSED_AT_MOST)
  })

  test('that answers late, but answers, is kept', () => {
    const gone = vi.fn()
    const watch = new Watch(() => undefined, gone)
    vi.advanceTimersByTime(MISSED_AT_MOST * BEAT_EVERY)
    watch.heard()
    vi.advanceTimersByTime(MISSED_AT_MOST * BEAT_EVERY)
    expect(gone).not.toHaveBeenCalled()
    watch.end()
  })

  test('is not asked after the end', () => {
    const asked = vi.fn()
    new Watch(asked, () => undefined).end()
    vi.advanceTimersByTime(10 * BEAT_EVERY)
    expect(asked).not.toHaveBeenCalled()
  })
})
