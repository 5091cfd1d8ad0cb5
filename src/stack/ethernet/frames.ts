/**
 * Frames on their way out: answers and datagrams wait here for the link, each in a page of its own. TCP does not
 * queue frames: its segments are made when the link takes them (tcp/output.ts).
 */
import { type Core, count, type Emit } from '../core.ts'
import {
  type Address,
  type Arena,
  FRAME_MAX,
  freePage,
  freePages,
  PAGE_FRAME,
  PAGE_LENGTH,
  PAGE_LINK,
  PAGE_NEXT,
  type Page,
  takePage,
} from '../memory/arena.ts'
import { appendChain, removeBehind } from '../memory/fifo.ts'
import {
  FRAMES_COUNT,
  FRAMES_HEAD,
  LINK_MAC_HIGH,
  LINK_MAC_LOW,
  PAGE_COUNT,
  POOL_FRAMES,
} from '../memory/layout.ts'
import { ipOutDiscards } from '../mib.ts'
import { ETH_DESTINATION, ETH_SOURCE, ETH_TYPE, putMac } from '../wire/ethernet.ts'
import { linkAt } from './links.ts'

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

/** Puts a finished frame into the queue for a link. False: lost. */
export function queueFrame(s: Core, page: Page, length: number, link = 0): boolean {
  const { m } = s
  if (length > FRAME_MAX) {
    freePage(m, page)
    return false
  }
  m.put16(page + PAGE_LENGTH, length)
  m.put32(page + PAGE_NEXT, 0)
  return queueFrames(s, page, link)
}

/** How many frames may wait for their links. */
export const queueLimit = (m: Arena): number => Math.max(4, m.get32(PAGE_COUNT) >> 3)

/**
 * Puts the frames of one datagram, a list of pages, into the queue: all of them or none. A queue that holds an eighth of
 * all pages loses them: a link that is stuck must not eat the memory. False: lost.
 */
export function queueFrames(s: Core, head: Page, link: number): boolean {
  const { m } = s
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) m.put8(page + PAGE_LINK, link)
  if (m.get32(FRAMES_COUNT) >= queueLimit(m)) {
    count(s, ipOutDiscards)
    freePages(m, head)
    return false
  }
  m.add32(FRAMES_COUNT, appendChain(m, FRAMES_HEAD, head, PAGE_NEXT))
  return true
}

/** Hands the queue to the links. A frame that its link refuses keeps its place; those behind it may go another way. */
export function emitFrames(s: Core, emit: Emit): void {
  const { m } = s
  let previous = 0
  for (let page = m.get32(FRAMES_HEAD); page !== 0; ) {
    const next = m.get32(page + PAGE_NEXT)
    if (emit(m.window(frameAt(page), m.get16(page + PAGE_LENGTH)), m.get8(page + PAGE_LINK))) {
      removeBehind(m, FRAMES_HEAD, previous, page, PAGE_NEXT)
      m.add32(FRAMES_COUNT, -1)
      freePage(m, page)
    } else {
      previous = page
    }
    page = next
  }
}

/** The Ethernet header, from us on this link to the given station. */
export function putEthernet(
  s: Core,
  at: Address,
  macHigh: number,
  macLow: number,
  type: number,
  link = 0,
): void {
  const { m } = s
  const { view } = m
  const own = linkAt(m, link)
  putMac(view, at + ETH_DESTINATION, macHigh, macLow)
  putMac(view, at + ETH_SOURCE, m.get16(own + LINK_MAC_HIGH), m.get32(own + LINK_MAC_LOW))
  view.setUint16(at + ETH_TYPE, type)
}
