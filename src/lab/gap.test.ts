import { describe, expect, test } from 'vitest'
import { Gaps } from './gap.ts'

const WALL = 1_795_000_000_000

describe('time that passed without the page', () => {
  test('nothing is told while both clocks go on', () => {
    const gaps = new Gaps(0, WALL)
    expect(gaps.look(1_000, WALL + 1_000, false)).toBeUndefined()
    expect(gaps.look(4_000, WALL + 4_000, false)).toBeUndefined()
  })

  test('a page that did not run for fifteen seconds says so, once', () => {
    const gaps = new Gaps(0, WALL)
    expect(gaps.look(15_000, WALL + 15_000, false)).toContain('did not run for 15 s')
    expect(gaps.look(16_000, WALL + 16_000, false)).toBeUndefined()
  })

  test('a hidden page whose timers come once a minute has not slept', () => {
    const gaps = new Gaps(0, WALL)
    expect(gaps.look(60_000, WALL + 60_000, true)).toBeUndefined()
    expect(gaps.look(180_000, WALL + 180_000, true)).toContain('did not run for 120 s')
  })

  test('a sleep in which only the wall clock went on is told by its length', () => {
    const gaps = new Gaps(0, WALL)
    expect(gaps.look(1_000, WALL + 3_601_000, false)).toContain('went on by 3600 s')
  })

  test('a clock that is set back is told, and moves no host', () => {
    const gaps = new Gaps(0, WALL)
    expect(gaps.look(1_000, WALL - 59_000, false)).toContain('set back by 60 s')
    expect(gaps.look(2_000, WALL - 58_000, false)).toBeUndefined()
  })
})
