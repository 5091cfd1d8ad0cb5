/**
 * What happened on the segment, in order: the worker's log as the page keeps it.
 *
 * It is bounded: the oldest frames go first, and it says how many went. Taking a record is cheap, for there may be
 * thousands a second; what a frame means is worked out when somebody looks at it.
 */
import type { ArrivalRecord, FrameRecord, LogRecord, NoticeRecord, StateRecord } from '../host/protocol.ts'
import { Flows, type Segment } from './flow.ts'

/** What became of a frame at one port. */
export interface Arrival {
  readonly at: string
  readonly time: number
  /** Its place among all records: later is larger. */
  readonly order: number
  readonly fate: ArrivalRecord['fate']
}

export interface LoggedFrame extends FrameRecord {
  /** Its place among all records. */
  readonly order: number
  readonly arrivals: Arrival[]
  /** What it is to its TCP connection; undefined if it belongs to none. */
  segment: Segment | undefined
}

export interface LoggedState extends Omit<StateRecord, 'frame'> {
  /** As in StateRecord; found later where another page told of it before the frame was logged here. */
  frame: number | undefined
  readonly order: number
  /** Who told us, when it was another page; undefined for a host of this one. */
  readonly toldBy: string | undefined
}

/** The page keeps no more than this; the oldest tenth goes when it is reached. */
export const MOST_FRAMES = 50_000
export const MOST_BYTES = 48 * 1024 * 1024
const MOST_STATES = 10_000

export class FrameLog {
  readonly frames: LoggedFrame[] = []
  readonly states: LoggedState[] = []
  readonly flows = new Flows()
  /** Frames that the worker captured but did not tell, for there were too many at once. */
  leftOut = 0
  readonly #byNo = new Map<number, LoggedFrame>()
  #order = 0
  #bytes = 0
  #forgotten = 0
  #era = 0

  /** How many frames have left the log, because it was full. */
  get forgotten(): number {
    return this.#forgotten
  }

  /** Changes when frames leave the front, so that whoever counted along starts over. */
  get era(): number {
    return this.#era
  }

  byNo(no: number): LoggedFrame | undefined {
    return this.#byNo.get(no)
  }

  /** Takes what the worker told. Returns the notices, which are for people. */
  append(records: readonly LogRecord[]): NoticeRecord[] {
    const notices: NoticeRecord[] = []
    for (const record of records) {
      if (record.kind === 'frame') this.#frame(record)
      else if (record.kind === 'arrival') this.#arrival(record)
      else if (record.kind === 'state') this.addState(record, undefined)
      else notices.push(record)
    }
    if (this.frames.length > MOST_FRAMES || this.#bytes > MOST_BYTES) this.#forgetOldest()
    return notices
  }

  addState(record: StateRecord, toldBy: string | undefined): LoggedState {
    const state = { ...record, order: ++this.#order, toldBy }
    this.states.push(state)
    if (this.states.length > MOST_STATES) this.states.splice(0, MOST_STATES / 10)
    return state
  }

  /** The states behind a place in the order, oldest first. */
  statesAfter(order: number): readonly LoggedState[] {
    let from = this.states.length
    while (from > 0 && (this.states[from - 1]?.order ?? 0) > order) from--
    return this.states.slice(from)
  }

  clear(): void {
    this.#remove(this.frames.length)
    this.states.length = 0
    this.#forgotten = 0
    this.leftOut = 0
  }

  #frame(record: FrameRecord): void {
    const frame: LoggedFrame = { ...record, order: ++this.#order, arrivals: [], segment: undefined }
    frame.segment = this.flows.take(frame)
    this.frames.push(frame)
    this.#byNo.set(frame.no, frame)
    this.#bytes += frame.bytes.length
  }

  #arrival(record: ArrivalRecord): void {
    const { at, time, fate } = record
    this.#byNo.get(record.no)?.arrivals.push({ at, time, order: ++this.#order, fate })
  }

  #forgetOldest(): void {
    const gone = Math.ceil(this.frames.length / 10)
    this.#forgotten += gone
    this.#remove(gone)
  }

  #remove(howMany: number): void {
    for (const frame of this.frames.splice(0, howMany)) {
      this.#byNo.delete(frame.no)
      this.#bytes -= frame.bytes.length
    }
    this.flows.forget(this.frames[0]?.no ?? Number.POSITIVE_INFINITY)
    this.#era++
  }
}
