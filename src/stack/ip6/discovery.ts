/** Solicitations and advertisements of neighbours arrive, RFC 4861, 7.2. What all messages must be was checked (icmp6/input.ts). */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { MAC_HIGH, MAC_LOW } from '../memory/layout.ts'
import { ETH_HEADER, ETH_SOURCE, macHigh, macLow } from '../wire/ethernet.ts'
import { IP6_DESTINATION, IP6_SOURCE } from '../wire/ipv6.ts'
import {
  findNdOption,
  LINK_OPTION_LENGTH,
  LINK_OPTION_MAC,
  NA_FLAGS,
  NA_OVERRIDE,
  NA_ROUTER,
  NA_SOLICITED,
  ND_OPTION_SOURCE,
  ND_OPTION_TARGET,
  ND_TARGET,
  NS_LENGTH,
} from '../wire/nd.ts'
import { DUPLICATE, findOwn, TENTATIVE } from './addresses.ts'
import { isDuplicate, isTested } from './duplicates.ts'
import { isMulticast6, isUnspecified, putSolicitedNode } from './kinds.ts'
import {
  confirmNeighbour,
  findNeighbour6,
  hasMac6,
  INCOMPLETE,
  IS_ROUTER,
  makeNeighbour6,
  REACHABLE,
  releaseHeld,
  setMac6,
  suspectNeighbour,
} from './neighbours.ts'
import { ADDRESS6, isSame, STATE6 } from './records.ts'
import { setRouter } from './routers.ts'
import { scratchOf } from './scratch.ts'
import { advertise } from './solicit.ts'

/** 7.2.3: somebody asks for an address, which may be ours. */
export function neighbourSolicited(s: Core, ip: Address, at: Address, length: number): Drop {
  const { m } = s
  const source = ip + IP6_SOURCE
  const option = findNdOption(m.view, at + NS_LENGTH, at + length, ND_OPTION_SOURCE, LINK_OPTION_LENGTH)
  const testing = isUnspecified(m, source)
  if (isMulticast6(m, at + ND_TARGET)) return dropped(s, Drop.BadDiscovery)
  // 7.1.1: who has no address asks the solicited-node group, and names no link-layer address.
  if (testing && (option !== 0 || !isToSolicitedNode(s, ip, at))) return dropped(s, Drop.BadDiscovery)
  const own = findOwn(m, at + ND_TARGET)
  if (own === 0 || m.get8(own + STATE6) === DUPLICATE) return Drop.None
  if (m.get8(own + STATE6) === TENTATIVE) {
    // RFC 4862, 5.4.3: another host tests it as well, unless our own question has come back to us; a question from an
    // address is none of ours to answer yet.
    if (!testing || isFromUs(m, ip)) return Drop.None
    isDuplicate(s, own)
    return dropped(s, Drop.AddressConflict)
  }
  if (!testing && option !== 0) learn(s, source, option)
  advertise(s, own, source)
  return Drop.None
}

/** Whether the frame of the packet at `ip` was ours, which the link has looped back. */
function isFromUs(m: Arena, ip: Address): boolean {
  const source = ip - ETH_HEADER + ETH_SOURCE
  return macHigh(m.view, source) === m.get16(MAC_HIGH) && macLow(m.view, source) === m.get32(MAC_LOW)
}

function isToSolicitedNode(s: Core, ip: Address, at: Address): boolean {
  putSolicitedNode(s.m, scratchOf(s.m), at + ND_TARGET)
  return isSame(s.m, ip + IP6_DESTINATION, scratchOf(s.m))
}

/**
 * A message from the address at `source` named its link-layer address in the option at `option`: 7.2.3, 6.3.4, 8.3. A
 * new entry, or one that was known otherwise, is STALE: where it is was told, but not that it hears us. Its entry, 0 when
 * there is no room.
 */
export function learn(s: Core, source: Address, option: Address): Address {
  const { m } = s
  const high = macHigh(m.view, option + LINK_OPTION_MAC)
  const low = macLow(m.view, option + LINK_OPTION_MAC)
  // A group is nobody's address.
  if ((high & 0x100) !== 0) return 0
  const n = findNeighbour6(m, source) || makeNeighbour6(s, source)
  if (n === 0) return 0
  if (m.get8(n + STATE6) !== INCOMPLETE && hasMac6(m, n, high, low)) return n
  setMac6(m, n, high, low)
  suspectNeighbour(s, n)
  releaseHeld(s, n)
  return n
}

/** 7.2.5: an answer, or news; and RFC 4862, 5.4.4: somebody has an address that we test. */
export function neighbourAdvertised(s: Core, ip: Address, at: Address, length: number): Drop {
  const { m } = s
  const flags = m.get8(at + NA_FLAGS)
  const solicited = (flags & NA_SOLICITED) !== 0
  if (isMulticast6(m, at + ND_TARGET)) return dropped(s, Drop.BadDiscovery)
  if (solicited && isMulticast6(m, ip + IP6_DESTINATION)) return dropped(s, Drop.BadDiscovery)
  const own = findOwn(m, at + ND_TARGET)
  if (own !== 0) {
    if (isTested(m, own) && !isFromUs(m, ip)) isDuplicate(s, own)
    return dropped(s, Drop.AddressConflict)
  }
  const n = findNeighbour6(m, at + ND_TARGET)
  // "There is no need to create an entry if none exists".
  if (n === 0) return Drop.None
  const option = findNdOption(m.view, at + NS_LENGTH, at + length, ND_OPTION_TARGET, LINK_OPTION_LENGTH)
  if (m.get8(n + STATE6) === INCOMPLETE) return found(s, n, option, solicited, flags)
  return renew(s, n, option, solicited, flags)
}

/** It answers for the first time. */
function found(s: Core, n: Address, option: Address, solicited: boolean, flags: number): Drop {
  const { m } = s
  if (option === 0 || (macHigh(m.view, option + LINK_OPTION_MAC) & 0x100) !== 0) return Drop.None
  setMac6(m, n, macHigh(m.view, option + LINK_OPTION_MAC), macLow(m.view, option + LINK_OPTION_MAC))
  m.put8(n + IS_ROUTER, flags & NA_ROUTER)
  if (solicited) confirmNeighbour(s, n)
  else suspectNeighbour(s, n)
  releaseHeld(s, n)
  return Drop.None
}

/** It was known. What it says of itself counts when it says so (O), or when it says nothing new. */
function renew(s: Core, n: Address, option: Address, solicited: boolean, flags: number): Drop {
  const { m } = s
  const high = option === 0 ? 0 : macHigh(m.view, option + LINK_OPTION_MAC)
  const low = option === 0 ? 0 : macLow(m.view, option + LINK_OPTION_MAC)
  const other = option !== 0 && !hasMac6(m, n, high, low)
  if (other && (high & 0x100) !== 0) return dropped(s, Drop.BadDiscovery)
  if (other && (flags & NA_OVERRIDE) === 0) {
    // I: "if the state of the entry is REACHABLE, set it to STALE, but do not update the entry in any other way".
    if (m.get8(n + STATE6) === REACHABLE) suspectNeighbour(s, n)
    return Drop.None
  }
  if (other) setMac6(m, n, high, low)
  if (solicited) confirmNeighbour(s, n)
  else if (other) suspectNeighbour(s, n)
  // "If the previous IsRouter value was TRUE and is now FALSE", it is no default router any more.
  if (m.get8(n + IS_ROUTER) !== 0 && (flags & NA_ROUTER) === 0) setRouter(s, n + ADDRESS6, 0)
  m.put8(n + IS_ROUTER, flags & NA_ROUTER)
  return Drop.None
}
