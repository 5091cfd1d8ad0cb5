/**
 * A packet is whole again; see ip/reassembled.ts. One that fits a frame is gathered in the input page and goes on from the
 * header that stood behind the fragment header; a larger one stays in its chain of pages for UDP's queue, and for echo.
 */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { echoChain } from '../icmp6/echo.ts'
import { gather } from '../ip/gather.ts'
import { type Address, type Arena, FRAME_MAX, freePages, type Page } from '../memory/arena.ts'
import { ip6InDelivers } from '../mib.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import { PROTOCOL_UDP } from '../wire/ipv4.ts'
import { EXT_LENGTH, IP6_HEADER, IP6_NEXT_HEADER, IP6_PAYLOAD_LENGTH, NEXT_ICMP6 } from '../wire/ipv6.ts'
import { takeHeaders } from './input.ts'
import { header6At } from './output.ts'
import { udpChain } from './udp.ts'

/** The chain's pages hold `length` bytes behind the fragment header, which stands `unfragmentable` bytes into the packet. */
export function deliverReassembled6(
  s: Core,
  head: Page,
  unfragmentable: number,
  length: number,
  toAll: boolean,
): Drop {
  const { m } = s
  const first = header6At(head)
  const nextAt = lastNext(m, first, unfragmentable)
  // 4.5: the next header "is obtained from the Next Header field of the first fragment's Fragment header".
  m.put8(nextAt, m.get8(first + unfragmentable))
  m.view.setUint16(first + IP6_PAYLOAD_LENGTH, unfragmentable - IP6_HEADER + length)
  if (ETH_HEADER + unfragmentable + length <= FRAME_MAX) {
    const ip = gather(s, head, unfragmentable)
    const at = ip + unfragmentable
    return takeHeaders(s, ip, ip + (nextAt - first), at, at + length, toAll, true)
  }
  count(s, ip6InDelivers)
  switch (m.get8(nextAt)) {
    case PROTOCOL_UDP:
      return udpChain(s, first, head, length, toAll)
    case NEXT_ICMP6:
      return echoChain(s, first, head, length, toAll)
    default:
      freePages(m, head)
      return dropped(s, Drop.DatagramTooLarge)
  }
}

/** Where the byte stands that named the fragment header, `end` bytes into the packet at `ip`. input.ts has walked this way. */
function lastNext(m: Arena, ip: Address, end: number): Address {
  let nextAt = ip + IP6_NEXT_HEADER
  for (let at = ip + IP6_HEADER; at < ip + end; ) {
    nextAt = at
    at += (m.get8(at + EXT_LENGTH) + 1) * 8
  }
  return nextAt
}
