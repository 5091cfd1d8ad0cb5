/** ICMPv6 messages of one page on their way out: a page with the header's addresses in place, then the rest. */
import { type Core, count } from '../core.ts'
import type { Errno } from '../errno.ts'
import { takeFrame } from '../ethernet/frames.ts'
import { header6At, payload6At, sendPacket } from '../ip6/output.ts'
import { copyAddress } from '../ip6/records.ts'
import type { Address, Page } from '../memory/arena.ts'
import { icmp6OutMsgs } from '../mib.ts'
import { ICMP6_CHECKSUM, ICMP6_ID, ICMP6_TYPE } from '../wire/icmp6.ts'
import { IP6_DESTINATION, IP6_SOURCE, NEXT_ICMP6 } from '../wire/ipv6.ts'

/** A page for a message of this type, its rest of header 0; `from` 0 stands for the unspecified address. 0: memory is full. */
export function layIcmp6(s: Core, from: Address, to: Address, type: number, code: number): Page {
  const { m } = s
  const page = takeFrame(s, true)
  if (page === 0) return 0
  const ip = header6At(page)
  if (from === 0) m.bytes.fill(0, ip + IP6_SOURCE, ip + IP6_DESTINATION)
  else copyAddress(m, ip + IP6_SOURCE, from)
  copyAddress(m, ip + IP6_DESTINATION, to)
  m.put32(payload6At(page) + ICMP6_TYPE, type | (code << 8))
  m.put32(payload6At(page) + ICMP6_ID, 0)
  return page
}

/** Sends the message of `length` bytes. RFC 4861, 11.2: hop limit 255 keeps neighbour discovery on the link. */
export function sendIcmp6(s: Core, page: Page, length: number, hops: number): 0 | Errno {
  count(s, icmp6OutMsgs)
  return sendPacket(s, page, NEXT_ICMP6, length, ICMP6_CHECKSUM, hops)
}
