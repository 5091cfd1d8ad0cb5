import { expect, test } from 'vitest'
import { createStack } from './profiles/full.ts'
import { environment } from './testing/simulation.ts'

test('the clock goes to where it is told, not back, and not to what is no time', () => {
  const stack = createStack({ memory: 65_536, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }, environment(1))
  stack.poll(20_000)
  const next = stack.pollAt()
  expect(next).toBeGreaterThanOrEqual(20_000)
  for (const time of [Number.NaN, Infinity, -Infinity, -1, 0, 19_999]) {
    stack.poll(time)
    expect(stack.pollAt()).toBe(next)
  }
  stack.poll(next)
  expect(stack.pollAt()).toBeGreaterThan(next)
})
