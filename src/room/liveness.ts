/**
 * Liveness: whether a connected page is still there, by pings on its control channel.
 *
 * It counts unanswered pings, not elapsed time: a page that was suspended itself must not blame the others. A
 * suspicion (a last will, a doubt of ICE) leaves time for one ping more.
 */
/** Milliseconds between pings, and so between a suspicion and its end. */
export const PING_EVERY = 2_000
/** Pings without an answer after which a page is lost. */
export const MISSED_AT_MOST = 3

export interface Pulse {
  readonly ping: (sequence: number) => void
  readonly onRtt: (ms: number) => void
  readonly onSilence: () => void
}

export class Liveness {
  readonly #pulse: Pulse
  readonly #now: () => number
  #timer: ReturnType<typeof setTimeout> | undefined
  #sequence = 0
  #sent = 0
  #missed = 0
  #suspected = false

  constructor(pulse: Pulse, now: () => number = () => performance.now()) {
    this.#pulse = pulse
    this.#now = now
    this.#ping()
  }

  /** Something hints that the page is gone: it has PING_EVERY to answer. */
  suspect(): void {
    if (this.#suspected) return
    this.#suspected = true
    this.#ping()
  }

  /** An answer. One to anything but the last ping says nothing of now. */
  pong(sequence: number): void {
    if (sequence !== this.#sequence || this.#missed === 0) return
    this.#missed = 0
    this.#suspected = false
    this.#pulse.onRtt(this.#now() - this.#sent)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #ping(): void {
    clearTimeout(this.#timer)
    this.#sent = this.#now()
    this.#missed++
    this.#pulse.ping(++this.#sequence)
    this.#timer = setTimeout(() => this.#tick(), PING_EVERY)
  }

  #tick(): void {
    const lost = this.#missed >= MISSED_AT_MOST || (this.#suspected && this.#missed > 0)
    if (lost) this.#pulse.onSilence()
    else this.#ping()
  }
}
