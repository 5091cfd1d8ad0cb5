/**
 * A segment becomes a frame. Text that begins a page and lies in it whole gets its headers in front of it, in the
 * page's headroom: nothing is copied. Other segments are gathered in the output page.
 */
import { type Core, count, type Emit } from '../core.ts'
import { holdFrame } from '../ethernet/neighbours.ts'
import { putIpHeader } from '../ip/datagram.ts'
import { addressFrame, isReady, NO_ROUTE } from '../ip/route.ts'
import { ipv6For } from '../ip6/word.ts'
import {
  type Address,
  type Arena,
  FRAME_MAX,
  LARGE_FRAME,
  PAGE_FRAME,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  PAGE_SEQ,
  type Page,
} from '../memory/arena.ts'
import { LARGE_AT, NOW_US, OUTPUT_PAGE } from '../memory/layout.ts'
import { tcpOutSegs, tcpRetransSegs } from '../mib.ts'
import {
  clearFlag,
  hasFlag,
  LOCAL_ADDRESS,
  LOCAL_PORT,
  REMOTE_ADDRESS,
  REMOTE_PORT,
  setFlag,
  TTL,
} from '../socket/record.ts'
import { complement, pseudoSum, sumBytes } from '../wire/checksum.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import { IP_CHECKSUM, IP_HEADER, IP_SOURCE, PROTOCOL_TCP } from '../wire/ipv4.ts'
import { IP6_HEADER } from '../wire/ipv6.ts'
import {
  ACK,
  CWR,
  FIN,
  OPTION_MSS,
  OPTION_MSS_LENGTH,
  putTcp,
  SYN,
  TCP_CHECKSUM,
  TCP_HEADER,
} from '../wire/tcp.ts'
import { awaitsAck, startRetransmission } from './clock.ts'
import { flightOf, RTT_AT, RTT_SEQ, SEND_CURSOR } from './flight.ts'
import { linkMss } from './mss.ts'
import { optionsFor } from './options.ts'
import type { OutgoingSegment } from './output.ts'
import { seqDiff, seqGt, seqLe, seqLt, seqMax } from './seq.ts'
import {
  ACKS_OWED,
  CLOCK,
  FLAG_ACK_DELAYED,
  FLAG_CWR,
  FLAG_FIN_SENT,
  FLAG_KEEP_ALIVE,
  FLAG_PROBE,
  FLAG_RETRANSMIT,
  FLAG_SACK,
  FLAG_TIMING,
  LAST_ACK_SENT,
  RCV_EDGE,
  RCV_NXT,
  RCV_SCALE,
  SEND_HEAD,
  SND_MAX,
  SND_NXT,
  SND_WND,
  type Tcb,
} from './tcb.ts'
import { receiveWindow } from './window.ts'

/**
 * Builds the planned segment and hands it to the link, or to the neighbour that has to be found first. False: the
 * link is busy, nothing was sent.
 */
export function emitSegment(s: Core, t: Tcb, out: OutgoingSegment, emit: Emit): boolean {
  const { m } = s
  const destination = m.get32(t + REMOTE_ADDRESS)
  const ipv6 = ipv6For(s, destination)
  const headerLength = headerLengthOf(s, t, out.flags, out.length)
  const headers = headerLength + (ipv6 === undefined ? IP_HEADER : IP6_HEADER)
  const text = out.length === 0 ? gatherAt(m, headers, 0) : locateText(m, t, out, headers)
  const tcp = text - headerLength
  putHeader(s, t, out, tcp, headerLength)
  if (ipv6 !== undefined) return ipv6.sendSegment(s, t, tcp, headerLength + out.length, out.ecn, emit)
  const ip = tcp - IP_HEADER
  const frame = ip - ETH_HEADER
  putIpHeader(
    s,
    ip,
    m.get32(t + LOCAL_ADDRESS),
    destination,
    PROTOCOL_TCP,
    headerLength + out.length,
    m.get8(t + TTL),
  )
  if (s.features.ecn !== undefined && out.ecn !== 0) setEcn(m, ip, out.ecn)
  const sum =
    pseudoSum(m, ip + IP_SOURCE, PROTOCOL_TCP, headerLength + out.length) +
    sumBytes(m, tcp, headerLength + out.length)
  m.put16(tcp + TCP_CHECKSUM, complement(sum))
  const length = ETH_HEADER + IP_HEADER + headerLength + out.length
  const way = addressFrame(s, frame, destination)
  if (isReady(way)) return emit(m.window(frame, length), way)
  // No route is a loss like any other: the retransmission timer deals with it.
  if (way !== NO_ROUTE && length <= FRAME_MAX) holdFrame(s, way, frame, length)
  return true
}

/** Sets the ECN field, which was 0, and the header's checksum by what that adds to the sum (RFC 1624). */
function setEcn(m: Arena, ip: Address, ecn: number): void {
  m.put8(ip + 1, m.get8(ip + 1) | ecn)
  m.put16(ip + IP_CHECKSUM, complement((~m.get16(ip + IP_CHECKSUM) & 0xffff) + (ecn << 8)))
}

/** The segment is on its way: SND.NXT moves, timers start, what was owed is paid. */
export function commitSegment(s: Core, t: Tcb, out: OutgoingSegment): void {
  const { m } = s
  count(s, tcpOutSegs)
  const owed = m.get8(t + ACKS_OWED)
  // Where blocks found no room beside the text, the ACK that carries them is still owed.
  if (owed > 0 && s.features.sack?.leftOut(s, t, out.length) !== true) m.put8(t + ACKS_OWED, owed - 1)
  clearFlag(m, t, FLAG_ACK_DELAYED | FLAG_KEEP_ALIVE)
  m.put32(t + LAST_ACK_SENT, m.get32(t + RCV_NXT))
  const space = out.length + ((out.flags & SYN) !== 0 ? 1 : 0) + ((out.flags & FIN) !== 0 ? 1 : 0)
  if (space === 0) return
  if (s.features.ecn !== undefined && (out.flags & CWR) !== 0) clearFlag(m, t, FLAG_CWR)
  if ((out.flags & FIN) !== 0) setFlag(m, t, FLAG_FIN_SENT)
  const f = flightOf(m, t)
  const end = (out.seq + space) | 0
  const max = m.get32(t + SND_MAX)
  if (seqLt(out.seq, max)) count(s, tcpRetransSegs)
  // Karn (RFC 6298, 3): only a segment that was never sent before is timed, one at a time.
  else if (!hasFlag(m, t, FLAG_TIMING)) {
    setFlag(m, t, FLAG_TIMING)
    m.put32(f + RTT_SEQ, end)
    m.put32(f + RTT_AT, m.get32(NOW_US))
  }
  if (seqGt(end, max)) m.put32(t + SND_MAX, end)
  if (s.features.sack !== undefined && out.length > 0 && hasFlag(m, t, FLAG_SACK))
    s.features.sack.sent(s, t, out, max)
  else clearFlag(m, t, FLAG_RETRANSMIT)
  if (hasFlag(m, t, FLAG_PROBE) && m.get32(t + SND_WND) === 0) {
    // The byte of a probe does not move SND.NXT, and the persist timer goes on.
    clearFlag(m, t, FLAG_PROBE | FLAG_TIMING)
    return
  }
  clearFlag(m, t, FLAG_PROBE)
  m.put32(t + SND_NXT, seqMax(m.get32(t + SND_NXT), end))
  // RFC 6298, 5.1: start the timer if it is not running. Text in flight ends persisting.
  s.features.rack?.restartProbe(s, t, out, max)
  if (!awaitsAck(m.get8(t + CLOCK))) startRetransmission(s, t)
}

function putHeader(s: Core, t: Tcb, out: OutgoingSegment, at: Address, headerLength: number): void {
  const { view } = s.m
  const { m } = s
  const window = windowField(s, t, out.flags)
  const acknowledgment = (out.flags & ACK) !== 0 ? m.get32(t + RCV_NXT) : 0
  putTcp(
    view,
    at,
    m.get16(t + LOCAL_PORT),
    m.get16(t + REMOTE_PORT),
    out.seq,
    acknowledgment,
    headerLength,
    out.flags,
    window,
  )
  if ((out.flags & SYN) !== 0) {
    // RFC 9293, 3.7.1 (MUST-67): the MTU less the fixed headers, whatever options may come.
    view.setUint16(at + TCP_HEADER, (OPTION_MSS << 8) | OPTION_MSS_LENGTH)
    view.setUint16(at + TCP_HEADER + 2, linkMss(s, m.get32(t + REMOTE_ADDRESS)))
  }
  let option = at + TCP_HEADER + mssLength(out.flags)
  for (const each of optionsFor(s, out.flags)) {
    const size = each.size(s, t, out.flags, out.length)
    if (size === 0) continue
    each.write(s, t, out.flags, option, size)
    option += size
  }
}

const mssLength = (flags: number): number => ((flags & SYN) !== 0 ? OPTION_MSS_LENGTH : 0)

/** Bytes of the header of a segment with these flags and `text` bytes behind it, options counted: 20 … 60. */
export function headerLengthOf(s: Core, t: Tcb, flags: number, text: number): number {
  let length = TCP_HEADER + mssLength(flags)
  for (const option of optionsFor(s, flags)) length += option.size(s, t, flags, text)
  return length
}

/**
 * The window to write, and RCV.NXT + RCV.WND as the peer will understand it. RFC 7323, 2.2: in a SYN it is never scaled;
 * 2.4: what scaling cuts off the end is still accepted, since it was offered before.
 */
function windowField(s: Core, t: Tcb, flags: number): number {
  const { m } = s
  const shift = (flags & SYN) !== 0 ? 0 : m.get8(t + RCV_SCALE)
  const field = Math.min(0xffff, receiveWindow(s, t) >> shift)
  const edge = (m.get32(t + RCV_NXT) + (field << shift)) | 0
  if ((flags & ACK) !== 0) m.put32(t + RCV_EDGE, seqMax(edge, m.get32(t + RCV_EDGE)))
  return field
}

/** In the output page, or where large frames have their room: both 2 modulo 4 before the Ethernet header. */
const gatherAt = (m: Arena, headers: number, length: number): Address =>
  (length + headers + ETH_HEADER > FRAME_MAX
    ? m.get32(LARGE_AT) + LARGE_FRAME
    : m.get32(OUTPUT_PAGE) + PAGE_FRAME) +
  ETH_HEADER +
  headers

/** Where the segment's text stands, with room before it for the headers of IP and TCP. */
function locateText(m: Arena, t: Tcb, out: OutgoingSegment, headers: number): Address {
  // Text that goes with a SYN stands behind the SYN's own number.
  const seq = (out.seq + ((out.flags & SYN) >> 1)) | 0
  let page = findPage(m, t, seq)
  if (out.seq === m.get32(t + SND_NXT)) m.put32(flightOf(m, t) + SEND_CURSOR, page)
  let from = seqDiff(seq, m.get32(page + PAGE_SEQ))
  out.page = page
  if (from === 0 && out.length <= m.get16(page + PAGE_LENGTH)) return page + m.get16(page + PAGE_OFFSET)
  const text = gatherAt(m, headers, out.length)
  for (let done = 0; done < out.length; ) {
    const piece = Math.min(out.length - done, m.get16(page + PAGE_LENGTH) - from)
    const at = page + m.get16(page + PAGE_OFFSET) + from
    m.bytes.copyWithin(text + done, at, at + piece)
    done += piece
    from = 0
    page = m.get32(page + PAGE_NEXT)
  }
  return text
}

/** The page that holds the byte `seq`, which is queued. */
function findPage(m: Arena, t: Tcb, seq: number): Page {
  const cursor = m.get32(flightOf(m, t) + SEND_CURSOR)
  let page = cursor !== 0 && seqLe(m.get32(cursor + PAGE_SEQ), seq) ? cursor : m.get32(t + SEND_HEAD)
  while (seqDiff(seq, m.get32(page + PAGE_SEQ)) >= m.get16(page + PAGE_LENGTH))
    page = m.get32(page + PAGE_NEXT)
  return page
}
