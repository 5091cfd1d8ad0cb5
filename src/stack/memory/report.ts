/** The memory report: pools, what each holds, and their sum, which is the arena. Read from outside, too. */
import type { MemoryReport, PoolReport } from '../stack.ts'
import { type Arena, PAGE } from './arena.ts'
import {
  FREE_COUNT,
  PAGE_COUNT,
  POOL_CONNECTIONS,
  POOL_COUNT,
  POOL_FAILURES,
  POOL_FREE,
  POOL_PAGES,
  POOL_PEAK,
  POOL_STRIDE,
  POOLS_AT,
  SIZE,
  USED_PEAK,
} from './layout.ts'

/** In the order of their numbers (layout.ts), without the free one. */
export const POOL_NAMES = [
  'connections',
  'sockets',
  'neighbours',
  'frames',
  'send',
  'receive',
  'out of order',
  'datagrams',
  'fragments',
  'routes',
  'groups',
  'filters',
  'capture',
  'settings',
  'destinations',
  'flights',
  'leases',
  'names',
  'standing',
] as const

/** Bytes, each pool's pages whole; 'fixed' is the host record with its tables and what is left over at the end. */
export function memoryReport(m: Arena): MemoryReport {
  const size = m.get32(SIZE)
  const fixed = size - m.get32(PAGE_COUNT) * PAGE
  const free = m.get32(FREE_COUNT) * PAGE
  const pools: PoolReport[] = [{ name: 'fixed', used: fixed, peak: fixed, failures: 0 }]
  let failures = 0
  for (let pool = POOL_CONNECTIONS; pool < POOL_COUNT; pool++) {
    const report = poolReport(m, pool)
    failures += report.failures
    pools.push(report)
  }
  const peak = fixed + m.get32(USED_PEAK) * PAGE
  pools.push({ name: 'free', used: free, peak: size - fixed, failures: 0 })
  return { size, used: size - free, peak, failures, pools }
}

function poolReport(m: Arena, pool: number): PoolReport {
  const at = POOLS_AT + pool * POOL_STRIDE
  return {
    name: POOL_NAMES[pool - POOL_FREE - 1] ?? `pool ${pool}`,
    used: m.get32(at + POOL_PAGES) * PAGE,
    peak: m.get32(at + POOL_PEAK) * PAGE,
    failures: m.get32(at + POOL_FAILURES),
  }
}
