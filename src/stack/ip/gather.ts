/** A datagram that fits a frame again once its fragments are together becomes one. */
import type { Core } from '../core.ts'
import { frameAt } from '../ethernet/frames.ts'
import {
  type Address,
  type Arena,
  freePages,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  type Page,
} from '../memory/arena.ts'
import { INPUT_PAGE } from '../memory/layout.ts'
import { CE, ECN_FIELD } from '../tcp/ecn.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'

/**
 * Copies the datagram whose fragments' texts stand in the chain into the input page, behind the first `headerLength` bytes
 * of IP that came with the first of them, and frees the chain. Where its IP header is now.
 */
export function gather(s: Core, head: Page, headerLength: number): Address {
  const { m } = s
  const frame = frameAt(m.get32(INPUT_PAGE))
  const marked = s.features.ecn !== undefined && isMarked(m, head)
  m.bytes.copyWithin(frame, frameAt(head), frameAt(head) + ETH_HEADER + headerLength)
  let to = frame + ETH_HEADER + headerLength
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) {
    const at = page + m.get16(page + PAGE_OFFSET)
    const length = m.get16(page + PAGE_LENGTH)
    m.bytes.copyWithin(to, at, at + length)
    to += length
  }
  freePages(m, head)
  if (marked) m.put8(frame + ECN_AT, m.get8(frame + ECN_AT) | (CE << ecnShift(m, frame)))
  return frame + ETH_HEADER
}

// ---- what the fragments say of congestion ---------------------------------------------------------------------

/** The byte that ends with IPv4's ECN field, and in whose upper half IPv6's stands. */
const ECN_AT = ETH_HEADER + 1
const ecnShift = (m: Arena, frame: Address): number => (m.get8(frame + ETH_HEADER) >> 4 === 6 ? 4 : 0)

/**
 * RFC 3168, 5.3: reassembly "MUST NOT lose indications of congestion": one fragment with CE marks the datagram, unless one of
 * them is not ECN-capable.
 */
function isMarked(m: Arena, head: Page): boolean {
  let found = false
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) {
    const ecn = (m.get8(frameAt(page) + ECN_AT) >> ecnShift(m, frameAt(page))) & ECN_FIELD
    if (ecn === 0) return false
    if (ecn === CE) found = true
  }
  return found
}
