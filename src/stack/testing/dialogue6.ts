/**
 * A dialogue in IPv6: one host, and a peer whose every packet a test writes down (raw6.ts). In virtual time. What the host
 * sends is kept until a test takes it; after each test its sockets are closed, and its arena must be as it was.
 */
import { afterEach, expect } from 'vitest'
import type { Drop } from '../drop.ts'
import { createStack } from '../profiles/full.ts'
import type { Ipv6, Socket, Stack, StackConfig } from '../stack.ts'
import { expectSound } from './invariants.ts'
import { HOST_MAC, PEER_MAC } from './raw.ts'
import { frame6, icmp6, ip6, ipv6, macOption, type Packet6, readIpv6, text6 } from './raw6.ts'
import { environment } from './simulation.ts'

export const PEER6 = ip6('fe80::2')
export const ROUTER = ip6('fe80::99')
export const ROUTER_MAC = [2, 0, 0, 0, 0, 0x99]
export const ALL_NODES = ip6('ff02::1')

const live: Dialogue6[] = []

afterEach(() => {
  for (const dialogue of live.splice(0)) dialogue.end()
})

export const bytes = (address: number[]): Ipv6 => Uint8Array.from(address)

export class Dialogue6 {
  now = 0
  readonly stack: Stack
  /** What the host sent and no test has taken yet, oldest first. */
  readonly sent: Packet6[] = []
  /** Its sockets, to be closed at the end. */
  readonly sockets: Socket[] = []
  private readonly baseline: number

  /** `settled`: the host's link-local address is tested, routers were asked for, groups reported. */
  constructor(settled = true, config: Partial<StackConfig> = {}) {
    this.stack = createStack(
      { memory: 128 * 1024, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/24', ...config },
      environment(42),
    )
    this.baseline = this.stack.memory.used
    if (settled) this.wait(30_000).sent.length = 0
    live.push(this)
  }

  wait(ms: number): this {
    const until = this.now + ms
    for (this.pump(); this.stack.pollAt() <= until; this.pump()) {
      this.now = Math.max(this.now, this.stack.pollAt())
      this.stack.poll(this.now)
    }
    this.now = until
    this.stack.poll(until)
    this.pump()
    return this
  }

  /** A packet arrives. */
  in(packet: number[]): Drop {
    return this.inFrame(frame6(packet))
  }

  inFrame(frame: Uint8Array): Drop {
    const drop = this.stack.input(frame, this.now)
    this.pump()
    return drop
  }

  /** An ICMPv6 message arrives, from the peer to the host's link-local address unless it is said otherwise. */
  icmp(
    type: number,
    code: number,
    rest: number[],
    { from = PEER6, to = this.linkLocal, hops = 255 } = {},
  ): Drop {
    return this.in(ipv6(58, icmp6(type, code, rest, from, to), { from, to, hops }))
  }

  /** A router advertises. */
  advertise(rest: number[], from = ROUTER): Drop {
    return this.icmp(134, 0, rest, { from, to: ALL_NODES })
  }

  /** The peer, or who is said to be it, answers a solicitation for its address. */
  answer(address = PEER6, mac = PEER_MAC, flags = 0x60): Drop {
    const to = (flags & 0x40) === 0 ? ALL_NODES : this.linkLocal
    return this.icmp(136, 0, [flags, 0, 0, 0, ...address, ...macOption(2, mac)], { from: address, to })
  }

  /** Takes all that the host sent. */
  take(): Packet6[] {
    this.pump()
    return this.sent.splice(0)
  }

  /** The next packet, which must be ICMPv6 of this type. */
  next(type: number): Packet6 {
    this.pump()
    const packet = this.sent.shift()
    expect(packet?.type).toBe(type)
    return packet as Packet6
  }

  quiet(): this {
    expect(this.take().map(({ type, next, to }) => ({ type, next, to }))).toEqual([])
    return this
  }

  socket(protocol: 1 | 6 | 17 | 58): Socket {
    const socket = this.stack.socket(protocol) as Socket
    expect(socket).toBeGreaterThan(0)
    this.sockets.push(socket)
    return socket
  }

  /** The host's link-local address. */
  get linkLocal(): number[] {
    return [...(this.stack.ipv6?.addresses[0]?.address ?? [])]
  }

  /** Its addresses and what they are: 'fe80:…:1 preferred'. */
  get addresses(): string[] {
    return (this.stack.ipv6?.addresses ?? []).map(({ address, state }) => `${text6(address)} ${state}`)
  }

  /** The address that it has made of a prefix. */
  addressOf(prefix: string): number[] {
    const first = ip6(prefix).slice(0, 8).join()
    const found = this.stack.ipv6?.addresses.find(({ address }) => [...address.slice(0, 8)].join() === first)
    return [...(found?.address ?? [])]
  }

  end(): void {
    for (const socket of this.sockets) {
      this.stack.abort(socket)
      this.stack.close(socket)
    }
    this.wait(300_000)
    expectSound(this.stack)
    expect(this.stack.memory.used).toBe(this.baseline)
  }

  private pump(): void {
    this.stack.output(frame => {
      const packet = readIpv6(frame.slice())
      if (packet !== undefined) this.sent.push(packet)
      return true
    })
    this.stack.events(() => {})
  }
}
