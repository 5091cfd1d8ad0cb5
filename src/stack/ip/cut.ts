/**
 * Fragments of a datagram on its way through, RFC 791, 3.2: pieces as large as the next link carries, each with the header of the
 * datagram. It may be a fragment itself: then they continue its offsets, and the last of them is not the last of all.
 */
import { type Core, count } from '../core.ts'
import { frameAt, takeFrame } from '../ethernet/frames.ts'
import { type Address, type Arena, freePages, PAGE_LENGTH, PAGE_NEXT, type Page } from '../memory/arena.ts'
import { ipFragCreates, ipFragFails, ipFragOKs } from '../mib.ts'
import { complement, sumBytes } from '../wire/checksum.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import {
  IP_CHECKSUM,
  IP_FRAGMENT,
  IP_FRAGMENT_OFFSET,
  IP_HEADER,
  IP_MORE_FRAGMENTS,
  IP_TOTAL_LENGTH,
  IP_VERSION_IHL,
} from '../wire/ipv4.ts'

/** RFC 791, 3.1: options of one byte; and the bit of those that stand in every fragment. */
const END = 0
const NO_OPERATION = 1
const COPIED = 0x80

/** Pages with the fragments of the datagram at `ip`, a list; 0: memory is full. */
export function cutForward(s: Core, ip: Address, headerLength: number, total: number, mtu: number): Page {
  const { m } = s
  const length = total - headerLength
  const field = m.view.getUint16(ip + IP_FRAGMENT)
  let [head, last, header] = [0, 0, headerLength]
  for (let done = 0, piece = 0; done < length; done += piece) {
    const page = takeFrame(s, false)
    if (page === 0) {
      count(s, ipFragFails)
      freePages(m, head)
      return 0
    }
    if (head === 0) head = page
    else m.put32(last + PAGE_NEXT, page)
    const to = frameAt(page) + ETH_HEADER
    m.bytes.copyWithin(to, ip, ip + headerLength)
    if (done > 0) header = keepCopied(m, to, headerLength)
    const room = mtu - header
    piece = Math.min(length - done, length - done <= room ? room : room & ~7)
    const more = done + piece < length ? IP_MORE_FRAGMENTS : field & IP_MORE_FRAGMENTS
    m.bytes.copyWithin(to + header, ip + headerLength + done, ip + headerLength + done + piece)
    m.view.setUint16(to + IP_FRAGMENT, more | ((field & IP_FRAGMENT_OFFSET) + (done >> 3)))
    m.view.setUint16(to + IP_TOTAL_LENGTH, header + piece)
    m.put16(to + IP_CHECKSUM, 0)
    m.put16(to + IP_CHECKSUM, complement(sumBytes(m, to, header)))
    m.put16(page + PAGE_LENGTH, ETH_HEADER + header + piece)
    count(s, ipFragCreates)
    last = page
  }
  count(s, ipFragOKs)
  return head
}

/** Leaves in a header, whose options were checked, those that stand in every fragment. Its new length. */
function keepCopied(m: Arena, ip: Address, headerLength: number): number {
  let to = ip + IP_HEADER
  for (let at = to, size = 1; at < ip + headerLength && m.get8(at) !== END; at += size) {
    size = m.get8(at) === NO_OPERATION ? 1 : Math.max(1, m.get8(at + 1))
    if ((m.get8(at) & COPIED) === 0) continue
    m.bytes.copyWithin(to, at, Math.min(at + size, ip + headerLength))
    to += size
  }
  for (; (to & 3) !== (ip & 3); to++) m.put8(to, END)
  m.put8(ip + IP_VERSION_IHL, 0x40 | ((to - ip) >> 2))
  return to - ip
}
