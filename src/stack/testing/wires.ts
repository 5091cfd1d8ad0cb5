/**
 * A host between wires, for tests of what happens below the transports: each of its links has a wire, on which a test puts frames
 * and reads what the host sent. Whoever is asked for by ARP answers, unless the test says that nobody does.
 */
import { afterEach } from 'vitest'
import type { Drop } from '../drop.ts'
import { createStack } from '../profiles/full.ts'
import type { Environment, Ipv4, Stack, StackConfig } from '../stack.ts'
import { expectSound } from './invariants.ts'
import { arp, ethernet, HOST_MAC, type Ipv4Fields, ipv4, PEER_MAC, readArp } from './raw.ts'
import { environment } from './simulation.ts'

/** A frame that the host sent. */
export interface OnWire {
  readonly link: number
  readonly at: number
  readonly bytes: Uint8Array
}

type Profile = (config: StackConfig, environment: Environment) => Stack
const live: Wires[] = []

afterEach(() => {
  for (const wires of live.splice(0)) expectSound(wires.stack)
})

/** The MAC address of the host's link, and of whoever is on its wire. */
export const hostMac = (link: number): number[] => [...HOST_MAC.slice(0, 4), link, HOST_MAC[5] ?? 0]
export const peerMac = (link: number): number[] => [...PEER_MAC.slice(0, 4), link, PEER_MAC[5] ?? 0]
export const numberOf = (address: readonly number[]): Ipv4 =>
  address.reduce((sum, octet) => sum * 256 + octet, 0)

export class Wires {
  now = 0
  readonly stack: Stack
  /** What was sent and not read yet. ARP requests are left out. */
  readonly sent: OnWire[] = []
  /** Whether whoever is asked for answers. */
  everybodyAnswers = true

  /** One link for each address, 'a.b.c.d/prefix'. */
  constructor(
    addresses: readonly string[],
    config: Partial<StackConfig> = {},
    profile: Profile = createStack,
  ) {
    const links = addresses.map((address, link) => ({ mac: Uint8Array.from(hostMac(link)), address }))
    const [first, ...more] = links
    if (first === undefined) throw new Error('A host has one link at least.')
    this.stack = profile({ memory: 256 * 1024, ...first, links: more, ...config }, environment(42))
    this.wait(20_000)
    this.sent.length = 0
    live.push(this)
  }

  /** Lets time pass, timers firing on their way. */
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

  /** A frame arrives. */
  frame(bytes: Uint8Array, link = 0): Drop {
    const drop = this.stack.input(bytes, this.now, link)
    this.pump()
    return drop
  }

  /** A datagram arrives for the host's own MAC address, or for another one. */
  in(protocol: number, payload: number[], fields: Ipv4Fields, link = 0, mac = hostMac(link)): Drop {
    return this.frame(ethernet(mac, peerMac(link), 0x0800, ipv4(protocol, payload, fields)), link)
  }

  /** The oldest frame that was not read yet, which must be there. */
  next(): OnWire {
    const first = this.sent.shift()
    if (first === undefined) throw new Error(`The host sent nothing more at ${this.now} ms.`)
    return first
  }

  /** Forgets what was sent, and says what it was: link, and protocol. */
  skip(): number {
    return this.sent.splice(0).length
  }

  private pump(): void {
    for (let asked = true; asked; ) {
      const questions: { link: number; ip: number[]; from: number[] }[] = []
      this.stack.output((bytes, link) => {
        const question = readArp(bytes)
        if (question?.operation === 1) {
          if (this.everybodyAnswers && `${question.senderIp}` !== `${question.targetIp}`)
            questions.push({ link, ip: question.targetIp, from: question.senderIp })
        } else this.sent.push({ link, at: this.now, bytes: bytes.slice() })
        return true
      })
      this.stack.events(() => {})
      asked = questions.length > 0
      for (const { link, ip, from } of questions) {
        // A probe: nobody has the address.
        if (`${from}` === '0,0,0,0') continue
        const answer = {
          operation: 2,
          senderMac: peerMac(link),
          senderIp: ip,
          targetMac: hostMac(link),
          targetIp: from,
        }
        this.stack.input(ethernet(hostMac(link), peerMac(link), 0x0806, arp(answer)), this.now, link)
      }
    }
  }
}

/** The IPv4 header and what is behind it, in numbers. */
export function readIpv4(frame: Uint8Array) {
  const at = (i: number) => frame[14 + i] ?? 0
  const length = (at(0) & 15) * 4
  const total = at(2) * 256 + at(3)
  return {
    mac: [...frame.slice(0, 6)],
    from: [...frame.slice(26, 30)],
    to: [...frame.slice(30, 34)],
    ttl: at(8),
    protocol: at(9),
    id: at(4) * 256 + at(5),
    fragment: at(6) * 256 + at(7),
    header: [...frame.slice(14, 14 + length)],
    options: [...frame.slice(34, 14 + length)],
    payload: [...frame.slice(14 + length, 14 + total)],
  }
}
