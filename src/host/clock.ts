/**
 * Drives one stack: frames in, deadlines, frames out, and the events of its sockets, in that order.
 *
 * The stack is never entered from inside itself: a frame that one host hands out goes straight into the next host's
 * `input`, which only takes it; what follows from it comes out in that host's own step. A host that took two frames
 * is not `ready` for a third before its step, so an ACK goes out for every second segment (RFC 5681, 4.2) and two
 * hosts of one page take turns as two machines would, without a queue between them.
 */
import type { Drop } from '../stack/drop.ts'
import type { Ms, Socket, Stack } from '../stack/stack.ts'
import type { Stepper } from './turns.ts'

/** What a frame met on its way out: 'wait' for another host of this page, 'held' until a peer's port drains. */
export type Way = 'taken' | 'wait' | 'held'

export interface ClockEvents {
  transmit(frame: Uint8Array, now: Ms): Way
  /** Something happened on a socket; `bits` of `Event`. No call into the stack from here. */
  happened(socket: Socket, bits: number): void
  /** The events are told: now calls into the stack are welcome. */
  settled(): void
}

/** RFC 5681, 4.2: "an ACK SHOULD be generated for at least every second full-sized segment". */
const INPUTS_PER_STEP = 2

export class Clock implements Stepper {
  readonly stack: Stack
  readonly #events: ClockEvents
  #inputs = 0
  #wants = true
  #now: Ms = 0

  constructor(stack: Stack, events: ClockEvents) {
    this.stack = stack
    this.#events = events
  }

  /** Whether the host takes a frame that is for it alone. */
  get ready(): boolean {
    return this.#inputs < INPUTS_PER_STEP
  }

  get wants(): boolean {
    return this.#wants
  }

  /** Something may have to go out: a step follows. */
  want(): void {
    this.#wants = true
  }

  deadline(): Ms {
    return this.stack.pollAt()
  }

  input(frame: Uint8Array, now: Ms): Drop {
    this.#inputs++
    this.#wants = true
    return this.stack.input(frame, now)
  }

  /** Brings the stack's clock up to date before a call into it, so that the timers it sets count from now. */
  catchUp(now: Ms): void {
    this.stack.poll(now)
  }

  step(now: Ms): void {
    this.#now = now
    this.#inputs = 0
    this.#wants = false
    this.stack.poll(now)
    this.tellEvents()
    this.stack.output(this.#emit)
    this.tellEvents()
  }

  readonly #emit = (frame: Uint8Array): boolean => {
    const way = this.#events.transmit(frame, this.#now)
    if (way === 'wait') this.#wants = true
    return way === 'taken'
  }

  readonly #happened = (socket: Socket, bits: number): void => this.#events.happened(socket, bits)

  /** Tells what happened on the sockets since the last time. */
  tellEvents(): void {
    this.stack.events(this.#happened)
    this.#events.settled()
  }
}
