/** Resets, RFC 9293, 3.5.2 and 3.5.3: bare segments that need no connection. */
import { type Core, count } from '../core.ts'
import { takeFrame } from '../ethernet/frames.ts'
import { payloadAt, sendDatagram } from '../ip/datagram.ts'
import { ipv6For } from '../ip6/word.ts'
import type { Address, Page } from '../memory/arena.ts'
import { tcpOutRsts, tcpOutSegs } from '../mib.ts'
import { LOCAL_ADDRESS, LOCAL_PORT, REMOTE_ADDRESS, REMOTE_PORT } from '../socket/record.ts'
import { complement, pseudoSum, sumBytes } from '../wire/checksum.ts'
import { PROTOCOL_TCP } from '../wire/ipv4.ts'
import { ACK, putTcp, RST, TCP_CHECKSUM, TCP_HEADER } from '../wire/tcp.ts'
import { bareSequence } from './output.ts'
import { segmentLength } from './segment.ts'
import type { Tcb } from './tcb.ts'

/**
 * 3.5.2, group 1 and 2: answers the incoming segment with a reset that its sender will believe. Never to a reset.
 */
export function refuseSegment(s: Core): void {
  const g = s.segment
  if ((g.flags & RST) !== 0) return
  if ((g.flags & ACK) !== 0)
    sendReset(s, g.destination, g.source, g.destinationPort, g.sourcePort, g.ack, 0, RST)
  else
    sendReset(
      s,
      g.destination,
      g.source,
      g.destinationPort,
      g.sourcePort,
      0,
      (g.seq + segmentLength(g)) | 0,
      RST | ACK,
    )
}

/** 3.10.5, ABORT: <SEQ=SND.NXT><CTL=RST>, as it was before any timeout. */
export function resetConnection(s: Core, t: Tcb): void {
  const { m } = s
  sendReset(
    s,
    m.get32(t + LOCAL_ADDRESS),
    m.get32(t + REMOTE_ADDRESS),
    m.get16(t + LOCAL_PORT),
    m.get16(t + REMOTE_PORT),
    bareSequence(m, t),
    0,
    RST,
  )
}

function sendReset(
  s: Core,
  from: number,
  to: number,
  localPort: number,
  remotePort: number,
  seq: number,
  ack: number,
  flags: number,
): void {
  const { m } = s
  const page = takeFrame(s, true)
  if (page === 0) return
  putTcp(m.view, bareAt(s, page, to), localPort, remotePort, seq, ack, TCP_HEADER, flags, 0)
  count(s, tcpOutRsts)
  sendBare(s, page, from, to, TCP_HEADER)
}

/** Where a segment to `to` that is sent by sendBare begins in its page. */
export const bareAt = (s: Core, page: Page, to: number): Address =>
  ipv6For(s, to)?.payloadAt(page) ?? payloadAt(page)

/** Sends a segment of `length` bytes without text that stands in `page` and is nobody's: all but its checksum is there. */
export function sendBare(s: Core, page: Page, from: number, to: number, length: number): void {
  const { m } = s
  const ipv6 = ipv6For(s, to)
  count(s, tcpOutSegs)
  if (ipv6 !== undefined) {
    ipv6.send(s, page, from, to, PROTOCOL_TCP, length, TCP_CHECKSUM)
    return
  }
  const at = payloadAt(page)
  m.view.setInt32(at - 8, from)
  m.view.setInt32(at - 4, to)
  m.put16(at + TCP_CHECKSUM, complement(pseudoSum(m, at - 8, PROTOCOL_TCP, length) + sumBytes(m, at, length)))
  sendDatagram(s, page, to, PROTOCOL_TCP, length, from)
}
