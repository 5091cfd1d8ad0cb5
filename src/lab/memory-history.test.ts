import { expect, test } from 'vitest'
import { HISTORY_MS, MemoryHistory } from './memory-history.ts'

const report = (used: number, peak = used, size = 65536) => ({ size, used, peak, failures: 0, pools: [] })
const usedIn = (history: MemoryHistory) => history.samples.map(({ time, memory }) => [time, memory.used])

test('within a quarter second the fullest moment is kept', () => {
  const history = new MemoryHistory()
  history.take(0, report(100))
  history.take(50, report(900))
  history.take(100, report(200, 900))
  history.take(300, report(300, 900))
  expect(usedIn(history)).toEqual([
    [0, 900],
    [300, 300],
  ])
})

test('what is older than two minutes is forgotten, but for the sample that still held then', () => {
  const history = new MemoryHistory()
  for (const time of [0, 1000, 2000, 3000]) history.take(time, report(time, 3000))
  history.take(HISTORY_MS + 2500, report(1, 3000))
  expect(usedIn(history).map(([time]) => time)).toEqual([2000, 3000, HISTORY_MS + 2500])
})

test('a host that was started anew has a history of its own', () => {
  const history = new MemoryHistory()
  history.take(0, report(500, 900))
  history.take(1000, report(100, 100))
  expect(usedIn(history)).toEqual([[1000, 100]])
})
