/**
 * An IPv6 router on a wire, which no host of ours can be: it advertises a network (RFC 4861, 6.2), answers those who ask for
 * routers, and what is larger than it passes on comes back as Packet Too Big (RFC 4443, 3.2), as if it stood between any two.
 */
import { advertisement, frame6, icmp6, ip6, ipv6, macOption, prefixOption } from '../stack/testing/raw6.ts'

const ETHERNET_HEADER = 14
const IPV6_HEADER = 40
const ROUTER = ip6('fe80::99')
const ALL_NODES = ip6('ff02::1')
const ICMP6 = 58
const TOO_BIG = 2
const SOLICITATION = 133
const ADVERTISEMENT = 134
/** RFC 4861, 6.2.1: MinRtrAdvInterval … MaxRtrAdvInterval, ms. */
const EVERY = 200_000
/** RFC 4443, 3.2: "as much of invoking packet as possible without … exceeding the minimum IPv6 MTU". */
const QUOTED = 1280 - IPV6_HEADER - 8

export class Router6 {
  /** When it advertises next. */
  nextAt = 100
  readonly #mtu: number
  readonly #mac: number[]
  readonly #prefix: string

  constructor(wire: number, mtu: number) {
    this.#mtu = mtu
    this.#mac = [2, 0, 0, 0, wire, 0x99]
    this.#prefix = `2001:db8:${wire}::`
  }

  /** Undefined before its time. */
  advertise(now: number): Uint8Array | undefined {
    if (now < this.nextAt) return undefined
    this.nextAt = now + EVERY
    // Of ten minutes they are preferred: they become deprecated where nothing is heard, and valid for a day (RFC 4862, 5.5.4).
    const options = [...macOption(1, this.#mac), ...prefixOption({ prefix: this.#prefix, preferred: 600 })]
    return this.#say(ADVERTISEMENT, advertisement(options), ALL_NODES, [])
  }

  /** Whether a frame is too large; then its sender is told. A host that asks for routers is answered soon. */
  stops(bytes: Uint8Array, now: number, answer: (frame: Uint8Array) => void): boolean {
    if (bytes[12] !== 0x86 || bytes[13] !== 0xdd) return false
    if (bytes[20] === ICMP6 && bytes[54] === SOLICITATION) this.nextAt = Math.min(this.nextAt, now + 1)
    const length = ((bytes[18] ?? 0) << 8) | (bytes[19] ?? 0)
    if (IPV6_HEADER + length <= this.#mtu) return false
    const packet = [...bytes.subarray(ETHERNET_HEADER, ETHERNET_HEADER + QUOTED)]
    const mtu = [0, 0, this.#mtu >> 8, this.#mtu & 255]
    answer(this.#say(TOO_BIG, [...mtu, ...packet], packet.slice(8, 24), [...bytes.subarray(6, 12)]))
    return true
  }

  #say(type: number, rest: number[], to: number[], mac: number[]): Uint8Array {
    const message = icmp6(type, 0, rest, ROUTER, to)
    return frame6(ipv6(ICMP6, message, { from: ROUTER, to, hops: 255 }), mac, this.#mac)
  }
}
