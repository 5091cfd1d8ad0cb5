/**
 * IP_FRAG: datagrams that are larger than a link carries, RFC 791, 3.2. On their way in their fragments are put
 * together again (reassemble.ts) and handed to their protocol (reassembled.ts); on their way out they are cut
 * (fragment.ts). A profile without it drops fragments and sends nothing that is larger than the MTU.
 */
import type { Core } from '../core.ts'
import type { Drop } from '../drop.ts'
import type { Errno } from '../errno.ts'
import type { Address, Page } from '../memory/arena.ts'
import { sumChain } from '../wire/checksum.ts'
import type { Sending } from './datagram.ts'
import { layInFragments, sendInFragments } from './fragment.ts'
import { fragmentInput, giveUp, reassemblyTimer } from './reassemble.ts'

/** How many datagrams may wait for their fragments; memory bounds them too. */
export interface ReassemblyBounds {
  /** Buckets by source, destination, protocol and identification; a power of 2. */
  readonly buckets: number
  /** The most datagrams in one bucket. */
  readonly chain: number
}

/** How datagrams of several frames are taken: IP_FRAG, or IP_FRAG_SMALL with the bounds of a small host. */
export interface IpFragments {
  readonly bounds: ReassemblyBounds
  /** The fragment at `ip` in the input page, `total` bytes, its header checked. */
  input(s: Core, ip: Address, headerLength: number, total: number, toAll: boolean): Drop
  /** The datagram's time is up. */
  expired(s: Core, reassembly: Address): void
  /** Drops the datagram that has waited longest, for its memory. False: none waits. */
  makeRoom(s: Core): boolean
  /** See layDatagram, sumDatagram and sendDatagram in datagram.ts. */
  lay(s: Core, headerLength: number, data: Uint8Array, mtu: number): Page | Errno
  sum(s: Core, head: Page, length: number): number
  send(
    s: Core,
    head: Page,
    source: number,
    destination: number,
    protocol: number,
    sending: Sending,
  ): 0 | Errno
}

/** The feature IP_FRAG within given bounds. */
export const fragmentsWithin = (bounds: ReassemblyBounds): IpFragments => ({
  bounds,
  input: (s, ip, headerLength, total, toAll) => fragmentInput(s, bounds, ip, headerLength, total, toAll),
  expired: reassemblyTimer,
  makeRoom: giveUp,
  lay: layInFragments,
  sum: (s, head, length) => sumChain(s.m, head, length),
  send: sendInFragments,
})

/** IP_FRAG for a host with many peers. */
export const ipFragments = /* @__PURE__ */ fragmentsWithin({ buckets: 1024, chain: 128 })
/** IP_FRAG for a small one. */
export const ipFragmentsSmall = /* @__PURE__ */ fragmentsWithin({ buckets: 16, chain: 32 })
