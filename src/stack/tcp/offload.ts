/**
 * IP_OFFLOAD: one large frame in the place of many, over a link that announces that it carries them.
 *
 *     sender    text of many pages --gathered, one header, one checksum--> one frame of up to 64 KiB
 *     receiver  the frame --one checksum--> pieces of a page each, every one taken as a segment of its own
 *
 * What costs by the packet (headers, routes, the link, the checksum's start) is paid once for many segments. The rules of
 * TCP see no difference: a sender counts bytes against its windows, and a receiver that takes the pieces one after the
 * other acknowledges, reassembles and runs out of memory as it would for segments that came by themselves.
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { frameAt } from '../ethernet/frames.ts'
import { etherInput, tooLong } from '../ip/input.ts'
import { isOurs } from '../ip/local.ts'
import { linkTo, nextHop } from '../ip/route.ts'
import { ipv6For } from '../ip6/word.ts'
import { type Address, FRAME_MAX, LARGE_FRAME, PAGE, takePage } from '../memory/arena.ts'
import { INPUT_PAGE, LARGE_AT, LARGE_SIZE, PAGE_COUNT, POOL_STANDING } from '../memory/layout.ts'
import { REMOTE_ADDRESS } from '../socket/record.ts'
import { ETH_HEADER, ETH_TYPE, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../wire/ethernet.ts'
import {
  IP_DESTINATION,
  IP_FRAGMENT,
  IP_FRAGMENT_OFFSET,
  IP_MORE_FRAGMENTS,
  IP_PROTOCOL,
  IP_TOTAL_LENGTH,
  PROTOCOL_TCP,
} from '../wire/ipv4.ts'
import { IP6_HEADER, IP6_NEXT_HEADER, IP6_PAYLOAD_LENGTH } from '../wire/ipv6.ts'
import { FIN, PSH, SYN, TCP_HEADER_MAX } from '../wire/tcp.ts'
import { takeSegment } from './input.ts'
import { MSS, type Tcb } from './tcb.ts'

/** The feature IP_OFFLOAD as core code knows it. Sizes are in bytes. */
export interface Offload {
  /** Sets room for one large frame aside, `largest` bytes or what the arena can spare. RangeError when out of range. */
  layOut(s: Core, largest: number): void
  /** Takes a frame that is larger than a page. */
  input(s: Core, frame: Uint8Array): Drop
  /** The segment in `s.segment`, of more text than a page holds, is taken in pieces. */
  takePieces(s: Core): Drop
  /** Bytes of text that one segment may carry: whole segments of MSS, one at least; no more on links behind link 0. */
  textLimit(s: Core, t: Tcb): number
}

/** Text of one piece: what an Ethernet frame would have brought, so that pages fill as they do without offload. */
const PIECE = 1460
/** Room for the headers before the text. */
const HEADERS = ETH_HEADER + IP6_HEADER + TCP_HEADER_MAX
/** RFC 791, 3.1: an IP datagram has 65,535 bytes at most. */
const FRAME_LIMIT = ETH_HEADER + 0xffff

/** Whether the frame at `at` holds a TCP segment for us that is no fragment: nothing else comes this large. */
function isWholeTcp(s: Core, at: Address): boolean {
  const { view } = s.m
  const ip = at + ETH_HEADER
  if (s.features.ipv6 !== undefined && view.getUint16(at + ETH_TYPE) === ETHERTYPE_IPV6)
    return view.getUint8(ip + IP6_NEXT_HEADER) === PROTOCOL_TCP
  return (
    view.getUint16(at + ETH_TYPE) === ETHERTYPE_IPV4 &&
    view.getUint8(ip + IP_PROTOCOL) === PROTOCOL_TCP &&
    isOurs(s.m, view.getInt32(ip + IP_DESTINATION)) &&
    (view.getUint16(ip + IP_FRAGMENT) & (IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET)) === 0
  )
}

/** Where in the frame at `at` its datagram says that it ends. */
const datagramEnd = ({ m: { view } }: Core, at: Address): number =>
  ETH_HEADER +
  (view.getUint16(at + ETH_TYPE) === ETHERTYPE_IPV6
    ? IP6_HEADER + view.getUint16(at + ETH_HEADER + IP6_PAYLOAD_LENGTH)
    : view.getUint16(at + ETH_HEADER + IP_TOTAL_LENGTH))

/** Whether a host is on link 0 itself: a router has no use for a large frame, since the next link does not carry it. */
const isNextTo = (s: Core, remote: number): boolean =>
  ipv6For(s, remote)?.isNextTo(s, remote) ?? (linkTo(s, remote) === 0 && nextHop(s, remote) === remote)

/** The feature IP_OFFLOAD. */
export const offload: Offload = {
  layOut(s, largest) {
    const { m } = s
    if (!(Number.isInteger(largest) && largest >= FRAME_MAX && largest <= FRAME_LIMIT)) {
      throw new RangeError(
        `The link’s largest frame must be a whole number from ${FRAME_MAX} to ${FRAME_LIMIT}; ${largest} is not.`,
      )
    }
    // A sixteenth of the arena at most; it is worth while from two segments on.
    const pages = Math.min(Math.ceil((largest + LARGE_FRAME) / PAGE), m.get32(PAGE_COUNT) >> 4)
    if (pages * PAGE < HEADERS + 2 * PIECE) return
    // The arena is new: pages come one behind the other.
    m.put32(LARGE_AT, takePage(m, POOL_STANDING, true))
    for (let i = 1; i < pages; i++) takePage(m, POOL_STANDING, true)
    m.put32(LARGE_SIZE, Math.min(largest, pages * PAGE - LARGE_FRAME))
  },

  input(s, frame) {
    const { m } = s
    if (frame.length > m.get32(LARGE_SIZE)) return tooLong(s)
    const at = m.get32(LARGE_AT) + LARGE_FRAME
    m.bytes.set(frame, at)
    if (!isWholeTcp(s, at)) return dropped(s, Drop.DatagramTooLarge)
    if (datagramEnd(s, at) > FRAME_MAX) return etherInput(s, at, frame.length)
    // An Ethernet frame with something behind it: it is taken as any other.
    const ordinary = frameAt(m.get32(INPUT_PAGE))
    m.bytes.copyWithin(ordinary, at, at + FRAME_MAX)
    return etherInput(s, ordinary, FRAME_MAX)
  },

  takePieces(s) {
    const { m, segment: g } = s
    const { seq, window, flags, at } = g
    // A SYN brings no such text in practice; what is left of it comes again.
    const length = (flags & SYN) !== 0 ? Math.min(g.length, PIECE) : g.length
    let drop: Drop = Drop.None
    let done = 0
    // Once also for a segment without text, which an absurdly padded frame may hold.
    do {
      const piece = Math.min(PIECE, length - done)
      const text = frameAt(m.get32(INPUT_PAGE)) + HEADERS
      m.bytes.copyWithin(text, at + done, at + done + piece)
      g.seq = (seq + done) | 0
      g.window = window
      g.flags = done + piece < g.length ? flags & ~(FIN | PSH) : flags
      g.at = text
      g.length = piece
      drop = takeSegment(s)
      g.length = length
      done += PIECE
      // Where it was refused, or its connection is over, the rest is for nobody, and one reset says so.
    } while (done < length && drop !== Drop.NoPort && drop !== Drop.NoConnection)
    return drop
  },

  textLimit(s, t) {
    const mss = s.m.get16(t + MSS)
    const room = s.m.get32(LARGE_SIZE) - HEADERS
    return room < mss || !isNextTo(s, s.m.get32(t + REMOTE_ADDRESS)) ? mss : room - (room % mss)
  },
}
