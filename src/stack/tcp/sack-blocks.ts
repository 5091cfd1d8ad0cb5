/**
 * SACK's receiving side, RFC 2018 and RFC 2883: the options, and the blocks that our ACKs carry. Blocks are read off the
 * queue of what is held out of order; each page there knows how late it came, so the block that changed last stands first.
 */
import type { Core } from '../core.ts'
import { type Address, type Arena, PAGE_ARRIVAL, PAGE_NEXT, PAGE_SEQ, type Page } from '../memory/arena.ts'
import { TWICE_FOR, TWICE_FROM, TWICE_TO } from '../memory/layout.ts'
import { hasFlag, setFlag } from '../socket/record.ts'
import { ACK, OPTION_NOP, OPTION_SACK, OPTION_SACK_PERMITTED, SYN } from '../wire/tcp.ts'
import type { TcpOption } from './options.ts'
import { endOf } from './reassembly.ts'
import { seqLe, seqLt } from './seq.ts'
import { FLAG_SACK, FLAG_TIMESTAMPS, MSS, OUT_OF_ORDER, type Tcb } from './tcb.ts'

const BLOCK = 8
/** Kind and length behind two NOPs, so that the blocks are aligned. */
const BEFORE_BLOCKS = 4
/** The header has room for 40 bytes of options; timestamps take 12 of them (RFC 2018, 3: then three blocks fit, else four). */
const OPTIONS_MAX = 40
const TIMESTAMPS_SPACE = 12

/** The blocks of the ACK that is being written, newest first: left and right edges, and when each changed last. */
const lefts = new Int32Array(4)
const rights = new Int32Array(4)
const arrivals = new Int32Array(4)

/** RFC 2018, 2: kind 4, two bytes, in SYNs alone. */
export const sackPermitted: TcpOption = {
  kind: OPTION_SACK_PERMITTED,

  read(s, _at, length) {
    if (length !== 2) return false
    s.segment.sackPermitted = true
    return true
  },

  negotiate(s, t) {
    if (s.segment.sackPermitted) setFlag(s.m, t, FLAG_SACK)
    // What an earlier connection left under this record's address is not ours.
    if (s.m.get32(TWICE_FOR) === t) s.m.put32(TWICE_FOR, 0)
  },

  // RFC 2018, 2: in a SYN; in a SYN,ACK when it was in the SYN.
  size: (s, t, flags) =>
    (flags & SYN) !== 0 && ((flags & ACK) === 0 || hasFlag(s.m, t, FLAG_SACK)) ? BEFORE_BLOCKS : 0,

  write(s, _t, _flags, at) {
    s.m.put16(at, (OPTION_NOP << 8) | OPTION_NOP)
    s.m.put8(at + 2, OPTION_SACK_PERMITTED)
    s.m.put8(at + 3, 2)
  },
}

/** RFC 2018, 3: kind 5, eight bytes a block, in ACKs while something is held out of order. */
export const sackBlocks: TcpOption = {
  kind: OPTION_SACK,

  read(s, at, length) {
    if (length < 2 + BLOCK || (length - 2) % BLOCK !== 0) return false
    s.segment.blocksAt = at + 2
    s.segment.blocks = (length - 2) / BLOCK
    return true
  },

  negotiate() {},

  size(s, t, flags, length) {
    if (!hasBlocks(s.m, t) || (flags & (SYN | ACK)) !== ACK) return 0
    const room = roomFor(s.m, t, length)
    return room === 0 ? 0 : BEFORE_BLOCKS + gather(s.m, t, room) * BLOCK
  },

  /** The blocks are those that `size` has just gathered. */
  write(s, _t, _flags, at, size) {
    const { m } = s
    m.put16(at, (OPTION_NOP << 8) | OPTION_NOP)
    m.put8(at + 2, OPTION_SACK)
    m.put8(at + 3, size - 2)
    for (let i = 0; BEFORE_BLOCKS + i * BLOCK < size; i++) {
      m.view.setInt32(at + BEFORE_BLOCKS + i * BLOCK, lefts[i] as number)
      m.view.setInt32(at + BEFORE_BLOCKS + i * BLOCK + 4, rights[i] as number)
    }
  },
}

const hasBlocks = (m: Arena, t: Tcb): boolean =>
  (m.get32(t + OUT_OF_ORDER) !== 0 || m.get32(TWICE_FOR) === t) && hasFlag(m, t, FLAG_SACK)

/** How many blocks fit, in the header and, beside the text, in the largest segment. */
function roomFor(m: Arena, t: Tcb, length: number): number {
  const options = OPTIONS_MAX - (hasFlag(m, t, FLAG_TIMESTAMPS) ? TIMESTAMPS_SPACE : 0)
  return Math.max(0, (Math.min(options, m.get16(t + MSS) - length) - BEFORE_BLOCKS) >> 3)
}

/**
 * A segment with `length` bytes of text has left. True: it was too full for blocks that should have gone with its ACK, and
 * that ACK must go without text (RFC 2018, 4: they "SHOULD be included in all ACKs which do not ACK the highest sequence
 * number in the data receiver's queue").
 */
export function blocksLeftOut(m: Arena, t: Tcb, length: number): boolean {
  if (!hasBlocks(m, t)) return false
  if (roomFor(m, t, length) === 0) return true
  // RFC 2883, 4 (1): "each duplicate contiguous sequence ... is reported in at most one D-SACK block".
  if (m.get32(TWICE_FOR) === t) m.put32(TWICE_FOR, 0)
  return false
}

/**
 * Gathers up to `most` blocks, one at least. RFC 2883, 4 (2): what came twice comes first. RFC 2018, 4: then the block with the segment
 * that came last, then those that were reported before, the most recent ones first.
 */
function gather(m: Arena, t: Tcb, most: number): number {
  let count = 0
  if (m.get32(TWICE_FOR) === t) {
    lefts[0] = m.get32(TWICE_FROM)
    rights[0] = m.get32(TWICE_TO)
    arrivals[0] = 0x7fffffff
    count = 1
  }
  for (let page = m.get32(t + OUT_OF_ORDER); page !== 0; ) {
    const left = m.get32(page + PAGE_SEQ)
    let right = endOf(m, page)
    let arrival = m.get32(page + PAGE_ARRIVAL)
    page = m.get32(page + PAGE_NEXT)
    for (; page !== 0 && m.get32(page + PAGE_SEQ) === right; page = m.get32(page + PAGE_NEXT)) {
      right = endOf(m, page)
      arrival = Math.max(arrival, m.get32(page + PAGE_ARRIVAL))
    }
    count = file(left, right, arrival, count, most)
  }
  return count
}

/** Files a block among `count` others by its age; returns how many there are then. */
function file(left: number, right: number, arrival: number, count: number, most: number): number {
  let i = Math.min(count, most - 1)
  if (count === most && arrival < (arrivals[i] as number)) return count
  for (; i > 0 && arrival > (arrivals[i - 1] as number); i--) {
    lefts[i] = lefts[i - 1] as number
    rights[i] = rights[i - 1] as number
    arrivals[i] = arrivals[i - 1] as number
  }
  lefts[i] = left
  rights[i] = right
  arrivals[i] = arrival
  return Math.min(count + 1, most)
}

/** `page` was put into the queue, or some of its text came again: its block is the newest. */
export function isNewest(m: Arena, t: Tcb, page: Page): void {
  let newest = 0
  for (let other = m.get32(t + OUT_OF_ORDER); other !== 0; other = m.get32(other + PAGE_NEXT))
    if (other !== page) newest = Math.max(newest, m.get32(other + PAGE_ARRIVAL))
  m.put32(page + PAGE_ARRIVAL, newest + 1)
}

/**
 * Text that we have came again: the next ACK tells so. One connection at a time is remembered for: when the link is busy a
 * report may get lost, as any ACK may.
 */
export function cameTwice(s: Core, t: Tcb, seq: number, length: number): void {
  const { m } = s
  if (!hasFlag(m, t, FLAG_SACK) || length === 0) return
  m.put32(TWICE_FOR, t)
  m.put32(TWICE_FROM, seq)
  m.put32(TWICE_TO, seq + length)
  // RFC 2883, 4.2: the block that it lies in, if it is held, comes second.
  const page = pageWith(m, t, seq)
  if (page !== 0) isNewest(m, t, page)
}

function pageWith(m: Arena, t: Tcb, seq: number): Address {
  let page = m.get32(t + OUT_OF_ORDER)
  while (page !== 0 && seqLe(endOf(m, page), seq)) page = m.get32(page + PAGE_NEXT)
  return page !== 0 && seqLt(seq, m.get32(page + PAGE_SEQ)) ? 0 : page
}
