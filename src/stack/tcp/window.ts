/**
 * The receive window: a promise of memory, RFC 9293, 3.8.6. It is what the connection may still buffer, no more than
 * what the arena has free, and it moves in steps worth a segment (3.8.6.2.2, silly window avoidance). Its right
 * edge never moves left (3.8.6: "SHOULD NOT shrink the window").
 */
import type { Core } from '../core.ts'
import type { Arena } from '../memory/arena.ts'
import {
  FREE_COUNT,
  PAGE_COUNT,
  POOL_PAGES,
  POOL_RECEIVE,
  POOL_STRIDE,
  POOLS_AT,
  RESERVE,
} from '../memory/layout.ts'
import { seqDiff } from './seq.ts'
import { MSS, RCV_EDGE, RCV_NXT, RCV_SCALE, RECV_HEAD, RECV_QUEUED, type Tcb } from './tcb.ts'

/** The window field is 16 bits, shifted by RCV_SCALE where window scaling was agreed on (RFC 7323, 2). */
const WINDOW_FIELD_MAX = 0xffff
/** What a page of received data can hold at least. */
const PAGE_DATA = 1460

/** How much one connection may buffer each way: a quarter of the arena, two segments at least. */
export const bufferShare = (m: Arena): number => Math.max(2, m.get32(PAGE_COUNT) >> 2) * PAGE_DATA

/** What it may offer of that. */
const receiveLimit = (m: Arena, t: Tcb): number =>
  Math.min(bufferShare(m), WINDOW_FIELD_MAX << m.get8(t + RCV_SCALE))

/** RCV.WND as it should be offered now. */
export function receiveWindow(s: Core, t: Tcb): number {
  const { m } = s
  const limit = receiveLimit(m, t)
  const memory = Math.max(Number(mayHear(m, t)), m.get32(FREE_COUNT) - m.get32(RESERVE)) * PAGE_DATA
  const space = Math.min(limit - m.get32(t + RECV_QUEUED), memory)
  const offered = offeredWindow(m, t)
  // 3.8.6.2.2: the edge moves when it can move by min(Fr * RCV.BUFF, Eff.snd.MSS), Fr = 1/2; or by all that memory has.
  return space - offered >= Math.min(limit >> 1, m.get16(t + MSS), memory) ? space : offered
}

/**
 * Whoever has nothing to read may have a page of the reserve, while that is whole or nobody has anything to read: text that
 * two hosts have to say to each other may fill both, and would wait for ever if neither could hear.
 */
export function mayHear(m: Arena, t: Tcb): boolean {
  const unread = m.get32(POOLS_AT + POOL_RECEIVE * POOL_STRIDE + POOL_PAGES)
  return m.get32(t + RECV_HEAD) === 0 && m.get32(FREE_COUNT) >= (unread === 0 ? 1 : m.get32(RESERVE))
}

/** What the peer may still send by what it was told last. */
export const offeredWindow = (m: Arena, t: Tcb): number =>
  Math.max(0, seqDiff(m.get32(t + RCV_EDGE), m.get32(t + RCV_NXT)))
