/** Everything that a run leaves to chance comes from one seed. */
import { seededRandom } from '../stack/testing/simulation.ts'

export class Dice {
  readonly #random: () => number

  constructor(seed: number) {
    // Seeds that follow each other must not begin alike.
    this.#random = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995)
    for (let i = 0; i < 8; i++) this.#random()
  }

  /** 0 … 2^32 - 1. */
  readonly word = (): number => this.#random()

  /** 0 … n - 1. */
  below(n: number): number {
    return Math.floor((this.#random() / 2 ** 32) * n)
  }

  /** `least` … `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(probability: number): boolean {
    return this.#random() < probability * 2 ** 32
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T
  }
}
