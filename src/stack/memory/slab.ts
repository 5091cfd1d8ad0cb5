/**
 * Slabs: records of one size in pages of their own. A page with a free record hangs in its pool's list; a page
 * whose last record is freed goes back to the arena, so that what one use of the budget needed another can have.
 *
 * The first 16 bytes of a slab page: next and previous page with a free record, first free record, records in use.
 */
import { type Address, type Arena, freePage, PAGE, type Page, pageOf, takePage } from './arena.ts'
import { POOL_PARTIAL, POOL_STRIDE, POOLS_AT } from './layout.ts'

export const NEXT = 0
const PREVIOUS = 4
export const FREE = 8
const USED = 12
const HEADER = 16

/** A kind of record: which pool pays for it, how long it is (a multiple of 4), whether it may use the reserve. */
export interface RecordKind {
  readonly pool: number
  readonly size: number
  readonly urgent: boolean
}

const partialAt = (kind: RecordKind): Address => POOLS_AT + kind.pool * POOL_STRIDE + POOL_PARTIAL

/** A zeroed record, or 0 and a failure counted when memory is full. */
export function takeRecord(m: Arena, kind: RecordKind): Address {
  const page = m.get32(partialAt(kind)) || addPage(m, kind)
  if (page === 0) return 0
  const record = m.get32(page + FREE)
  const next = m.get32(record)
  m.put32(page + FREE, next)
  m.put32(page + USED, m.get32(page + USED) + 1)
  if (next === 0) unlink(m, kind, page)
  m.put32(record, 0)
  return record
}

/** The record is zeroed: whoever comes to it with an old handle, or from outside, must not take it for what it was. */
export function freeRecord(m: Arena, kind: RecordKind, record: Address): void {
  const page = pageOf(m, record)
  const first = m.get32(page + FREE)
  const used = m.get32(page + USED) - 1
  m.bytes.fill(0, record, record + kind.size)
  m.put32(record, first)
  m.put32(page + FREE, record)
  m.put32(page + USED, used)
  if (first === 0) link(m, kind, page)
  if (used === 0) {
    unlink(m, kind, page)
    freePage(m, page)
  }
}

/** Whether `at` is where a record of this kind can begin. */
export const isRecordAddress = (m: Arena, kind: RecordKind, at: Address): boolean => {
  const within = at - pageOf(m, at) - HEADER
  return within >= 0 && within % kind.size === 0 && within + kind.size <= PAGE - HEADER
}

/** How many records a page of this kind has room for, and how many a page has in use. */
export const recordsInPage = (kind: RecordKind): number => ((PAGE - HEADER) / kind.size) | 0
/** Of a page of a slab; 0 never, since the last takes its page with it. */
export const recordsInUse = (m: Arena, page: Page): number => m.get32(page + USED)

/** The first address behind `after` in a page at which a record may stand; 0 when there is none. */
export function recordBehind(page: Page, kind: RecordKind, after: Address): Address {
  const passed = after < page + HEADER ? 0 : Math.floor((after - page - HEADER) / kind.size) + 1
  const at = page + HEADER + passed * kind.size
  return at + kind.size <= page + PAGE ? at : 0
}

/** Visits every address in a page at which a record may stand, in use or free. */
export function visitRecords(page: Page, kind: RecordKind, visit: (record: Address) => void): void {
  for (let at = page + HEADER; at + kind.size <= page + PAGE; at += kind.size) visit(at)
}

function addPage(m: Arena, kind: RecordKind): Page {
  const page = takePage(m, kind.pool, kind.urgent)
  if (page === 0) return 0
  m.bytes.fill(0, page + HEADER, page + PAGE)
  let first = 0
  for (let at = page + HEADER; at + kind.size <= page + PAGE; at += kind.size) {
    m.put32(at, first)
    first = at
  }
  m.put32(page + FREE, first)
  m.put32(page + USED, 0)
  link(m, kind, page)
  return page
}

function link(m: Arena, kind: RecordKind, page: Page): void {
  const head = m.get32(partialAt(kind))
  m.put32(page + NEXT, head)
  m.put32(page + PREVIOUS, 0)
  if (head !== 0) m.put32(head + PREVIOUS, page)
  m.put32(partialAt(kind), page)
}

function unlink(m: Arena, kind: RecordKind, page: Page): void {
  const next = m.get32(page + NEXT)
  const previous = m.get32(page + PREVIOUS)
  if (previous === 0) m.put32(partialAt(kind), next)
  else m.put32(previous + NEXT, next)
  if (next !== 0) m.put32(next + PREVIOUS, previous)
}
