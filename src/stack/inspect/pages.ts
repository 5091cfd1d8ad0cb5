/**
 * The arena page by page, read from outside: whose each page is, how much is in it, and which socket's data it holds
 * where a list leads to it. For the page's map of memory; nothing here is part of a profile.
 */
import { NEIGHBOUR_KIND } from '../ethernet/neighbours.ts'
import { Arena, ownerOf, PAGE, PAGE_LENGTH, PAGE_NEXT } from '../memory/arena.ts'
import * as layout from '../memory/layout.ts'
import { memoryReport, POOL_NAMES } from '../memory/report.ts'
import { type RecordKind, recordsInPage, recordsInUse } from '../memory/slab.ts'
import { DATAGRAM_KIND, QUEUE_HEAD } from '../socket/datagrams.ts'
import { addressOf, handleOf } from '../socket/socket.ts'
import type { MemoryReport } from '../stack.ts'
import { CONNECTION_KIND, LISTEN, OUT_OF_ORDER, RECV_HEAD, SEND_HEAD, stateOf, type Tcb } from '../tcp/tcb.ts'
import { visitSlab } from './inspect.ts'

/** One entry a page, in the order in which they lie. */
export interface ArenaPages {
  /** The report of the same moment. */
  readonly memory: MemoryReport
  /** The pools' names by their numbers; number 0 is 'free'. */
  readonly poolNames: readonly string[]
  /** Address of the first page, and bytes of each. */
  readonly first: number
  readonly pageSize: number
  /** The number of the pool that holds it. */
  readonly pools: Uint8Array
  /** Records in use where the pool is a slab's, bytes of data else; 0 where nobody can say. */
  readonly fill: Uint16Array
  /** The socket whose data it holds; 0 where that is nobody's or not known. */
  readonly holders: Uint32Array
}

const SLABS: Readonly<Record<number, RecordKind>> = {
  [layout.POOL_CONNECTIONS]: CONNECTION_KIND,
  [layout.POOL_SOCKETS]: DATAGRAM_KIND,
  [layout.POOL_NEIGHBOURS]: NEIGHBOUR_KIND,
}
/** Pools whose pages say in their headers how many bytes they hold. */
const DATA: readonly number[] = [
  layout.POOL_SEND,
  layout.POOL_RECEIVE,
  layout.POOL_OUT_OF_ORDER,
  layout.POOL_DATAGRAMS,
  layout.POOL_FRAGMENTS,
  layout.POOL_FRAMES,
]

/** How many records fit in a page of this pool; undefined where it is no slab. */
export const recordsFit = (pool: number): number | undefined => {
  const kind = SLABS[pool]
  return kind && recordsInPage(kind)
}

/** A copy, made anew by each call: the arena may go on. */
export function inspectPages(arena: ArrayBuffer): ArenaPages {
  const m = new Arena(arena)
  const count = m.get32(layout.PAGE_COUNT)
  const first = m.get32(layout.PAGES_AT)
  const pools = new Uint8Array(arena.slice(layout.PAGE_MAP, layout.PAGE_MAP + count))
  return {
    memory: memoryReport(m),
    poolNames: ['free', ...POOL_NAMES],
    first,
    pageSize: PAGE,
    pools,
    fill: Uint16Array.from(pools, (pool, i) => fillOf(m, pool, first + i * PAGE)),
    holders: holdersIn(m, count, first),
  }
}

function fillOf(m: Arena, pool: number, page: number): number {
  if (SLABS[pool] !== undefined) return recordsInUse(m, page)
  return DATA.includes(pool) ? m.get16(page + PAGE_LENGTH) : 0
}

/** Follows each socket's lists of pages. A page that is not where a list says is left out: the arena may be a broken one. */
function holdersIn(m: Arena, count: number, first: number): Uint32Array {
  const holders = new Uint32Array(count)
  const claim = (head: number, pool: number, socket: number): void => {
    for (let page = head, i = 0; page !== 0 && i < count; page = m.get32(page + PAGE_NEXT), i++) {
      const index = (page - first) / PAGE
      if (!Number.isInteger(index) || index < 0 || index >= count || ownerOf(m, page) !== pool) return
      holders[index] = socket
    }
  }
  visitSlab(m, layout.POOL_CONNECTIONS, CONNECTION_KIND, at => {
    if (stateOf(m, at as Tcb) === LISTEN) return
    const socket = handleOf(m, at)
    claim(m.get32(at + SEND_HEAD), layout.POOL_SEND, socket)
    claim(m.get32(at + RECV_HEAD), layout.POOL_RECEIVE, socket)
    claim(m.get32(at + OUT_OF_ORDER), layout.POOL_OUT_OF_ORDER, socket)
  })
  visitSlab(m, layout.POOL_SOCKETS, DATAGRAM_KIND, at =>
    claim(m.get32(at + QUEUE_HEAD), layout.POOL_DATAGRAMS, handleOf(m, at)),
  )
  return holders
}

/** The numbers of the pages that a socket has something in: its record's, and its data's. */
export function pagesOfSocket(pages: ArenaPages, socket: number): number[] {
  const record = (addressOf(socket) - pages.first) / pages.pageSize
  const found = [...pages.holders.keys()].filter(page => pages.holders[page] === socket)
  return [Math.floor(record), ...found].sort((a, b) => a - b)
}

/** Which of these sockets have their records in this page. */
export const socketsIn = (pages: ArenaPages, page: number, sockets: readonly number[]): number[] =>
  sockets.filter(socket => Math.floor((addressOf(socket) - pages.first) / pages.pageSize) === page)
