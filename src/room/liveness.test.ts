import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Liveness, PING_EVERY } from './liveness.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function pulse() {
  const seen = { pings: [] as number[], rtts: [] as number[], silences: 0 }
  const liveness = new Liveness({
    ping: sequence => seen.pings.push(sequence),
    onRtt: ms => seen.rtts.push(ms),
    onSilence: () => seen.silences++,
  })
  return { seen, liveness }
}

test('it pings at once and then every two seconds while it is answered', () => {
  const { seen, liveness } = pulse()
  for (let n = 1; n <= 5; n++) {
    expect(seen.pings.at(-1)).toBe(n)
    liveness.pong(n)
    vi.advanceTimersByTime(PING_EVERY)
  }
  expect(seen.silences).toBe(0)
  liveness.stop()
})

test('an answer gives the round trip', () => {
  const { seen, liveness } = pulse()
  vi.advanceTimersByTime(37)
  liveness.pong(1)
  expect(seen.rtts).toEqual([37])
  liveness.stop()
})

test('three pings without an answer are silence, and it is told once', () => {
  const { seen } = pulse()
  vi.advanceTimersByTime(3 * PING_EVERY - 1)
  expect(seen).toMatchObject({ pings: [1, 2, 3], silences: 0 })
  vi.advanceTimersByTime(1)
  expect(seen.silences).toBe(1)
  vi.advanceTimersByTime(60_000)
  expect(seen).toMatchObject({ pings: [1, 2, 3], silences: 1 })
})

test('a suspicion asks at once and waits for one ping only', () => {
  const { seen, liveness } = pulse()
  liveness.pong(1)
  vi.advanceTimersByTime(500)
  liveness.suspect()
  expect(seen.pings).toEqual([1, 2])
  vi.advanceTimersByTime(PING_EVERY)
  expect(seen.silences).toBe(1)
})

test('an answer dispels the suspicion', () => {
  const { seen, liveness } = pulse()
  liveness.suspect()
  liveness.pong(2)
  vi.advanceTimersByTime(PING_EVERY)
  expect(seen.silences).toBe(0)
  liveness.stop()
})

test('an old answer, or one sent twice, dispels nothing', () => {
  const { seen, liveness } = pulse()
  liveness.pong(1)
  liveness.suspect()
  liveness.pong(1)
  vi.advanceTimersByTime(PING_EVERY)
  expect(seen).toMatchObject({ rtts: [0], silences: 1 })
})
