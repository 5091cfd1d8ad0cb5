/** Neighbour discovery's messages on their way out, RFC 4861, 4.1, 4.3, 4.4. */
import type { Core } from '../core.ts'
import { layIcmp6, sendIcmp6 } from '../icmp6/send.ts'
import type { Address, Page } from '../memory/arena.ts'
import { MAC_HIGH, MAC_LOW } from '../memory/layout.ts'
import { IP6_DESTINATION } from '../wire/ipv6.ts'
import {
  LINK_OPTION_LENGTH,
  NA_FLAGS,
  NA_OVERRIDE,
  NA_SOLICITED,
  ND_NEIGHBOUR_ADVERTISEMENT,
  ND_NEIGHBOUR_SOLICITATION,
  ND_OPTION_SOURCE,
  ND_OPTION_TARGET,
  ND_ROUTER_SOLICITATION,
  ND_TARGET,
  NS_LENGTH,
  putLinkOption,
  RS_LENGTH,
} from '../wire/nd.ts'
import { ALL_NODES, ALL_ROUTERS, isUnspecified, putLinkGroup, putSolicitedNode } from './kinds.ts'
import { header6At, payload6At } from './output.ts'
import { ADDRESS6, copyAddress } from './records.ts'
import { scratchOf } from './scratch.ts'
import { chooseSource } from './source.ts'

const ND_HOP_LIMIT = 255

/** 7.2.2: asks where the neighbour at `target` is; by unicast, where `n` is its entry, whether it is still there. */
export function solicitNeighbour(s: Core, target: Address, n: Address): void {
  const from = chooseSource(s, target)
  // A host without an address can ask nobody, and has nothing to send.
  if (from === 0) return
  const page = layIcmp6(s, from, target, ND_NEIGHBOUR_SOLICITATION, 0)
  if (page === 0) return
  copyAddress(s.m, payload6At(page) + ND_TARGET, target)
  if (n === 0) putSolicitedNode(s.m, header6At(page) + IP6_DESTINATION, target)
  putOwnMac(s, payload6At(page) + NS_LENGTH, ND_OPTION_SOURCE)
  sendIcmp6(s, page, NS_LENGTH + LINK_OPTION_LENGTH, ND_HOP_LIMIT)
}

/** RFC 4862, 5.4.2: asks from no address who has `a`, which we would like to take. */
export function solicitOwn(s: Core, a: Address): void {
  const page = layIcmp6(s, 0, a + ADDRESS6, ND_NEIGHBOUR_SOLICITATION, 0)
  if (page === 0) return
  copyAddress(s.m, payload6At(page) + ND_TARGET, a + ADDRESS6)
  putSolicitedNode(s.m, header6At(page) + IP6_DESTINATION, a + ADDRESS6)
  sendIcmp6(s, page, NS_LENGTH, ND_HOP_LIMIT)
}

/** 7.2.4: answers that we have the address of `a`; to all nodes when whoever asked has no address yet. */
export function advertise(s: Core, a: Address, to: Address): void {
  const { m } = s
  const page = layIcmp6(s, a + ADDRESS6, to, ND_NEIGHBOUR_ADVERTISEMENT, 0)
  if (page === 0) return
  let flags = NA_SOLICITED | NA_OVERRIDE
  const destination = header6At(page) + IP6_DESTINATION
  if (isUnspecified(m, destination)) {
    putLinkGroup(m, destination, ALL_NODES)
    flags = NA_OVERRIDE
  }
  m.put8(payload6At(page) + NA_FLAGS, flags)
  copyAddress(m, payload6At(page) + ND_TARGET, a + ADDRESS6)
  putOwnMac(s, payload6At(page) + NS_LENGTH, ND_OPTION_TARGET)
  sendIcmp6(s, page, NS_LENGTH + LINK_OPTION_LENGTH, ND_HOP_LIMIT)
}

/** 6.3.7: asks all routers to advertise themselves. */
export function solicitRouters(s: Core): void {
  const group = scratchOf(s.m)
  putLinkGroup(s.m, group, ALL_ROUTERS)
  const from = chooseSource(s, group)
  const page: Page = layIcmp6(s, from, group, ND_ROUTER_SOLICITATION, 0)
  if (page === 0) return
  // 4.1: the option "MUST NOT be included if the Source Address is the unspecified address".
  if (from !== 0) putOwnMac(s, payload6At(page) + RS_LENGTH, ND_OPTION_SOURCE)
  sendIcmp6(s, page, RS_LENGTH + (from === 0 ? 0 : LINK_OPTION_LENGTH), ND_HOP_LIMIT)
}

const putOwnMac = (s: Core, at: Address, option: number): void =>
  putLinkOption(s.m.view, at, option, s.m.get16(MAC_HIGH), s.m.get32(MAC_LOW))
