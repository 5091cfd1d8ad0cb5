/** The calls of a stack that are about the host and not about a socket, see stack.ts: its addresses, routes and settings. */
import { setNow } from './clock.ts'
import type { Core } from './core.ts'
import { EAFNOSUPPORT, EOPNOTSUPP } from './errno.ts'
import { findNeighbour, removeNeighbour } from './ethernet/neighbours.ts'
import { configureAddress, reannounce } from './ip/acquire.ts'
import { maskOf } from './ip/addresses.ts'
import { inRange, mayHave } from './ip/config.ts'
import { ipv6For } from './ip6/word.ts'
import { LINK_COUNT } from './memory/layout.ts'
import type { Stack } from './stack.ts'
import { hostGone } from './tcp/unreachable.ts'

/** Where a call belongs to a feature that is off, it returns EOPNOTSUPP or what stack.ts names for it. */
export function hostCalls(
  s: Core,
): Pick<
  Stack,
  | 'ethtool'
  | 'sysctl'
  | 'setSysctl'
  | 'setAddress'
  | 'addAddress'
  | 'removeAddress'
  | 'addRoute'
  | 'removeRoute'
  | 'linkUp'
  | 'leave'
  | 'hostGone'
  | 'addAddress6'
  | 'removeAddress6'
  | 'joinGroup6'
  | 'leaveGroup6'
  | 'sortDestinations'
> {
  const { m, features } = s
  return {
    ethtool: (number, into) => s.features.ethtool?.facts(s, number, into) ?? EOPNOTSUPP,
    sysctl: name => s.features.procFs?.get(s, name),
    setSysctl: (name, value) => s.features.procFs?.set(s, name, value) ?? EOPNOTSUPP,
    setAddress(address, prefixLength, gateway) {
      mayHave(address | 0)
      inRange('prefixLength', prefixLength, 1, 32)
      for (const service of s.services) service.addressGiven?.(s)
      configureAddress(s, address | 0, maskOf(prefixLength), gateway | 0)
    },
    addAddress: (link, address, prefixLength) =>
      features.tables?.addAddress(s, link, address | 0, prefixLength) ?? EOPNOTSUPP,
    removeAddress: address => features.tables?.removeAddress(s, address | 0) ?? EOPNOTSUPP,
    addRoute: route => features.tables?.addRoute(s, route) ?? EOPNOTSUPP,
    removeRoute: (destination, prefixLength, metric) =>
      features.tables?.removeRoute(s, destination, prefixLength, metric) ?? EOPNOTSUPP,
    linkUp(now) {
      setNow(s, now)
      s.features.netlink?.linkChanged(s, 0)
      reannounce(s)
      s.features.ipv6?.linkUp(s)
      for (const service of s.services) service.linkUp?.(s)
    },
    leave() {
      for (const service of s.services) service.leave?.(s)
    },
    hostGone(address) {
      if (typeof address !== 'number') return s.features.ipv6?.hostGone(s, address)
      // A number of this kind would be a word (ip6/word.ts): no host has such an address.
      if (ipv6For(s, address | 0) !== undefined) return
      for (let link = 0; link < m.get8(LINK_COUNT); link++) {
        const neighbour = findNeighbour(s, address | 0, link)
        if (neighbour !== 0) removeNeighbour(s, neighbour)
      }
      hostGone(s, address | 0)
      s.features.destinations?.forget(s, address | 0)
    },
    addAddress6: (address, prefixLength) =>
      s.features.ipv6?.addAddress(s, address, prefixLength) ?? EAFNOSUPPORT,
    removeAddress6: address => s.features.ipv6?.removeAddress(s, address) ?? EAFNOSUPPORT,
    joinGroup6: group => s.features.ipv6?.joinGroup(s, group) ?? EAFNOSUPPORT,
    leaveGroup6: group => s.features.ipv6?.leaveGroup(s, group) ?? EAFNOSUPPORT,
    sortDestinations: addresses => s.features.ipv6?.sortDestinations(s, addresses) ?? addresses,
  }
}
