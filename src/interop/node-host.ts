/** A host of ours in Node, real time, on a stream of frames: its stack, its clock, its sockets, and what was on the wire. */
import { Clock, type Way } from '../host/clock.ts'
import { type DirectSockets, directSockets } from '../host/sockets/direct-sockets.ts'
import { SocketTable } from '../host/sockets/socket-table.ts'
import { Turns } from '../host/turns.ts'
import type { Drop } from '../stack/drop.ts'
import type { Environment, Stack, StackConfig } from '../stack/stack.ts'

/** What happens to a frame on the way: 'lose' it, or hold it back until so many others have passed; 0 carries it. */
export type Fault = () => 'lose' | number

/** A frame that passed, and when (ms). */
export interface Passed {
  readonly at: number
  readonly bytes: Uint8Array
}

/** Where frames go; false: full, and `onRoom` will be called. */
type Send = (frame: Uint8Array, onRoom: () => void) => boolean

export class NodeHost {
  readonly stack: Stack
  readonly table: SocketTable
  readonly sockets: DirectSockets
  /** Frames of both directions, the first ones: for those who read captures. */
  readonly captured: Passed[] = []
  /** Frames refused, by reason. */
  readonly drops = new Map<Drop, number>()
  fault: Fault = () => 0
  readonly #clock: Clock
  readonly #turns: Turns
  readonly #late: { after: number; frame: Uint8Array }[] = []
  readonly #captureMost: number
  #send: Send = () => true

  constructor(
    create: (config: StackConfig, environment: Environment) => Stack,
    config: StackConfig,
    captureMost = 20_000,
  ) {
    const random = new Uint32Array(1)
    this.stack = create(config, {
      random32: () => crypto.getRandomValues(random)[0] as number,
      secret: crypto.getRandomValues(new Uint8Array(16)),
    })
    this.#captureMost = captureMost
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
    const fate = this.fault()
    if (fate === 'lose') return
    if (fate > 0) this.#late.push({ after: fate, frame: frame.slice() })
    else this.#input(frame)
    for (const one of this.#late.splice(0)) {
      if (one.after-- > 0) this.#late.push(one)
      else this.#input(one.frame)
    }
  }

  #input(frame: Uint8Array): void {
    this.#capture(frame)
    const drop = this.#clock.input(frame, performance.now())
    if (drop !== 0) this.drops.set(drop, (this.drops.get(drop) ?? 0) + 1)
    this.#turns.wake()
  }

  #transmit(frame: Uint8Array): Way {
    if (this.fault() === 'lose') return 'taken'
    const taken = this.#send(frame, () => this.#wake())
    if (taken) this.#capture(frame)
    return taken ? 'taken' : 'held'
  }

  #capture(frame: Uint8Array): void {
    if (this.captured.length < this.#captureMost)
      this.captured.push({ at: performance.timeOrigin + performance.now(), bytes: frame.slice() })
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
