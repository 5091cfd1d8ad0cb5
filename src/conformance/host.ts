/** The host of a script: its stack, its clock, and what it has sent that no line has taken yet. */
import { createStack as client } from '../stack/profiles/client.ts'
import { createStack as full } from '../stack/profiles/full.ts'
import { createStack as minimal } from '../stack/profiles/minimal.ts'
import type { Socket, Stack } from '../stack/stack.ts'
import { environment } from '../stack/testing/simulation.ts'
import { address6Bytes } from './packets/address6.ts'
import { macBytes } from './packets/bytes.ts'
import type { Header } from './script.ts'

const PROFILES = { full, client, minimal }
export const HOST_MAC = '02:00:00:00:00:01'
/** A host that sends this much, or wakes this often, between two steps has lost its mind. */
const RESTLESS = 20_000

/** A host as the script's settings want it; given an arena, the host that lives in it. */
export function makeStack(header: Header, memory: number | ArrayBuffer = header.memory): Stack {
  const { profile, mtu, largestFrame, address, gateway, seed } = header
  return PROFILES[profile as keyof typeof PROFILES](
    {
      memory,
      mac: Uint8Array.from(macBytes(HOST_MAC)),
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
}

export class Host {
  readonly stack: Stack
  /** The host's clock, ms. */
  now = 0
  readonly outbox: Sent[] = []
  /** Whether the link takes nothing. */
  busy = false
  /** Whether nobody asks what happened to its sockets. */
  asleep = false
  /** What happened to its sockets since it was last asked. */
  readonly events = new Map<Socket, number>()

  /** `answer` gives what comes by itself, of which the script sees nothing; undefined: the script sees the frame. */
  constructor(
    header: Header,
    private readonly answer: (frame: Uint8Array) => Uint8Array | 'silence' | undefined,
  ) {
    this.stack = makeStack(header)
    const [address6, bits] = header.address6?.split('/') ?? []
    if (address6 !== undefined) this.stack.addAddress6(Uint8Array.from(address6Bytes(address6)), Number(bits))
  }

  /** Lets time pass, timers firing on their way, until `stop` holds. */
  advance(until: number, stop = () => false): void {
    this.pump()
    for (let turns = 0; this.stack.pollAt() <= until && !stop(); turns++) {
      if (turns > RESTLESS) throw new Error('The host never comes to rest.')
      this.now = Math.max(this.now, this.stack.pollAt())
      this.stack.poll(this.now)
      this.pump()
    }
    if (stop()) return
    this.now = Math.max(this.now, until)
    this.stack.poll(this.now)
    this.pump()
  }

  advanceToPacket(until: number): void {
    this.advance(until, () => this.outbox.length > 0)
  }

  /** Takes what the host sends, and gives it the answers that come by themselves. */
  pump(): void {
    for (let turns = 0, asked = true; asked; turns++) {
      if (turns > RESTLESS) throw new Error('The host never comes to rest.')
      const answers: Uint8Array[] = []
      this.stack.output(bytes => {
        if (this.busy) return false
        const answer = this.answer(bytes)
        if (answer instanceof Uint8Array) answers.push(answer)
        else if (answer === undefined) this.outbox.push({ at: this.now, bytes: bytes.slice() })
        if (this.outbox.length > RESTLESS) throw new Error('The host never stops sending.')
        return true
      })
      for (const answer of answers) this.stack.input(answer, this.now)
      asked = answers.length > 0
    }
    if (this.asleep) return
    this.stack.events((socket, bits) => this.events.set(socket, (this.events.get(socket) ?? 0) | bits))
  }
}
