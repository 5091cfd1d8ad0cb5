/**
 * Frames on their way out: answers and datagrams wait here for the link, each in a page of its own. TCP does not
 * queue frames: its segments are made when the link takes them (tcp/output.ts).
 */
import type { Core } from '../core.ts'
import {
  type Address,
  FRAME_MAX,
  freePage,
  freePages,
  PAGE_FRAME,
  PAGE_LENGTH,
  PAGE_NEXT,
  type Page,
  takePage,
} from '../memory/arena.ts'
import { appendChain, removeBehind } from '../memory/fifo.ts'
import { FRAMES_COUNT, FRAMES_HEAD, MAC_HIGH, MAC_LOW, PAGE_COUNT, POOL_FRAMES } from '../memory/layout.ts'
import { ETH_DESTINATION, ETH_SOURCE, ETH_TYPE, putMac } from '../wire/ethernet.ts'

/**
 * A page for a frame of our own making, 0 when memory is full. Control traffic is `urgent`: it may use the reserve.
 * Fragments that wait for others give way.
 */
export function takeFrame(s: Core, urgent: boolean): Page {
  let page = takePage(s.m, POOL_FRAMES, urgent)
  while (page === 0 && s.features.fragments?.makeRoom(s) === true) page = takePage(s.m, POOL_FRAMES, urgent)
  return page
}

/** Where the frame begins in its page. */
export const frameAt = (page: Page): Address => page + PAGE_FRAME

/** Puts a finished frame into the queue. False: lost. */
export function queueFrame(s: Core, page: Page, length: number): boolean {
  const { m } = s
  if (length > FRAME_MAX) {
    freePage(m, page)
    return false
  }
  m.put16(page + PAGE_LENGTH, length)
  m.put32(page + PAGE_NEXT, 0)
  return queueFrames(s, page)
}

/**
 * Puts the frames of one datagram, a list of pages, into the queue: all of them or none. A queue that holds an eighth of
 * all pages loses them: a link that is stuck must not eat the memory. False: lost.
 */
export function queueFrames(s: Core, head: Page): boolean {
  const { m } = s
  if (m.get32(FRAMES_COUNT) >= Math.max(4, m.get32(PAGE_COUNT) >> 3)) {
    freePages(m, head)
    return false
  }
  m.add32(FRAMES_COUNT, appendChain(m, FRAMES_HEAD, head, PAGE_NEXT))
  return true
}

/** Hands the queue to the link. A frame that the link refuses keeps its place; those behind it may go another way. */
export function emitFrames(s: Core, emit: (frame: Uint8Array) => boolean): void {
  const { m } = s
  let previous = 0
  for (let page = m.get32(FRAMES_HEAD); page !== 0; ) {
    const next = m.get32(page + PAGE_NEXT)
    if (emit(m.window(frameAt(page), m.get16(page + PAGE_LENGTH)))) {
      removeBehind(m, FRAMES_HEAD, previous, page, PAGE_NEXT)
      m.add32(FRAMES_COUNT, -1)
      freePage(m, page)
    } else {
      previous = page
    }
    page = next
  }
}

/** The Ethernet header, from us to the given station. */
export function putEthernet(s: Core, at: Address, macHigh: number, macLow: number, type: number): void {
  const view = s.m.view
  putMac(view, at + ETH_DESTINATION, macHigh, macLow)
  putMac(view, at + ETH_SOURCE, s.m.get16(MAC_HIGH), s.m.get32(MAC_LOW))
  view.setUint16(at + ETH_TYPE, type)
}
