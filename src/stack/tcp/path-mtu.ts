/**
 * Path MTU discovery: RFC 1191, segments go out with DF, and a router that cannot pass one on says what it could; RFC 4821,
 * 7.7, where no such message comes through: full segments that time out again and again become smaller.
 *
 * A message from anywhere is believed with care (RFC 5927, 7.2): it must be about a segment in flight, and where larger
 * segments may have been acknowledged before it waits, and counts only when that segment times out.
 *
 * Text stands in pages, a segment each; a smaller MSS cuts the pages too, so that what goes out again is whole segments.
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { findDestination, PATH_MTU, wantDestination } from '../ip/destinations.ts'
import { ipv6For } from '../ip6/word.ts'
import {
  type Address,
  type Arena,
  PAGE_FLAGS,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  PAGE_SENT_AT,
  PAGE_SEQ,
  takePage,
} from '../memory/arena.ts'
import { POOL_SEND } from '../memory/layout.ts'
import { startTimer } from '../memory/wheel.ts'
import { hasFlag, REMOTE_ADDRESS } from '../socket/record.ts'
import { IP_HEADER, IP_TOTAL_LENGTH } from '../wire/ipv4.ts'
import { IP6_HEADER, IP6_MTU_MIN } from '../wire/ipv6.ts'
import { TCP_HEADER, TCP_SEQUENCE } from '../wire/tcp.ts'
import { MSS_DEFAULT, visitConnections } from './connection.ts'
import { TEXT_OFFSET } from './queue-text.ts'
import { sendAgain } from './recovery.ts'
import { seqDiff, seqLt } from './seq.ts'
import { CLAIMED_MTU, CLAIMED_SEQ, OFFERED_MSS, settingsOf, wantSettings } from './settings.ts'
import {
  CWND,
  ESTABLISHED,
  FLAG_TIMESTAMPS,
  flightSize,
  ISS,
  MSS,
  RETRIES,
  SEND_HEAD,
  SEND_TAIL,
  SND_MAX,
  SND_UNA,
  stateOf,
  type Tcb,
  TIME_WAIT,
} from './tcb.ts'
import { TIMESTAMPS_SPACE } from './timestamps.ts'
import { isInFlight, senderOf } from './unreachable.ts'

/** The feature PATH_MTU as core code knows it. MTUs are bytes of IP. */
export interface PathMtu {
  /** The connection may send from now on: not more at once than this path is known to carry. */
  begin(s: Core, t: Tcb): void
  /**
   * "Fragmentation needed and DF set" about a segment of ours, whose headers came back: `ip` and `at`. The next link carries
   * `mtu` bytes, 0 if the router does not say.
   */
  tooBig(s: Core, ip: Address, at: Address, mtu: number): Drop
  /** The retransmission timer struck. */
  struck(s: Core, t: Tcb): void
  /** What was known of the path to this address has expired: it may carry more. */
  expired(s: Core, address: number): void
}

/** RFC 1191, 6.3: a path MTU that was learnt is tried anew after ten minutes. */
const BELIEVED_MS = 600_000
/** RFC 791, 3.2: "Every internet module must be able to forward a datagram of 68 octets". */
const MTU_LEAST = 68
/** RFC 1191, 7: what to try where a router does not say, of what Ethernet can send. */
const PLATEAUS = [1492, 1006, 508, 296] as const

/**
 * RFC 4821, 7.7 and 5.1: after how many timeouts in a row, and what to try; then half of that. R1 of RFC 1122, 4.2.3.5 is "at
 * least 3 retransmissions", which the fourth timeout finds in vain: where one segment in seven is lost with its ACK, three in a
 * row would seem a black hole every few minutes.
 */
const BLACK_HOLE_TIMEOUTS = 4
const BLACK_HOLE_MSS = [1024, 536] as const

const isOverIpv6 = (s: Core, t: Tcb): boolean => ipv6For(s, s.m.get32(t + REMOTE_ADDRESS)) !== undefined

/** What stands before the text of a segment. */
const spaceOf = (s: Core, t: Tcb): number =>
  (isOverIpv6(s, t) ? IP6_HEADER : IP_HEADER) +
  TCP_HEADER +
  (hasFlag(s.m, t, FLAG_TIMESTAMPS) ? TIMESTAMPS_SPACE : 0)

/** The MSS becomes smaller; what it was is kept, if there is memory for that, for when the path may carry more. */
function lower(s: Core, t: Tcb, mss: number): void {
  const { m } = s
  const r = wantSettings(m, t)
  if (r !== 0 && m.get16(r + OFFERED_MSS) === 0) m.put16(r + OFFERED_MSS, m.get16(t + MSS))
  m.put16(t + MSS, mss)
  // As where text is queued (user.ts): tiny segments must not cost a page each.
  cutText(m, t, Math.max(mss, MSS_DEFAULT))
}

/**
 * Cuts the pages of text to `most` bytes each, as far as memory goes. A page that stays too large goes out in parts; its marks
 * on the scoreboard then speak of the first, and the retransmission timer sees to the others.
 */
function cutText(m: Arena, t: Tcb, most: number): void {
  for (let page = m.get32(t + SEND_HEAD); page !== 0; page = m.get32(page + PAGE_NEXT)) {
    const rest = m.get16(page + PAGE_LENGTH) - most
    const fresh = rest > 0 ? takePage(m, POOL_SEND, false) : 0
    if (fresh === 0) continue
    const from = page + m.get16(page + PAGE_OFFSET) + most
    m.bytes.copyWithin(fresh + TEXT_OFFSET, from, from + rest)
    m.put16(page + PAGE_LENGTH, most)
    m.put16(fresh + PAGE_OFFSET, TEXT_OFFSET)
    m.put16(fresh + PAGE_LENGTH, rest)
    const seq = (m.get32(page + PAGE_SEQ) + most) | 0
    m.put32(fresh + PAGE_SEQ, seq)
    // Marks speak of what was sent; where that ends in the first piece they are not the other's.
    m.put16(fresh + PAGE_FLAGS, seqLt(seq, m.get32(t + SND_MAX)) ? m.get16(page + PAGE_FLAGS) : 0)
    m.put32(fresh + PAGE_SENT_AT, m.get32(page + PAGE_SENT_AT))
    m.put32(fresh + PAGE_NEXT, m.get32(page + PAGE_NEXT))
    m.put32(page + PAGE_NEXT, fresh)
    if (m.get32(t + SEND_TAIL) === page) m.put32(t + SEND_TAIL, fresh)
  }
}

/** The path carries `mtu` bytes: for this connection now, and for those that begin within ten minutes. */
function learn(s: Core, t: Tcb, mtu: number): void {
  const { m } = s
  const r = wantDestination(s, m.get32(t + REMOTE_ADDRESS))
  if (r !== 0) {
    m.put16(r + PATH_MTU, mtu)
    startTimer(m, r, BELIEVED_MS)
  }
  lower(s, t, mtu - spaceOf(s, t))
}

const plateauBelow = (length: number): number => PLATEAUS.find(plateau => plateau < length) ?? MTU_LEAST

/** The claim that segment `seq`, which is in flight, met a link that carries `claimed` bytes. */
function heed(s: Core, t: Tcb, seq: number, claimed: number): Drop {
  const { m } = s
  // It "cannot be legitimate" when it is no smaller than what we send, or smaller than what every link carries.
  if (claimed < MTU_LEAST || claimed >= m.get16(t + MSS) + spaceOf(s, t) || stateOf(m, t) < ESTABLISHED)
    return dropped(s, Drop.BadPathMtu)
  // So little was acknowledged that no larger segment can have been: "Initial Path-MTU Discovery", honoured at once.
  if ((m.get32(t + SND_UNA) - m.get32(t + ISS)) >>> 0 <= claimed) {
    learn(s, t, claimed)
    // RFC 1191, 6.5: sent again at once, and no sign of congestion.
    sendAgain(s, t, true)
    return Drop.None
  }
  const r = wantSettings(m, t)
  if (r === 0) return dropped(s, Drop.NoMemory)
  m.put16(r + CLAIMED_MTU, claimed)
  m.put32(r + CLAIMED_SEQ, seq)
  return Drop.None
}

/** What was claimed about a segment that has not been acknowledged since, else 0; it counts once. */
function takeClaim(m: Arena, t: Tcb): number {
  const r = settingsOf(m, t)
  if (r === 0) return 0
  const claimed = m.get16(r + CLAIMED_MTU)
  m.put16(r + CLAIMED_MTU, 0)
  return seqDiff(m.get32(r + CLAIMED_SEQ), m.get32(t + SND_UNA)) >= 0 ? claimed : 0
}

/** The feature PATH_MTU. */
export const pathMtu: PathMtu = {
  begin(s, t) {
    const { m } = s
    const r = findDestination(m, m.get32(t + REMOTE_ADDRESS))
    const mtu = r === 0 ? 0 : m.get16(r + PATH_MTU)
    if (mtu !== 0 && mtu - spaceOf(s, t) < m.get16(t + MSS)) lower(s, t, mtu - spaceOf(s, t))
  },

  tooBig(s, ip, at, mtu) {
    const { m } = s
    const t = senderOf(m, ip, at)
    const seq = m.view.getInt32(at + TCP_SEQUENCE)
    if (t === 0) return dropped(s, Drop.NoConnection)
    // RFC 5927, 4.1: about nothing that is in flight.
    if (!isInFlight(m, t, seq)) return dropped(s, Drop.OutsideWindow)
    return heed(s, t, seq, mtu || plateauBelow(m.view.getUint16(ip + IP_TOTAL_LENGTH)))
  },

  struck(s, t) {
    const { m } = s
    const mss = m.get16(t + MSS)
    const claimed = takeClaim(m, t)
    if (claimed !== 0 && claimed < mss + spaceOf(s, t)) return learn(s, t, claimed)
    if (stateOf(m, t) < ESTABLISHED || m.get8(t + RETRIES) < BLACK_HOLE_TIMEOUTS || flightSize(m, t) < mss)
      return
    // RFC 8201, 4: "A node must not reduce its estimate of the Path MTU below the IPv6 minimum link MTU".
    const smaller = isOverIpv6(s, t) ? IP6_MTU_MIN - spaceOf(s, t) : BLACK_HOLE_MSS.find(size => size < mss)
    if (smaller !== undefined && smaller < mss) learn(s, t, smaller + spaceOf(s, t))
  },

  expired(s, address) {
    visitConnections(s.m, t => {
      const { m } = s
      const r = settingsOf(m, t)
      // In TIME-WAIT the window's place holds a link of a list (time-wait.ts).
      if (r === 0 || m.get32(t + REMOTE_ADDRESS) !== address || stateOf(m, t) === TIME_WAIT) return
      if (m.get16(r + OFFERED_MSS) === 0) return
      const mss = m.get16(r + OFFERED_MSS)
      m.put16(t + MSS, mss)
      m.put16(r + OFFERED_MSS, 0)
      // RFC 5681, 3.1: a window of less than one segment would wait for a probe each time.
      if (m.get32(t + CWND) < mss) m.put32(t + CWND, mss)
    })
  },
}
