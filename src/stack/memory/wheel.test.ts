import { describe, expect, test } from 'vitest'
import { Arena } from './arena.ts'
import { nextTick, runTimers, setTimer } from './wheel.ts'

/** A wheel whose clock stands at 0, and places for two timed records behind it. */
const wheel = () => new Arena(new ArrayBuffer(65_536))
const FIRST = 40_000
const SECOND = 40_064

describe('timing wheel', () => {
  test('a timer that is set for exactly one turn of the wheel later, while another fires, waits for its time', () => {
    const m = wheel()
    setTimer(m, FIRST, 100)
    const fired: number[] = []
    runTimers(m, 100, record => {
      fired.push(record)
      if (fired.length === 1) setTimer(m, SECOND, 132)
      if (fired.length > 3) throw new Error('fires without end')
    })
    expect(fired).toEqual([FIRST])
    expect(nextTick(m)).toBe(132)
    runTimers(m, 131, record => fired.push(record))
    expect(fired).toEqual([FIRST])
    runTimers(m, 132, record => fired.push(record))
    expect(fired).toEqual([FIRST, SECOND])
  })

  test('a timer may set itself again at any distance', () => {
    for (let distance = 1; distance < 3000; distance++) {
      const m = wheel()
      const fired: number[] = []
      let now = 7
      setTimer(m, FIRST, now)
      while (fired.length < 3) {
        runTimers(m, now, record => {
          fired.push(now)
          if (fired.length < 3) setTimer(m, record, now + distance)
        })
        now = nextTick(m) ?? now
      }
      expect(fired).toEqual([7, 7 + distance, 7 + 2 * distance])
    }
  })
})
