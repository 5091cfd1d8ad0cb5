/**
 * Frames that entered branches which few had entered: they are kept, to be sent again with something changed. The rarer the
 * branch, the oftener: of three that are drawn the one is taken whose rarest branch was entered least so far.
 */
import { Dice } from '../simulate/dice.ts'

const KEPT_AT_MOST = 800

interface One {
  readonly bytes: Uint8Array
  readonly branches: readonly number[]
}

export class Kept {
  readonly #marks: ArrayLike<number>
  readonly #all: One[] = []
  /** Of its own: what is kept must not change what else a run leaves to chance. */
  readonly #dice = new Dice(1)

  /** `marks` counts how often each branch was entered. */
  constructor(marks: ArrayLike<number>) {
    this.#marks = marks
  }

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  /** `branches` are the rare ones that the frame entered; without any it is let go. */
  note(bytes: Uint8Array, branches: readonly number[]): void {
    if (branches.length === 0) return
    const one = { bytes: bytes.slice(), branches }
    if (this.#all.length < KEPT_AT_MOST) this.#all.push(one)
    else this.#all[this.#drawn(this.#dice, (a, b) => a > b)] = one
  }

  pick(dice: Dice): Uint8Array {
    return this.#all[this.#drawn(dice, (a, b) => a < b)]?.bytes ?? new Uint8Array(0)
  }

  /** The best of three by how often their rarest branches were entered. */
  #drawn(dice: Dice, isBetter: (a: number, b: number) => boolean): number {
    let best = dice.below(this.#all.length)
    for (let n = 0; n < 2; n++) {
      const other = dice.below(this.#all.length)
      if (isBetter(this.#hits(other), this.#hits(best))) best = other
    }
    return best
  }

  #hits(index: number): number {
    const { branches } = this.#all[index] ?? { branches: [] }
    let least = Number.POSITIVE_INFINITY
    for (const branch of branches) least = Math.min(least, this.#marks[branch] ?? 0)
    return least
  }
}
