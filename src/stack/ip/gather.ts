/** A datagram that fits a frame again once its fragments are together becomes one. */
import type { Core } from '../core.ts'
import { frameAt } from '../ethernet/frames.ts'
import { type Address, freePages, PAGE_LENGTH, PAGE_NEXT, PAGE_OFFSET, type Page } from '../memory/arena.ts'
import { INPUT_PAGE } from '../memory/layout.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'

/**
 * Copies the datagram whose fragments' texts stand in the chain into the input page, behind the first `headerLength` bytes
 * of IP that came with the first of them, and frees the chain. Where its IP header is now.
 */
export function gather(s: Core, head: Page, headerLength: number): Address {
  const { m } = s
  const frame = frameAt(m.get32(INPUT_PAGE))
  m.bytes.copyWithin(frame, frameAt(head), frameAt(head) + ETH_HEADER + headerLength)
  let to = frame + ETH_HEADER + headerLength
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) {
    const at = page + m.get16(page + PAGE_OFFSET)
    const length = m.get16(page + PAGE_LENGTH)
    m.bytes.copyWithin(to, at, at + length)
    to += length
  }
  freePages(m, head)
  return frame + ETH_HEADER
}
