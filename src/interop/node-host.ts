/** A host of ours in Node, real time, on a stream of frames: its stack, its clock, its sockets, and what was on the wire. */
import { Clock, type Way } from '../host/clock.ts'
import { type DirectSockets, directSockets } from '../host/sockets/direct-sockets.ts'
import { SocketTable } from '../host/sockets/socket-table.ts'
import { Turns } from '../host/turns.ts'
import type { Drop } from '../stack/drop.ts'
import type { Environment, Stack, StackConfig } from '../stack/stack.ts'
import { parseIpv6 } from '../stack/wire/address6.ts'
import { within } from './check.ts'
import { withCe } from './congestion-mark.ts'
import { Tape } from './tape.ts'

/**
 * What happens to a frame on the way: 'lose' it, 'mark' it as a congested router does, or hold it back until so many others have
 * passed; 0 carries it.
 */
export type Fault = () => 'lose' | 'mark' | number

/** Where frames go; false: full, and `onRoom` will be called. */
type Send = (frame: Uint8Array, onRoom: () => void) => boolean

export class NodeHost {
  readonly stack: Stack
  readonly table: SocketTable
  readonly sockets: DirectSockets
  readonly tape = new Tape()
  /** Frames refused, by reason. */
  readonly drops = new Map<Drop, number>()
  /** Told of the size of each frame that goes out (bytes), also of those that a bad wire loses. */
  onEmit: ((size: number) => void) | undefined
  /** Makes the wire a bad one, in both directions. */
  fault: Fault | undefined
  readonly #clock: Clock
  readonly #turns: Turns
  readonly #lateIn = new HeldBack()
  readonly #lateOut = new HeldBack()
  #send: Send = () => true

  constructor(create: (config: StackConfig, environment: Environment) => Stack, config: StackConfig) {
    const random = new Uint32Array(1)
    this.stack = create(config, {
      random32: () => crypto.getRandomValues(random)[0] as number,
      secret: crypto.getRandomValues(new Uint8Array(16)),
    })
    this.#clock = new Clock(this.stack, {
      transmit: frame => this.#transmit(frame),
      happened: (socket, bits) => this.table.happened(socket, bits),
      settled: () => this.table.settle(),
    })
    this.#turns = new Turns(
      () => performance.now(),
      () => undefined,
    )
    this.table = new SocketTable({
      stack: this.stack,
      now: () => performance.now(),
      before: () => this.#clock.catchUp(performance.now()),
      after: () => this.#wake(),
    })
    this.sockets = directSockets(this.table)
    this.#turns.add(this.#clock)
  }

  /** Where its frames go from now on. */
  connect(send: Send): void {
    this.#send = send
    this.#wake()
  }

  /** A frame arrives. */
  take(frame: Uint8Array): void {
    const fate = this.fault?.() ?? 0
    if (fate === 'lose') return
    if (fate === 'mark') return this.#input(withCe(frame))
    if (fate > 0) return this.#lateIn.hold(frame, fate)
    this.#input(frame)
    for (const late of this.#lateIn.afterOneMore()) this.#input(late)
  }

  #input(frame: Uint8Array): void {
    this.#keep(frame)
    const drop = this.#clock.input(frame, performance.now())
    if (drop !== 0) this.drops.set(drop, (this.drops.get(drop) ?? 0) + 1)
    this.#turns.wake()
  }

  #transmit(frame: Uint8Array): Way {
    this.onEmit?.(frame.length)
    const fate = this.fault?.() ?? 0
    if (fate === 'lose') return 'taken'
    if (fate === 'mark') return this.#emit(withCe(frame)) ? 'taken' : 'held'
    if (fate > 0) {
      this.#lateOut.hold(frame, fate)
      return 'taken'
    }
    if (!this.#emit(frame)) return 'held'
    // A late one that finds the stream full is lost.
    for (const late of this.#lateOut.afterOneMore()) this.#emit(late)
    return 'taken'
  }

  #emit(frame: Uint8Array): boolean {
    const taken = this.#send(frame, () => this.#wake())
    if (taken) this.#keep(frame)
    return taken
  }

  #keep(frame: Uint8Array): void {
    this.tape.keep(frame, this.fault !== undefined)
  }

  #wake(): void {
    this.#clock.tellEvents()
    this.#clock.want()
    this.#turns.wake()
  }

  end(): void {
    this.#turns.end()
  }
}

/** Waits for the IPv4 address that it was made with, and for an IPv6 one: each is tested for conflicts first. */
export async function takeAddresses(host: NodeHost, address6: string): Promise<void> {
  const bytes = parseIpv6(address6)
  if (bytes !== undefined) host.table.call(stack => stack.addAddress6(bytes, 64))
  const preferred = () => host.stack.ipv6?.addresses.every(({ state }) => state === 'preferred') === true
  await within(5, () => host.stack.address !== 0 && preferred())
}

/** Frames that others overtake. */
class HeldBack {
  #frames: { left: number; readonly frame: Uint8Array }[] = []

  /** Until so many others have passed. */
  hold(frame: Uint8Array, others: number): void {
    this.#frames.push({ left: others, frame: frame.slice() })
  }

  /** One has passed: those whose turn it is. */
  afterOneMore(): readonly Uint8Array[] {
    if (this.#frames.length === 0) return []
    for (const one of this.#frames) one.left--
    const due = this.#frames.filter(({ left }) => left <= 0)
    this.#frames = this.#frames.filter(({ left }) => left > 0)
    return due.map(({ frame }) => frame)
  }
}
