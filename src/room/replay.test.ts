import { expect, test } from 'vitest'
import { REMEMBERED, ReplayGuard } from './replay.ts'

const session = (n: number) => n.toString(16).padStart(32, '0')
const me = session(0)
const hello = (from: number, sequence: number) => ({ say: 'hello' as const, from: session(from), sequence })
const ready = (from: number, sequence: number) => ({
  say: 'ready' as const,
  from: session(from),
  sequence,
  to: me,
})

test('a message is new once', () => {
  const guard = new ReplayGuard()
  expect([1, 2, 2, 1, 3].map(sequence => guard.isNew(hello(1, sequence)))).toEqual([
    true,
    true,
    false,
    false,
    true,
  ])
})

test('what is said to all and what is said to us is counted apart', () => {
  const guard = new ReplayGuard()
  expect(guard.isNew(hello(1, 5))).toBe(true)
  expect(guard.isNew(ready(1, 1))).toBe(true)
  expect(guard.isNew(ready(1, 1))).toBe(false)
})

test('sessions are counted apart', () => {
  const guard = new ReplayGuard()
  expect(guard.isNew(hello(1, 1))).toBe(true)
  expect(guard.isNew(hello(2, 1))).toBe(true)
})

test('a flood of recorded hellos does not make us forget what was said to us', () => {
  const guard = new ReplayGuard()
  guard.isNew(ready(1, 1))
  for (let n = 2; n < REMEMBERED + 10; n++) guard.isNew(hello(n, 1))
  expect(guard.isNew(ready(1, 1))).toBe(false)
})

test('who spoke last is remembered longest', () => {
  const guard = new ReplayGuard()
  for (let n = 1; n <= REMEMBERED; n++) guard.isNew(hello(n, 1))
  guard.isNew(hello(1, 2))
  guard.isNew(hello(REMEMBERED + 1, 1)) // session 2 is forgotten for it
  expect(guard.isNew(hello(1, 2))).toBe(false)
  expect(guard.isNew(hello(2, 1))).toBe(true)
})
