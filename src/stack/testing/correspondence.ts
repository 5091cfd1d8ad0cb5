/**
 * One host, and everybody else on its wire: a test writes down each of their messages, and reads the host's. In virtual
 * time; ARP for the addresses in `present` is answered.
 */
import { expect } from 'vitest'
import type { Drop } from '../drop.ts'
import { createStack } from '../profiles/full.ts'
import type { Socket, Stack, StackConfig } from '../stack.ts'
import { expectSound } from './invariants.ts'
import { arp, ethernet, HOST_MAC, ipv4, PEER_MAC, readArp, udp } from './raw.ts'
import { environment } from './simulation.ts'

export interface Letter {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly fromPort: number
  readonly toPort: number
  readonly ttl: number
  readonly data: Uint8Array
  readonly frame: Uint8Array
}

const octets = (text: string): number[] => text.split('.').map(Number)

export class Correspondence {
  now = 0
  readonly stack: Stack
  /** Addresses that somebody has. */
  readonly present = new Set<string>()
  /** The host's UDP messages, oldest first. */
  readonly letters: Letter[] = []
  /** Its other frames that are not ARP. */
  readonly others: Uint8Array[] = []
  readonly seen = new Map<Socket, number>()

  constructor(config: Partial<StackConfig> = {}, seed = 42) {
    this.stack = createStack(
      { memory: 128 * 1024, mac: Uint8Array.from(HOST_MAC), ...config },
      environment(seed),
    )
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
    expectSound(this.stack)
    return this
  }

  frame(frame: Uint8Array): Drop {
    const drop = this.stack.input(frame, this.now)
    this.pump()
    return drop
  }

  /** Somebody says something by UDP. */
  say(
    from: string,
    fromPort: number,
    to: string,
    toPort: number,
    data: ArrayLike<number>,
    mac = PEER_MAC,
    ttl = 64,
  ): Drop {
    const first = octets(to)[0] ?? 0
    const toMac =
      to === '255.255.255.255'
        ? [255, 255, 255, 255, 255, 255]
        : first >= 224
          ? [1, 0, 0x5e, ...octets(to).slice(1)]
          : HOST_MAC
    const packet = udp(fromPort, toPort, Array.from(data), octets(from), octets(to))
    return this.frame(
      ethernet(toMac, mac, 0x0800, ipv4(17, packet, { from: octets(from), to: octets(to), ttl })),
    )
  }

  /** The host's next message; there must be one. */
  next(): Letter {
    const letter = this.letters.shift()
    if (letter === undefined) throw new Error(`The host has sent nothing by ${this.now} ms.`)
    return letter
  }

  quiet(): this {
    expect(this.letters.map(({ at, to, toPort }) => `${at} to ${to}:${toPort}`)).toEqual([])
    return this
  }

  /** The bits of Event seen on a socket since it was last asked. */
  take(socket: Socket): number {
    const bits = this.seen.get(socket) ?? 0
    this.seen.delete(socket)
    return bits
  }

  private pump(): void {
    const questions: number[][] = []
    do {
      questions.length = 0
      this.stack.output(frame => {
        const question = readArp(frame)
        if (question !== undefined) {
          if (question.operation === 1 && this.present.has(question.targetIp.join('.')))
            questions.push(question.targetIp)
        } else {
          this.read(frame.slice())
        }
        return true
      })
      for (const senderIp of questions) this.answerArp(senderIp)
    } while (questions.length > 0)
    this.stack.events((socket, bits) => this.seen.set(socket, (this.seen.get(socket) ?? 0) | bits))
  }

  private read(frame: Uint8Array): void {
    const word = (at: number): number => (frame[at] ?? 0) * 256 + (frame[at + 1] ?? 0)
    if (word(12) !== 0x0800 || frame[23] !== 17) {
      this.others.push(frame)
      return
    }
    this.letters.push({
      at: this.now,
      from: frame.subarray(26, 30).join('.'),
      to: frame.subarray(30, 34).join('.'),
      ttl: frame[22] ?? 0,
      fromPort: word(34),
      toPort: word(36),
      data: frame.subarray(42, 34 + word(38)),
      frame,
    })
  }

  private answerArp(senderIp: number[]): void {
    const targetIp = [24, 16, 8, 0].map(shift => (this.stack.address >>> shift) & 255)
    const answer = { operation: 2, senderMac: PEER_MAC, senderIp, targetMac: HOST_MAC, targetIp }
    this.stack.input(ethernet(HOST_MAC, PEER_MAC, 0x0806, arp(answer)), this.now)
  }
}
