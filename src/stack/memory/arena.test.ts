import { expect, test } from 'vitest'
import { createStack as createFull } from '../profiles/full.ts'
import { createStack as createMinimal } from '../profiles/minimal.ts'
import { environment, seededRandom } from '../testing/simulation.ts'
import { Arena, freePage, givePage, keepInput, ownerOf, PAGE, takePage } from './arena.ts'
import { smallestArena } from './lay-out.ts'
import {
  FREE_COUNT,
  INPUT_PAGE,
  POOL_FREE,
  POOL_RECEIVE,
  POOL_SEND,
  POOL_STANDING,
  RESERVE,
} from './layout.ts'
import { memoryReport } from './report.ts'

const MAC = new Uint8Array([2, 0, 0, 0, 0, 1])
const make = (memory = 64 * 1024) => new Arena(createFull({ memory, mac: MAC }, environment(1)).arena)
const sumOfPools = (m: Arena) => memoryReport(m).pools.reduce((sum, pool) => sum + pool.used, 0)

test('the pools sum to the arena, exactly, whatever is taken and freed', () => {
  const m = make(65_540)
  const random = seededRandom(3)
  const held: number[] = []
  for (let i = 0; i < 2000; i++) {
    if (random() % 2 === 0) {
      const page = takePage(m, random() % 2 === 0 ? POOL_SEND : POOL_RECEIVE, false)
      if (page !== 0) held.push(page)
    } else {
      const page = held.splice(random() % Math.max(1, held.length), 1)[0]
      if (page !== undefined) freePage(m, page)
    }
    if (sumOfPools(m) !== 65_540) throw new Error(`the pools sum to ${sumOfPools(m)}`)
  }
  expect(memoryReport(m).failures).toBeGreaterThan(0)
})

test('no page is handed out twice', () => {
  const m = make()
  const pages = new Set<number>()
  for (let page = takePage(m, POOL_SEND, true); page !== 0; page = takePage(m, POOL_SEND, true)) {
    expect(pages.has(page)).toBe(false)
    pages.add(page)
  }
  expect(m.get32(FREE_COUNT)).toBe(0)
})

test('data may not take the reserve, control traffic may, and each refusal is counted', () => {
  const m = make()
  while (takePage(m, POOL_SEND, false) !== 0);
  expect(m.get32(FREE_COUNT)).toBe(m.get32(RESERVE))
  expect(memoryReport(m).pools.find(p => p.name === 'send')?.failures).toBe(1)
  expect(takePage(m, POOL_SEND, true)).not.toBe(0)
})

test('a page that changes hands is booked to its new pool', () => {
  const m = make()
  const page = takePage(m, POOL_SEND, false)
  givePage(m, page, POOL_RECEIVE)
  expect(ownerOf(m, page)).toBe(POOL_RECEIVE)
  freePage(m, page)
  expect(ownerOf(m, page)).toBe(POOL_FREE)
  expect(memoryReport(m).pools.find(p => p.name === 'receive')?.peak).toBe(PAGE)
})

test('a frame worth keeping leaves a fresh input page behind; when there is none it stays', () => {
  const m = make()
  const before = m.get32(INPUT_PAGE)
  expect(keepInput(m, POOL_RECEIVE)).toBe(before)
  expect(ownerOf(m, before)).toBe(POOL_RECEIVE)
  expect(ownerOf(m, m.get32(INPUT_PAGE))).toBe(POOL_STANDING)
  while (takePage(m, POOL_SEND, true) !== 0);
  const last = m.get32(INPUT_PAGE)
  expect(keepInput(m, POOL_RECEIVE)).toBe(0)
  expect(m.get32(INPUT_PAGE)).toBe(last)
})

test('the smallest budget works, four bytes less is refused with a sentence that names it', () => {
  for (const [create, counters] of [
    [createFull, true],
    [createMinimal, false],
  ] as const) {
    const smallest = smallestArena(counters)
    expect(create({ memory: smallest, mac: MAC }, environment(1)).memory.size).toBe(smallest)
    expect(() => create({ memory: smallest - 4, mac: MAC }, environment(1))).toThrow(
      `needs from ${smallest} (${smallest / 1024} KiB)`,
    )
  }
  expect(smallestArena(true)).toBe(17 * 1024)
  expect(smallestArena(false)).toBe(16 * 1024)
})

test('a budget over 4 MiB is refused', () => {
  expect(() => createFull({ memory: 4 * 1024 * 1024 + 4, mac: MAC }, environment(1))).toThrow(RangeError)
})

test('a buffer that is not an arena is refused', () => {
  expect(() => createFull({ memory: new ArrayBuffer(65_536), mac: MAC }, environment(1))).toThrow(
    'not an arena',
  )
})

test.each([-1, 0, 2 ** 31, 2 ** 53, 0.5, 65_537, Number.NaN, Infinity])(
  'a budget of %d bytes is refused, and none of it is taken',
  memory => {
    const config = { memory, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }
    expect(() => createFull(config, environment(1))).toThrow(`A budget of ${memory} bytes does not work`)
  },
)
