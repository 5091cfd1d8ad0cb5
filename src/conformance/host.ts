/** The host of a script: its stack, its clock, and what it has sent that no line has taken yet. */
import { createStack as client } from '../stack/profiles/client.ts'
import { createStack as full } from '../stack/profiles/full.ts'
import { createStack as minimal } from '../stack/profiles/minimal.ts'
import type { Socket, Stack } from '../stack/stack.ts'
import { environment } from '../stack/testing/simulation.ts'
import { address6Bytes } from './packets/address6.ts'
import { macBytes } from './packets/bytes.ts'
import type { Header } from './script.ts'
import { hostMacOf } from './settings.ts'

const PROFILES = { full, client, minimal }
/** A host that sends this much, or wakes this often, between two steps has lost its mind. */
const RESTLESS = 20_000

/** A host as the script's settings want it; given an arena, the host that lives in it. */
export function makeStack(header: Header, memory: number | ArrayBuffer = header.memory): Stack {
  const { profile, mtu, largestFrame, address, gateway, seed, config, macs } = header
  const mac = (link: number) => Uint8Array.from(macBytes(hostMacOf(link, macs)))
  const links = config.links?.map((link, i) => ({ ...link, mac: mac(i + 1) }))
  return PROFILES[profile as keyof typeof PROFILES](
    {
      ...config,
      ...(links === undefined ? {} : { links }),
      memory,
      mac: mac(0),
      mtu,
      ...(address === undefined ? {} : { address }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(largestFrame === undefined ? {} : { largestFrame }),
    },
    environment(seed),
  )
}

/** A frame that the host has sent, and when, ms of its clock. */
export interface Sent {
  readonly at: number
  readonly bytes: Uint8Array
  readonly link: number
}

export class Host {
  readonly stack: Stack
  /** The host's clock, ms. */
  now: number
  readonly outbox: Sent[] = []
  /** Whether the link takes nothing. */
  busy = false
  /** Whether nobody asks what happened to its sockets. */
  asleep = false
  /** What happened to its sockets since it was last asked. */
  readonly events = new Map<Socket, number>()
  /** When the link takes the next frame. */
  private freeAt: number

  /** `answer` gives what comes by itself, of which the script sees nothing; undefined: the script sees the frame. */
  constructor(
    header: Header,
    private readonly answer: (frame: Uint8Array, link: number) => Uint8Array | 'silence' | undefined,
  ) {
    this.stack = makeStack(header)
    this.now = header.bootsAt
    this.freeAt = header.bootsAt
    this.frameTakes = 1 / header.linkRate
    const [address6, bits] = header.address6?.split('/') ?? []
    if (address6 !== undefined) this.stack.addAddress6(Uint8Array.from(address6Bytes(address6)), Number(bits))
  }

  private readonly frameTakes: number

  /** When something is due: a timer, or a frame that waits for the link. */
  private dueAt(): number {
    return this.freeAt > this.now ? Math.min(this.stack.pollAt(), this.freeAt) : this.stack.pollAt()
  }

  /** Lets time pass, timers firing on their way, until `stop` holds. */
  advance(until: number, stop = () => false): void {
    this.pump()
    for (let turns = 0; this.dueAt() <= until && !stop(); turns++) {
      if (turns > RESTLESS) throw new Error('The host never comes to rest.')
      this.now = Math.max(this.now, this.dueAt())
      this.stack.poll(this.now)
      this.pump()
    }
    if (stop()) return
    this.now = Math.max(this.now, until)
    this.stack.poll(this.now)
    this.pump()
  }

  /** The same, but what the host has to send at the end of it waits for the next pump: its programs may have more to say first. */
  advanceSilently(until: number): void {
    if (until > this.now) this.pump()
    for (let turns = 0; this.dueAt() < until; turns++) {
      if (turns > RESTLESS) throw new Error('The host never comes to rest.')
      this.now = Math.max(this.now, this.dueAt())
      this.stack.poll(this.now)
      this.pump()
    }
    this.now = Math.max(this.now, until)
    this.stack.poll(this.now)
  }

  advanceToPacket(until: number): void {
    this.advance(until, () => this.outbox.length > 0)
  }

  /** Takes what the host sends, and gives it the answers that come by themselves. */
  pump(): void {
    for (let turns = 0, asked = true; asked; turns++) {
      if (turns > RESTLESS) throw new Error('The host never comes to rest.')
      const answers: { readonly frame: Uint8Array; readonly link: number }[] = []
      this.stack.output((bytes, link) => {
        if (this.busy || this.freeAt > this.now) return false
        if (this.frameTakes > 0) this.freeAt = Math.max(this.freeAt, this.now - 1) + this.frameTakes
        const frame = this.answer(bytes, link)
        if (frame instanceof Uint8Array) answers.push({ frame, link })
        else if (frame === undefined) this.outbox.push({ at: this.now, bytes: bytes.slice(), link })
        if (this.outbox.length > RESTLESS) throw new Error('The host never stops sending.')
        return true
      })
      for (const { frame, link } of answers) this.stack.input(frame, this.now, link)
      asked = answers.length > 0
    }
    if (this.asleep) return
    this.stack.events((socket, bits) => this.events.set(socket, (this.events.get(socket) ?? 0) | bits))
  }
}
