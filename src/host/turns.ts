/**
 * When the hosts of a page run. All of them share one thread, so everything happens in turns: a turn lets each host
 * that has something to do take a step, again and again, for a few milliseconds; then others (messages from the page
 * and from peers, programs) get theirs, and if work is left the next turn follows. One timer waits for the earliest
 * deadline of all.
 */
import type { Ms } from '../stack/stack.ts'
import { soon } from './soon.ts'

/** One that takes steps: a host, or the link's own upkeep. */
export interface Stepper {
  /** Whether it has something to do now. */
  readonly wants: boolean
  /** When it has something to do next; Infinity when idle. */
  deadline(): Ms
  step(now: Ms): void
}

/** The longest turn. A message waits no longer than this, and one frame more. */
const TURN: Ms = 4
/** A timer is never set farther off: setTimeout takes 31 bits. */
const FARTHEST: Ms = 60_000

export class Turns {
  readonly #now: () => Ms
  readonly #endOfTurn: (now: Ms) => void
  readonly #next = soon(() => {
    this.#scheduled = false
    this.run()
  })
  #steppers: readonly Stepper[] = []
  #inTurn = false
  #scheduled = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #ended = false

  /** `endOfTurn` runs once after the steps of each turn. */
  constructor(now: () => Ms, endOfTurn: (now: Ms) => void) {
    this.#now = now
    this.#endOfTurn = endOfTurn
  }

  add(stepper: Stepper): void {
    this.#steppers = [...this.#steppers, stepper]
    this.wake()
  }

  remove(stepper: Stepper): void {
    this.#steppers = this.#steppers.filter(other => other !== stepper)
  }

  /** Somebody may have something to do: a turn follows soon. */
  wake(): void {
    if (this.#inTurn || this.#scheduled || this.#ended) return
    this.#scheduled = true
    this.#next.schedule()
  }

  /** Takes a turn now. Not from within a step. */
  run(): void {
    if (this.#inTurn || this.#ended) return
    this.#inTurn = true
    const end = this.#now() + TURN
    let left = true
    try {
      for (let now = this.#now(); left && now < end; now = this.#now()) left = this.#round(now)
      this.#endOfTurn(this.#now())
    } finally {
      // Whoever throws ends this turn, not all turns.
      this.#inTurn = false
      if (left) this.wake()
      else this.#arm()
    }
  }

  /** One step for each that is due. True: work is left. */
  #round(now: Ms): boolean {
    for (const stepper of this.#steppers) if (stepper.wants || stepper.deadline() <= now) stepper.step(now)
    for (const stepper of this.#steppers) if (stepper.wants || stepper.deadline() <= now) return true
    return false
  }

  #arm(): void {
    let at = Number.POSITIVE_INFINITY
    for (const stepper of this.#steppers) at = Math.min(at, stepper.deadline())
    // A timer that fires too early costs an empty turn, less than setting it anew each time.
    if (at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY
        this.run()
      },
      Math.min(FARTHEST, Math.max(0, Math.ceil(at - this.#now()))),
    )
  }

  /** No more turns. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#next.end()
  }
}
