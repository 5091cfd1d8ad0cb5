/**
 * SYN_COOKIES, RFC 4987, 3.6: when a listener's backlog is full, a SYN is answered without a record of it. What the record
 * would hold is in our own ISS, which the ACK of the handshake brings back:
 *
 *     31      27 26   24 23                                0
 *     +---------+-------+----------------------------------+
 *     |  time   |  MSS  | peer's ISS + keyed hash of the   |
 *     |         |       | rest of what it is for           |
 *     +---------+-------+----------------------------------+
 *
 * and, where the SYN had timestamps, the window scale is in the low bits of ours, which the peer echoes.
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { takeFrame } from '../ethernet/frames.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { NOW_MS } from '../memory/layout.ts'
import {
  ACK,
  OPTION_MSS,
  OPTION_MSS_LENGTH,
  OPTION_NOP,
  OPTION_TIMESTAMPS,
  OPTION_WINDOW_SCALE,
  putTcp,
  RST,
  SYN,
  TCP_HEADER,
} from '../wire/tcp.ts'
import { MSS_DEFAULT } from './connection.ts'
import { keyedHash, keyOf } from './isn.ts'
import { bear, PROMISED } from './listen.ts'
import { linkMss } from './mss.ts'
import { bareAt, sendBare } from './reset.ts'
import { BACKLOG, ISS, OVERFLOW_AT, RCV_EDGE, RCV_NXT, READY, SND_MAX, SND_NXT, type Tcb } from './tcb.ts'
import { ourClock } from './timestamps.ts'
import { bufferShare } from './window.ts'
import { shiftFor } from './window-scale.ts'

/** The feature SYN_COOKIES as core code knows it; RFC 4987, 3.6. */
export interface SynCookies {
  /** Answers the SYN in `s.segment`, for which the listener has no room. */
  answer(s: Core, listener: Tcb): Drop
  /**
   * The connection that the ACK in `s.segment` completes, in SYN-RECEIVED; 0 when it brings no cookie back. PROMISED: it does, but
   * what the peer said first is still on its way.
   */
  redeem(s: Core, listener: Tcb): Tcb | typeof PROMISED
}

/** The values of the MSS that a cookie can hold: the largest that is no more than the peer's counts. */
const MSS_TABLE = [128, 536, 1000, 1220, 1300, 1400, 1440, 1460] as const

/** A cookie's clock ticks every 65.5 s; it is good in its own step and the next. */
const TIME_SHIFT = 16
const TIME_MASK = 31
const LIFE_STEPS = 1
/** A cookie is believed only when there was reason to send one within its life. */
const LIFE_MS = (LIFE_STEPS + 1) << TIME_SHIFT
/** Keeps these hashes apart from those of the initial sequence numbers, which have a port here. */
const DOMAIN = 0x53594e43
const HASH_MASK = 0xffffff

/** The low bits of a timestamp: the peer's window scale, NO_SCALE without one. */
const SCALE_MASK = 15
const NO_SCALE = 15

const stepNow = (m: Arena): number => (m.get32(NOW_MS) >>> TIME_SHIFT) & TIME_MASK

/** The cookie for the peer's ISS, at a time and with an MSS of the table. */
function cookieFor(s: Core, irs: number, step: number, mss: number): number {
  const { m, segment: g } = s
  const tuple = keyedHash(
    m,
    keyOf(s, g.destination),
    keyOf(s, g.source),
    (g.destinationPort << 16) | g.sourcePort,
  )
  const top = (step << 3) | mss
  return (top << 24) | ((keyedHash(m, tuple, top, DOMAIN) + irs) & HASH_MASK)
}

function indexOfMss(offered: number): number {
  let i = MSS_TABLE.length - 1
  while ((MSS_TABLE[i] ?? 0) > offered) i--
  return i
}

function answer(s: Core, listener: Tcb): Drop {
  const { m, segment: g } = s
  const offered = g.mss || MSS_DEFAULT
  // A queue that is full of connections which only wait to be accepted has no room for one more either.
  if (m.get16(listener + READY) >= m.get16(listener + BACKLOG) || offered < MSS_TABLE[0])
    return dropped(s, Drop.Backlog)
  const page = takeFrame(s, true)
  if (page === 0) return dropped(s, Drop.NoMemory)
  m.put32(listener + OVERFLOW_AT, m.get32(NOW_MS) | 1)
  const cookie = cookieFor(s, g.seq, stepNow(m), indexOfMss(offered))
  const at = bareAt(s, page, g.source)
  const length = TCP_HEADER + putOptions(s, at + TCP_HEADER)
  putTcp(m.view, at, g.destinationPort, g.sourcePort, cookie, (g.seq + 1) | 0, length, SYN | ACK, window(m))
  sendBare(s, page, g.destination, g.source, length)
  return Drop.None
}

/** What is offered in the SYN,ACK, and what the connection will have promised. */
const window = (m: Arena): number => Math.min(0xffff, bufferShare(m))

/** MSS, and timestamps and window scale where the SYN has them and we do. Returns their length. */
function putOptions(s: Core, at: Address): number {
  const { m, segment: g } = s
  const { view } = m
  m.put8(at, OPTION_MSS)
  m.put8(at + 1, OPTION_MSS_LENGTH)
  view.setUint16(at + 2, linkMss(s, g.source))
  if (!g.stamped) return 4
  view.setUint32(at + 4, (OPTION_NOP << 24) | (OPTION_NOP << 16) | (OPTION_TIMESTAMPS << 8) | 10)
  view.setInt32(at + 8, markedClock(m, g.shift < 0 ? NO_SCALE : g.shift))
  view.setInt32(at + 12, g.tsval)
  if (g.shift < 0) return 16
  view.setUint32(at + 16, (OPTION_NOP << 24) | (OPTION_WINDOW_SCALE << 16) | (3 << 8) | shiftFor(s))
  return 20
}

/** Our clock, its low bits replaced, and not ahead of itself: later timestamps must not be smaller. */
function markedClock(m: Arena, bits: number): number {
  const clock = ourClock(m)
  const marked = (clock & ~SCALE_MASK) | bits
  return marked - clock > 0 ? marked - SCALE_MASK - 1 : marked
}

function redeem(s: Core, listener: Tcb): Tcb | typeof PROMISED {
  const { m, segment: g } = s
  const nobody = 0 as Tcb
  const overflow = m.get32(listener + OVERFLOW_AT)
  if ((g.flags & (SYN | ACK | RST)) !== ACK || overflow === 0) return nobody
  if (
    ((m.get32(NOW_MS) - overflow) | 0) > LIFE_MS ||
    m.get16(listener + READY) >= m.get16(listener + BACKLOG)
  )
    return nobody
  const cookie = (g.ack - 1) | 0
  const step = cookie >>> 27
  const mss = (cookie >>> 24) & 7
  if (((stepNow(m) - step) & TIME_MASK) > LIFE_STEPS) return nobody
  // How far the segment is behind the SYN. None can be farther than the window that a cookie offers, which has no scale.
  const beyond = (cookieFor(s, (g.seq - 1) | 0, step, mss) - cookie) & HASH_MASK
  if (beyond > 0) return beyond > 0xffff ? nobody : PROMISED
  return rebuild(s, listener, cookie, MSS_TABLE[mss] ?? MSS_DEFAULT)
}

/** The connection as it would stand had it been kept: SYN-RECEIVED, its SYN,ACK sent. */
function rebuild(s: Core, listener: Tcb, cookie: number, mss: number): Tcb {
  const { m, segment: g } = s
  // The segment stands for the SYN that was, while its connection is made.
  g.seq = (g.seq - 1) | 0
  g.mss = mss
  const scale = g.tsecr & SCALE_MASK
  g.shift = g.stamped && scale !== NO_SCALE ? scale : -1
  const t = bear(s, listener, cookie)
  g.seq = (g.seq + 1) | 0
  if (t === 0) return t
  m.put32(t + SND_NXT, (m.get32(t + ISS) + 1) | 0)
  m.put32(t + SND_MAX, m.get32(t + SND_NXT))
  m.put32(t + RCV_EDGE, (m.get32(t + RCV_NXT) + window(m)) | 0)
  return t
}

/** The feature SYN_COOKIES. */
export const synCookies: SynCookies = { answer, redeem }
