import { expect, test } from 'vitest'
import { createStack } from '../profiles/full.ts'
import { environment, seededRandom } from '../testing/simulation.ts'
import { Arena } from './arena.ts'
import { POOL_SOCKETS } from './layout.ts'
import { memoryReport } from './report.ts'
import { freeRecord, isRecordAddress, type RecordKind, takeRecord } from './slab.ts'

const KIND: RecordKind = { pool: POOL_SOCKETS, size: 100, urgent: false }
const make = () =>
  new Arena(createStack({ memory: 32 * 1024, mac: new Uint8Array([2, 0, 0, 0, 0, 1]) }, environment(1)).arena)

test('records never overlap, come zeroed, and give their pages back when the last one goes', () => {
  const m = make()
  const random = seededRandom(5)
  const before = memoryReport(m).used
  const held = new Set<number>()
  for (let i = 0; i < 5000; i++) {
    if (random() % 5 < 3) {
      const at = takeRecord(m, KIND)
      if (at === 0) continue
      if (held.has(at) || !isRecordAddress(m, KIND, at))
        throw new Error(`record ${at} given twice or misplaced`)
      if (m.bytes.subarray(at, at + 100).some(byte => byte !== 0)) throw new Error('not zeroed')
      m.bytes.fill(0xaa, at, at + 100)
      held.add(at)
    } else {
      const [at] = held
      if (at === undefined) continue
      if (m.bytes.subarray(at, at + 100).some(byte => byte !== 0xaa)) throw new Error('overwritten')
      held.delete(at)
      freeRecord(m, KIND, at)
    }
  }
  for (const at of held) freeRecord(m, KIND, at)
  expect(memoryReport(m).used).toBe(before)
})

test('a full arena gives 0 and counts a failure', () => {
  const m = make()
  while (takeRecord(m, KIND) !== 0);
  expect(memoryReport(m).pools.find(p => p.name === 'sockets')?.failures).toBe(1)
})
