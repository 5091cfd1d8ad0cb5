/** Calls and checks of what a host does by itself: names, leases, addresses, routes. Each gives its result in the notation. */
import { CLIENT_ADDRESS, CLIENT_EXPIRES, CLIENT_STATE, CLIENT_STATES } from '../stack/dhcp/client.ts'
import * as lease from '../stack/dhcp/lease.ts'
import { CACHED_NEXT, nameAt } from '../stack/dns/cache.ts'
import { copyNameText } from '../stack/dns/name.ts'
import { GROUP_ADDRESS, GROUP_LINK, GROUP_NEXT } from '../stack/igmp/groups.ts'
import { Arena } from '../stack/memory/arena.ts'
import * as layout from '../stack/memory/layout.ts'
import { type NameType, type Socket, NameType as Types } from '../stack/stack.ts'
import { type Call, ipv4Text, result } from './calls.ts'
import { NotationError } from './notation.ts'
import { address6Text } from './packets/address6.ts'

const TYPES: Readonly<Record<string, NameType>> = { A: Types.A, AAAA: Types.Aaaa, PTR: Types.Ptr }

/** The records of a list in the arena, as text; 'none' when it is empty. */
function listed(first: number, next: (at: number) => number, text: (at: number) => string): string {
  const texts: string[] = []
  for (let at = first; at !== 0; at = next(at)) texts.push(text(at))
  return texts.join(', ') || 'none'
}

const LEASE_NAMES = ['', 'PROBED', 'OFFERED', 'LENT', 'REMEMBERED', 'DECLINED']

export const SERVICE_CALLS: Readonly<Record<string, Call>> = {
  resolve(caller, [name = '', type = 'A'], expected) {
    const number = TYPES[type]
    if (number === undefined) throw new NotationError(`One asks for A, AAAA or PTR, not ${type}.`)
    const made = caller.stack.resolve(name, number)
    if (made < 0) return result(made)
    caller.nameSocket(expected, made as Socket)
    return expected
  },
  /** Addresses, or the name that was asked for. */
  resolved(caller, [name = '', type = 'A']) {
    const into = new Uint8Array(255)
    const got = caller.stack.resolved(caller.socketOf(name), into)
    if (got < 0) return result(got)
    if (type === 'PTR') return String.fromCharCode(...into.subarray(0, got))
    const size = type === 'AAAA' ? 16 : 4
    const texts = Array.from({ length: got / size }, (_, i) => [...into.subarray(i * size, (i + 1) * size)])
    return texts.map(bytes => (size === 16 ? address6Text(bytes) : bytes.join('.'))).join(' ')
  },
  /** The names that are kept, oldest first. */
  cache({ stack }) {
    const m = new Arena(stack.arena)
    const into = new Uint8Array(255)
    return listed(
      m.get32(layout.CACHED_HEAD),
      at => m.get32(at + CACHED_NEXT),
      at => String.fromCharCode(...into.subarray(0, copyNameText(m, nameAt(at), into))),
    )
  },
  /** The servers that are asked for names. */
  dnsServers({ stack }) {
    const m = new Arena(stack.arena)
    const known = [0, 4, 8].map(i => m.get32(layout.DNS_SERVERS + i)).filter(address => address !== 0)
    return known.map(ipv4Text).join(', ') || 'none'
  },
  /** The DHCP client's state, its address, and the seconds that are left. */
  lease({ stack, now }) {
    const m = new Arena(stack.arena)
    const client = m.get32(layout.DHCP_CLIENT)
    const state = CLIENT_STATES[m.get8(client + CLIENT_STATE)] ?? '?'
    const address = m.get32(client + CLIENT_ADDRESS)
    if (address === 0) return state
    const left = (m.view.getFloat64(client + CLIENT_EXPIRES, true) - now) / 1000
    return `${state} ${ipv4Text(address)} ${left === Infinity ? 'infinite' : Math.round(left * 1000) / 1000}`
  },
  /** What the DHCP server has lent, offered, or keeps in mind. */
  leases({ stack }) {
    const m = new Arena(stack.arena)
    return listed(
      m.get32(layout.LEASES_HEAD),
      at => lease.nextLease(m, at),
      at => `${ipv4Text(m.get32(at + lease.LEASE_ADDRESS))} ${LEASE_NAMES[m.get8(at + lease.LEASE_STATE)]}`,
    )
  },
  addresses: ({ stack }) =>
    stack.addresses
      .map(({ address, prefixLength, link }) => `${ipv4Text(address)}/${prefixLength} on ${link}`)
      .sort()
      .join(', ') || 'none',
  routes: ({ stack }) =>
    stack.routes
      .map(({ destination, prefixLength, gateway, link }) => {
        const way = gateway === 0 ? '' : ` via ${ipv4Text(gateway)}`
        return `${ipv4Text(destination)}/${prefixLength}${way} on ${link}`
      })
      .sort()
      .join(', ') || 'none',
  /** The groups that the host is a member of. */
  groups({ stack }) {
    const m = new Arena(stack.arena)
    return listed(
      m.get32(layout.GROUPS),
      at => m.get32(at + GROUP_NEXT),
      at => `${ipv4Text(m.get32(at + GROUP_ADDRESS))} on ${m.get8(at + GROUP_LINK)}`,
    )
  },
  mtu: ({ stack }) => String(new Arena(stack.arena).get16(layout.MTU)),
  sysctl(caller, [name = '', value]) {
    if (value !== undefined) return result(caller.stack.setSysctl(name, Number(value)))
    return String(caller.stack.sysctl(name) ?? 'none')
  },
  leave(caller) {
    caller.stack.leave()
    return '0'
  },
}
