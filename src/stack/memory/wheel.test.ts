import { expect, test } from 'vitest'
import { seededRandom } from '../testing/simulation.ts'
import { Arena } from './arena.ts'
import { clearTimer, nextTick, runTimers, setTimer, TIMER_AT } from './wheel.ts'

const SCALES = [10, 100, 2000, 70_000, 4_000_000, 60_000_000]
const RECORDS = 8192
const make = () => new Arena(new ArrayBuffer(65536))
const record = (i: number) => RECORDS + i * 16

test('a timer fires at its millisecond, neither before nor after', () => {
  const m = make()
  setTimer(m, record(0), 100)
  const fired: number[] = []
  for (let now = 0; now <= 200; now++) runTimers(m, now, () => fired.push(now))
  expect(fired).toEqual([100])
})

test('a timer that is set again while it fires fires again, however far ahead', () => {
  const m = make()
  for (const ahead of [1, 30, 31, 32, 33, 63, 64, 1023, 1024, 1056]) {
    const start = m.get32(0)
    m.put32(0, start + 10_000)
    setTimer(m, record(0), start + 1)
    const fired: number[] = []
    for (let now = start; now <= start + 5_000 && fired.length < 3; now++) {
      runTimers(m, now, at => {
        fired.push(now)
        setTimer(m, at, now + ahead)
      })
    }
    clearTimer(m, record(0))
    runTimers(m, start + 9_999, () => {})
    expect(fired.map(t => t - start)).toEqual([1, 1 + ahead, 1 + 2 * ahead])
  }
})

test('a cleared timer does not fire', () => {
  const m = make()
  setTimer(m, record(0), 50)
  clearTimer(m, record(0))
  runTimers(m, 100, () => expect.unreachable())
  expect(nextTick(m)).toBeUndefined()
})

test('thousands of random timers fire in order and on time across jumps of the clock, also where the clock wraps', () => {
  const random = seededRandom(7)
  for (const epoch of [0, 0x7fffff00]) {
    const m = make()
    let now = epoch | 0
    runTimers(m, now, () => {})
    const due = new Map<number, number>()
    let fired = 0
    for (let turn = 0; turn < 4000; turn++) {
      const i = random() % 500
      const wait = random() % (SCALES[random() % 6] ?? 1)
      setTimer(m, record(i), (now + wait + 1) | 0)
      due.set(record(i), (now + wait + 1) | 0)
      const next = nextTick(m) as number
      expect(next).toBeDefined()
      const step = random() % 3 === 0 ? Math.max(0, (next - now) | 0) : random() % 40
      now = (now + step) | 0
      runTimers(m, now, at => {
        fired++
        expect(m.get32(at + TIMER_AT)).toBe(due.get(at))
        expect(((due.get(at) as number) - now) | 0).toBeLessThanOrEqual(0)
        due.delete(at)
      })
      for (const at of due.values()) if (((at - now) | 0) <= 0) throw new Error(`missed ${at} at ${now}`)
    }
    expect(fired).toBeGreaterThan(1000)
  }
})
