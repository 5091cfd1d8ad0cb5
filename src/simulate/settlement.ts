/** What a host of a plan is told when it begins: its links, its addresses, its routers. */
import type { StackConfig } from '../stack/stack.ts'
import type { HostPlan, Plan, WirePlan } from './plan.ts'

/** What is known of a plan's wires and hosts. */
export type Land = Pick<Plan, 'seed' | 'wires' | 'hosts'>

/** A route that no link of the host's has by itself: to a wire, by a neighbour. */
export interface WayTo {
  readonly wire: number
  readonly gateway: number
  readonly link: number
}

const WIRE: WirePlan = { mtu: 1500, told: false, router6: 0 }
/** Of the generator of link-local addresses (RFC 3927, 2.1; ip/acquire.ts), the other way round. */
const STEP_BACK = 0xfee058c5

export const wiresOf = (host: HostPlan): readonly number[] => host.wires ?? [0]
export const wirePlans = (land: Land): readonly WirePlan[] => land.wires ?? [WIRE]
export const forwards = (host: HostPlan): boolean => wiresOf(host).length > 1

/** 10.0.wire.(host + 1) */
export const addressOn = (wire: number, index: number): number => 0x0a000001 + wire * 256 + index
const text = (address: number): string => [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join('.')

/** Everything but the memory. */
export function configOf(land: Land, index: number): Omit<StackConfig, 'memory'> {
  const host = land.hosts[index] as HostPlan
  const [first = 0, ...others] = wiresOf(host)
  const { address = 'fixed', ipv6, largestFrame, named, lease } = host
  const link = (wire: number, place: number) => ({
    mac: macOf(host, index, place),
    mtu: mtuOf(land, host, wire),
    address: `${text(addressOn(wire, index))}/24`,
  })
  const gateway = address === 'fixed' ? gatewayOf(land, index) : undefined
  const own = link(first, 0)
  return {
    mac: own.mac,
    mtu: own.mtu,
    ...(address === 'auto' ? {} : { address: address === 'dhcp' ? 'dhcp' : own.address }),
    ...(gateway === undefined ? {} : { gateway: text(gateway) }),
    ...(forwards(host) ? { forward: true, links: others.map((wire, i) => link(wire, i + 1)) } : {}),
    ipv6,
    ...(largestFrame === undefined ? {} : { largestFrame }),
    ...(named ? { name: nameOf(index), dns: [text(addressOn(first, 0))] } : {}),
    ...(lease === undefined ? {} : { dhcpServer: poolOf(host, first, index, lease) }),
  }
}

export const nameOf = (index: number): string => `host${index}`

function poolOf(host: HostPlan, wire: number, index: number, lease: number) {
  const net = `10.0.${wire}`
  const router = forwards(host) ? { router: text(addressOn(wire, index)) } : {}
  return { first: `${net}.100`, last: `${net}.119`, lease, ...router }
}

/** Two hosts with `twin` begin with the same link-local address, although their MAC addresses differ. */
function macOf({ twin }: HostPlan, index: number, place: number): Uint8Array {
  if (twin === undefined || place > 0) return Uint8Array.of(2, 0, 0, 0, place, index + 1)
  const salt = Math.imul(0x0200, 0x9e3779b1)
  const low = ((((twin + 1) ^ salt) | 1) + Math.imul(STEP_BACK, 2 * index)) ^ salt
  return Uint8Array.of(2, 0, low >>> 24, low >>> 16, low >>> 8, low)
}

function mtuOf(land: Land, host: HostPlan, wire: number): number {
  const { mtu, told } = wirePlans(land)[wire] ?? WIRE
  return told || forwards(host) ? mtu : 1500
}

/** The first other router on the host's first wire. */
export function gatewayOf({ hosts }: Land, index: number): number | undefined {
  const [wire = 0] = wiresOf(hosts[index] as HostPlan)
  const router = hosts.findIndex((other, i) => i < index && forwards(other) && wiresOf(other).includes(wire))
  return router < 0 ? undefined : addressOn(wire, router)
}

/** The wires that a router reaches by a later one. */
export function waysOf({ hosts }: Land, index: number): readonly WayTo[] {
  const own = wiresOf(hosts[index] as HostPlan)
  return hosts.flatMap((other, i) => {
    if (i <= index || own.length < 2 || !forwards(other)) return []
    const shared = wiresOf(other).find(wire => own.includes(wire))
    if (shared === undefined) return []
    const gateway = addressOn(shared, i)
    const beyond = wiresOf(other).filter(wire => !own.includes(wire))
    return beyond.map(wire => ({ wire, gateway, link: own.indexOf(shared) }))
  })
}
