/** The configuration, checked once: what is wrong with it is said in one sentence, and what would be right. */
import { LINKS_MAX } from '../ethernet/links.ts'
import { FRAME_MAX } from '../memory/arena.ts'
import type { LinkConfig, StackConfig } from '../stack.ts'
import { formatIpv4, maskOf, parseIpv4 } from './addresses.ts'
import { isHostAddress } from './local.ts'

/** One link. MTU in bytes of IP; the MAC address as its upper 16 and lower 32 bits; address and mask in host order. */
export interface LinkSettings {
  readonly macHigh: number
  readonly macLow: number
  readonly mtu: number
  /** 0: none; link 0 takes a link-local one. */
  readonly address: number
  readonly mask: number
}

/** Link 0's, and those of the links behind it. */
export interface Settings extends LinkSettings {
  /** The largest frame of link 0, with its Ethernet header; not checked: IP_OFFLOAD does. */
  readonly largestFrame: number
  readonly gateway: number
  readonly forward: boolean
  readonly more: readonly LinkSettings[]
}

/** RFC 791, 3.1: every link carries 68 bytes; more than 1,500 is not Ethernet. */
const MTU_MIN = 68
const MTU_MAX = 1500

/** Throws RangeError. The address 'dhcp' is one only where there is a client to ask for it. */
export function readConfig(config: StackConfig, withDhcp: boolean): Settings {
  const more = config.links ?? []
  inRange('The number of links', 1 + more.length, 1, LINKS_MAX)
  return {
    ...readLink(config, withDhcp),
    largestFrame: config.largestFrame ?? FRAME_MAX,
    gateway: config.gateway === undefined ? 0 : readGateway(config.gateway),
    forward: config.forward === true,
    more: more.map(link => readLink(link, false)),
  }
}

/** Throws RangeError when a setting is not a whole number in its range. */
export function inRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}; ${value} is not.`)
}

function readLink(config: LinkConfig, withDhcp: boolean): LinkSettings {
  const { mac, mtu = MTU_MAX } = config
  const [first = 1, second = 0] = mac
  if (mac.length !== 6) throw new RangeError(`A MAC address has 6 bytes; this one has ${mac.length}.`)
  if ((first & 1) !== 0)
    throw new RangeError('A host needs a unicast MAC address: the lowest bit of its first byte must be 0.')
  inRange('The MTU', mtu, MTU_MIN, MTU_MAX)
  const given = config.address !== undefined && !(withDhcp && config.address === 'dhcp')
  const [address, mask] = given ? readAddress(config.address) : [0, 0]
  return {
    macHigh: (first << 8) | second,
    macLow: new DataView(mac.buffer, mac.byteOffset).getInt32(2),
    mtu,
    address,
    mask,
  }
}

function readAddress(text: string): [number, number] {
  const [host = '', prefix = ''] = text.split('/')
  const address = parseIpv4(host)
  const length = /^\d{1,2}$/.test(prefix) ? Number(prefix) : -1
  if (address === undefined || length < 1 || length > 32) {
    throw new RangeError(`An address is written like 10.0.0.1/24; '${text}' is not.`)
  }
  mayHave(address | 0)
  return [address | 0, maskOf(length)]
}

/** Throws RangeError when no host may have this address (RFC 1122, 3.2.1.3). */
export function mayHave(address: number): void {
  if (isHostAddress(address)) return
  throw new RangeError(
    `A host cannot have the address ${formatIpv4(address)}: 0, 127 and 224 to 255 are reserved.`,
  )
}

function readGateway(text: string): number {
  const gateway = parseIpv4(text)
  if (gateway === undefined) throw new RangeError(`A gateway is written like 10.0.0.254; '${text}' is not.`)
  return gateway | 0
}
