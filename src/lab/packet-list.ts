/** The frames that the filter lets through, kept up as the log grows: each frame is asked once. */
import { type Filter, parseFilter } from './filter.ts'
import type { FrameLog, LoggedFrame } from './frame-log.ts'
import { packetOf } from './packet.ts'
import type { Stations } from './stations.ts'

export class PacketList {
  #filter: Filter = { kind: 'all' }
  #frames: readonly LoggedFrame[] = []
  #passed: LoggedFrame[] = []
  #seen = 0
  #era = -1

  get filter(): Filter {
    return this.#filter
  }

  get frames(): readonly LoggedFrame[] {
    return this.#frames
  }

  /** A filter that is wrong hides nothing; `filter` says why. */
  setFilter(text: string): void {
    this.#filter = parseFilter(text)
    this.#era = -1
  }

  read(log: FrameLog, stations: Stations): void {
    const filter = this.#filter
    if (filter.kind !== 'words') {
      this.#frames = log.frames
      return
    }
    if (this.#era !== log.era) {
      this.#era = log.era
      this.#passed = []
      this.#seen = 0
    }
    for (; this.#seen < log.frames.length; this.#seen++) {
      const frame = log.frames[this.#seen]
      if (frame && filter.passes(packetOf(frame, stations))) this.#passed.push(frame)
    }
    this.#frames = this.#passed
  }

  /** Frames stand in the order of their numbers, so the place is found by halving. */
  indexOf(no: number): number {
    let low = 0
    let high = this.#frames.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const found = this.#frames[middle]?.no ?? 0
      if (found === no) return middle
      if (found < no) low = middle + 1
      else high = middle - 1
    }
    return -1
  }
}
