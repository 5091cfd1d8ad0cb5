/**
 * Whether a worker is still there. A worker that the browser ends, for want of memory say, or that runs in circles
 * sends no word of it. So it is asked, and counts as gone when it has left several questions unanswered: questions,
 * not seconds, for while the computer sleeps nobody asks and nobody answers.
 */

/** Milliseconds between two questions. */
export const BEAT_EVERY = 2_500
/** Questions left unanswered. A turn of the hosts takes 4 ms, an export of a full capture a second or two. */
export const MISSED_AT_MOST = 4

export class Watch {
  readonly #ask: () => void
  readonly #gone: () => void
  readonly #timer: ReturnType<typeof setInterval>
  #missed = 0

  constructor(ask: () => void, gone: () => void) {
    this.#ask = ask
    this.#gone = gone
    this.#timer = setInterval(() => this.#tick(), BEAT_EVERY)
  }

  /** Anything that the worker says. */
  heard(): void {
    this.#missed = 0
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    if (this.#missed === MISSED_AT_MOST) {
      this.end()
      this.#gone()
      return
    }
    this.#missed++
    this.#ask()
  }
}
