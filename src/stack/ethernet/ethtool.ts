/**
 * NET_ETHTOOL: what `ethtool` tells of a port: what it is, what its rings hold, and what has gone through it. The counts
 * stand in the link's record; bytes as 64-bit floats, exact up to 2^53.
 */
import type { Core } from '../core.ts'
import { ENODEV, type Errno } from '../errno.ts'
import type { Address, Arena } from '../memory/arena.ts'
import {
  FRAMES_COUNT,
  LINK_ERRORS,
  LINK_MTU,
  LINK_RX_BYTES,
  LINK_RX_FRAMES,
  LINK_TX_BYTES,
  LINK_TX_FRAMES,
} from '../memory/layout.ts'
import type { PortFacts } from '../stack.ts'
import { queueLimit } from './frames.ts'
import { isLink, linkAt } from './links.ts'

/** The feature NET_ETHTOOL as core code knows it. Lengths are bytes, Ethernet header included. */
export interface Ethtool {
  /** A frame of `length` bytes has come in by the link whose record stands at `own`, or has gone out by it. */
  received(m: Arena, own: Address, length: number): void
  sent(m: Arena, own: Address, length: number): void
  /** A frame came that is none, or is larger than can be taken. */
  failed(m: Arena, own: Address): void
  /** See Stack.ethtool. */
  facts(s: Core, link: number, into: PortFacts): 0 | Errno
}

/** The feature NET_ETHTOOL. */
export const netEthtool: Ethtool = {
  received(m, own, length) {
    m.add32(own + LINK_RX_FRAMES, 1)
    add64(m, own + LINK_RX_BYTES, length)
  },

  sent(m, own, length) {
    m.add32(own + LINK_TX_FRAMES, 1)
    add64(m, own + LINK_TX_BYTES, length)
  },

  failed: (m, own) => m.add32(own + LINK_ERRORS, 1),

  facts({ m }, link, into) {
    if (!isLink(m, link)) return ENODEV
    const own = linkAt(m, link)
    into.driver = 'lanlet'
    into.up = true
    into.mtu = m.get16(own + LINK_MTU)
    into.rxFrames = m.get32(own + LINK_RX_FRAMES) >>> 0
    into.rxBytes = m.view.getFloat64(own + LINK_RX_BYTES, true)
    into.rxErrors = m.get32(own + LINK_ERRORS) >>> 0
    into.txFrames = m.get32(own + LINK_TX_FRAMES) >>> 0
    into.txBytes = m.view.getFloat64(own + LINK_TX_BYTES, true)
    into.rxRing = 1
    into.txRing = queueLimit(m)
    into.txWaiting = m.get32(FRAMES_COUNT)
    return 0
  },
}

function add64(m: Arena, at: Address, by: number): void {
  m.view.setFloat64(at, m.view.getFloat64(at, true) + by, true)
}
