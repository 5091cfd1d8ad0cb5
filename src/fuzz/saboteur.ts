/** What the command needs of the saboteur, in one module; the watch first, since the stack calls it. */
import './watch.ts'
import { Alone } from './alone.ts'
import { Among } from './among.ts'
import type { Failure, Run } from './failure.ts'
import { Kept } from './kept.ts'
import { marks } from './watch.ts'

export { inputs } from './inputs/inputs.ts'
export { marks } from './watch.ts'

/** One run of so many is among live conversations; it has more frames than one alone, each with what it is put between. */
const LIVE_EVERY = 4

export class Saboteur {
  readonly #alone: Alone
  readonly #among: Among

  constructor() {
    const kept = new Kept(marks)
    this.#alone = new Alone(kept)
    this.#among = new Among(kept)
  }

  run(seed: number): Run {
    return seed % LIVE_EVERY === 0 ? this.#among.run(seed) : this.#alone.run(seed)
  }

  /** What was wrong, once more; undefined when it is no more. RangeError: there is no such host. */
  replay({ form, seed, host, frames }: Failure): string | undefined {
    return (form === 'alone' ? this.#alone : this.#among).replay(seed, host, frames)
  }
}
