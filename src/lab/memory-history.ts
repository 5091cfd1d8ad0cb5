/** What the pools of one host held, over the last two minutes: one sample a quarter second, where anything changed. */
import type { MemoryReport } from '../stack/stack.ts'

export interface Sample {
  /** Milliseconds on the worker's clock. */
  readonly time: number
  readonly memory: MemoryReport
}

export const HISTORY_MS = 120_000
const STEP_MS = 250

export class MemoryHistory {
  readonly #samples: Sample[] = []

  /** Oldest first. Between two of them, the older one holds. */
  get samples(): readonly Sample[] {
    return this.#samples
  }

  /** Within one step the fullest moment is kept: a peak must not fall between two samples. */
  take(time: number, memory: MemoryReport): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && isAnother(last.memory, memory)) this.#samples.length = 0
    const before = this.#samples.at(-1)
    if (before === undefined || time - before.time >= STEP_MS) this.#samples.push({ time, memory })
    else if (memory.used > before.memory.used)
      this.#samples[this.#samples.length - 1] = { time: before.time, memory }
    while ((this.#samples[1]?.time ?? time) < time - HISTORY_MS) this.#samples.shift()
  }
}

/** The host was started anew: another budget, or a peak that went back. */
const isAnother = (before: MemoryReport, now: MemoryReport): boolean =>
  before.size !== now.size || before.peak > now.peak
