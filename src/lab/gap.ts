/**
 * Time that passed without this page: the computer slept, or the browser had stopped the page; and the wall clock,
 * which somebody may set. Hosts count by a clock that does neither jump nor, on most systems, run in sleep.
 */

/** Milliseconds between two looks. */
export const LOOK_EVERY = 1_000
/** Shorter gaps are a busy browser's: it holds a hidden page's timers back by as much. */
const WORTH_TELLING = 5_000
/** A page that is hidden is looked after once a minute at least, and that is no gap. */
const HIDDEN = 70_000

export class Gaps {
  #steady: number
  #wall: number

  /** `steady`: performance.now(); `wall`: Date.now(). Both in milliseconds. */
  constructor(steady: number, wall: number) {
    this.#steady = steady
    this.#wall = wall
  }

  /** One sentence when something is to be told since the last look. */
  look(steady: number, wall: number, hidden: boolean): string | undefined {
    const passed = steady - this.#steady
    const set = wall - this.#wall - passed
    this.#steady = steady
    this.#wall = wall
    if (passed > (hidden ? HIDDEN : WORTH_TELLING))
      return `This page did not run for ${seconds(passed)}: the computer slept, or the browser had stopped it. Where others waited that long they have given up; all else goes on.`
    if (set > WORTH_TELLING)
      return `The computer’s clock went on by ${seconds(set)} while this page’s stood still: it slept, or its clock was set. The hosts go on where they were.`
    if (set < -WORTH_TELLING)
      return `The computer’s clock was set back by ${seconds(-set)}. The hosts count by another, and go on.`
    return undefined
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`
