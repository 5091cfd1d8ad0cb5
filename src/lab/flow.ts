/**
 * A TCP connection as the wire shows it: told from frames alone, in the order in which they entered the switch.
 *
 * Nobody is asked. Sequence numbers are counted from the SYN of each direction; a segment whose numbers were all sent
 * before is a retransmission, and what went before it on the wire says why it was sent again.
 */

import { ipv4Payload, type Relative } from '../stack/wire/dissect.ts'
import { ETH_HEADER, ETH_TYPE, ETHERTYPE_IPV4 } from '../stack/wire/ethernet.ts'
import {
  IP_DESTINATION,
  IP_FRAGMENT,
  IP_FRAGMENT_OFFSET,
  IP_MORE_FRAGMENTS,
  IP_PROTOCOL,
  IP_SOURCE,
  PROTOCOL_TCP,
} from '../stack/wire/ipv4.ts'
import { addressAt } from '../stack/wire/readable.ts'
import {
  ACK,
  FIN,
  RST,
  SYN,
  TCP_ACKNOWLEDGMENT,
  TCP_DESTINATION_PORT,
  TCP_FLAGS,
  TCP_HEADER,
  TCP_SEQUENCE,
  TCP_SOURCE_PORT,
  TCP_WINDOW,
  tcpHeaderLength,
  windowScaleOption,
} from '../stack/wire/tcp.ts'
import type { LoggedFrame } from './frame-log.ts'

export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** Which end of a flow: 0 is the one that spoke first. */
export type End = 0 | 1

/** Why a segment was sent again, as the frames before it show. */
export type AgainCause = 'RTO' | 'fast retransmit' | 'fast recovery' | 'window probe'

export interface Again {
  /** The number of the frame that carried these bytes before. */
  readonly of: number
  /** Milliseconds since then, measured on the wire. */
  readonly gap: number
  readonly cause: AgainCause
}

/** The numbers of one segment, and what they mean in their flow. */
export interface Segment {
  readonly flow: Flow
  readonly from: End
  readonly sequence: number
  /** Bytes of sequence space: data, and one each for SYN and FIN. */
  readonly span: number
  readonly flags: number
  readonly again: Again | undefined
}

/** What is known of one direction. */
interface Direction {
  /** Undefined when the capture began after the SYN. */
  isn: number | undefined
  /** The window scale of its SYN; undefined without one. */
  shift: number | undefined
  /** One past the highest sequence number sent; undefined before the first segment. */
  next: number | undefined
  lastAck: number | undefined
  lastWindow: number | undefined
  duplicateAcks: number
  /** `next` when a fast retransmit was seen: below it lies fast recovery (RFC 6582, 3.2). */
  recover: number | undefined
}

const freshDirection = (): Direction => ({
  isn: undefined,
  shift: undefined,
  next: undefined,
  lastAck: undefined,
  lastWindow: undefined,
  duplicateAcks: 0,
  recover: undefined,
})

/** RFC 9293, 3.4: numbers wrap, so one is compared with another by their signed difference. */
const after = (a: number, b: number): boolean => ((a - b) | 0) > 0

/** How far back the first sending of a repeated segment is looked for. */
const SEARCH_BACK = 2000

export class Flow {
  /** Unique in the log. */
  readonly id: number
  /** The one that spoke first, and the other. */
  readonly ends: readonly [Endpoint, Endpoint]
  /** The frames that are still in the log, oldest first. */
  readonly frames: LoggedFrame[] = []
  readonly #directions: readonly [Direction, Direction] = [freshDirection(), freshDirection()]
  #over = false

  constructor(id: number, first: Endpoint, second: Endpoint) {
    this.id = id
    this.ends = [first, second]
  }

  /** Whether a reset, or a FIN each way, has been on the wire: a SYN behind it begins another flow. */
  get over(): boolean {
    return this.#over
  }

  initialSequence(end: End): number | undefined {
    return this.#directions[end].isn
  }

  /** What counts as 0 in a segment that `end` sends; undefined when the capture does not know. */
  relative(end: End, flags: number): Relative | undefined {
    const sequence = this.#directions[end].isn
    const acknowledgment = this.#directions[end === 0 ? 1 : 0].isn
    if (sequence === undefined) return undefined
    if (acknowledgment === undefined) return flags & ACK ? undefined : { sequence, acknowledgment: 0 }
    return { sequence, acknowledgment, windowShift: flags & SYN ? 0 : this.#windowShift(end) }
  }

  /** RFC 7323, 2.2: windows are shifted only when both SYNs have said so. */
  #windowShift(end: End): number {
    const theirs = this.#directions[end === 0 ? 1 : 0].shift
    return theirs === undefined ? 0 : (this.#directions[end].shift ?? 0)
  }

  /** Takes the next segment of this flow and says what it is. */
  take(frame: LoggedFrame, from: End, read: SegmentBytes): Segment {
    const mine = this.#directions[from]
    const theirs = this.#directions[from === 0 ? 1 : 0]
    if (read.flags & SYN) {
      mine.isn = read.sequence
      mine.shift = read.shift
    }
    const again = this.#again(frame, from, read)
    const end = (read.sequence + read.span) >>> 0
    if (again?.cause === 'fast retransmit') mine.recover = mine.next
    if (mine.next === undefined || after(end, mine.next)) mine.next = end
    countAck(mine, theirs, read)
    if (read.flags & RST) this.#over = true
    this.frames.push(frame)
    return { flow: this, from, sequence: read.sequence, span: read.span, flags: read.flags, again }
  }

  #again(frame: LoggedFrame, from: End, read: SegmentBytes): Again | undefined {
    const mine = this.#directions[from]
    const end = (read.sequence + read.span) >>> 0
    if (read.span === 0 || mine.next === undefined || after(end, mine.next)) return undefined
    const earlier = this.#lastSendingOf(from, read.sequence)
    if (earlier === undefined) return undefined
    const theirs = this.#directions[from === 0 ? 1 : 0]
    return { of: earlier.no, gap: frame.time - earlier.time, cause: againCause(mine, theirs, read) }
  }

  #lastSendingOf(from: End, sequence: number): LoggedFrame | undefined {
    const stop = Math.max(0, this.frames.length - SEARCH_BACK)
    for (let i = this.frames.length - 1; i >= stop; i--) {
      const segment = this.frames[i]?.segment
      if (segment === undefined || segment.from !== from || segment.span === 0) continue
      const into = (sequence - segment.sequence) >>> 0
      if (into < segment.span) return this.frames[i]
    }
    return undefined
  }
}

function againCause(mine: Direction, theirs: Direction, read: SegmentBytes): AgainCause {
  if (theirs.lastWindow === 0 && read.span === 1 && !(read.flags & (SYN | FIN))) return 'window probe'
  // RFC 5681, 3.2: the third duplicate ACK.
  if (theirs.duplicateAcks >= 3) return 'fast retransmit'
  const recovering = mine.recover !== undefined && after(mine.recover, read.sequence)
  return recovering && theirs.duplicateAcks > 0 ? 'fast recovery' : 'RTO'
}

/** RFC 5681, 2: a duplicate ACK carries no data, repeats the last number and window, while data is outstanding. */
function countAck(mine: Direction, theirs: Direction, read: SegmentBytes): void {
  if (!(read.flags & ACK)) return
  const outstanding = theirs.next !== undefined && after(theirs.next, read.acknowledgment)
  const repeated = mine.lastAck === read.acknowledgment && mine.lastWindow === read.window
  if (repeated && read.span === 0 && outstanding) mine.duplicateAcks++
  else if (mine.lastAck !== read.acknowledgment) mine.duplicateAcks = 0
  mine.lastAck = read.acknowledgment
  mine.lastWindow = read.window
}

/** A segment's numbers as they stand in the frame. */
export interface SegmentBytes {
  readonly source: Endpoint
  readonly destination: Endpoint
  readonly sequence: number
  readonly acknowledgment: number
  readonly span: number
  readonly flags: number
  readonly window: number
  /** The window scale option's, if it has one. */
  readonly shift: number | undefined
}

/** Undefined for whatever is not a whole TCP header in an unfragmented datagram. */
export function readSegment(bytes: Uint8Array): SegmentBytes | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < ETH_HEADER || view.getUint16(ETH_TYPE) !== ETHERTYPE_IPV4) return undefined
  const payload = ipv4Payload(view, ETH_HEADER, bytes.length)
  if (payload === undefined || view.getUint8(ETH_HEADER + IP_PROTOCOL) !== PROTOCOL_TCP) return undefined
  if (view.getUint16(ETH_HEADER + IP_FRAGMENT) & (IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS)) return undefined
  const [at, end] = payload
  if (end - at < TCP_HEADER) return undefined
  const flags = view.getUint8(at + TCP_FLAGS)
  const data = Math.max(0, end - at - tcpHeaderLength(view, at))
  return {
    source: { address: addressAt(view, ETH_HEADER + IP_SOURCE), port: view.getUint16(at + TCP_SOURCE_PORT) },
    destination: {
      address: addressAt(view, ETH_HEADER + IP_DESTINATION),
      port: view.getUint16(at + TCP_DESTINATION_PORT),
    },
    sequence: view.getUint32(at + TCP_SEQUENCE),
    acknowledgment: view.getUint32(at + TCP_ACKNOWLEDGMENT),
    span: data + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0),
    flags,
    window: view.getUint16(at + TCP_WINDOW),
    shift: flags & SYN ? windowScaleOption(view, at, end) : undefined,
  }
}

const keyOf = (a: Endpoint, b: Endpoint): string => `${a.address}:${a.port} ${b.address}:${b.port}`

/** Every flow that the log has seen, newest last. */
export class Flows {
  readonly #all: Flow[] = []
  readonly #byKey = new Map<string, readonly [Flow, End]>()
  #next = 1

  get all(): readonly Flow[] {
    return this.#all
  }

  get newest(): Flow | undefined {
    return this.#all.at(-1)
  }

  /** The newest flow between two addresses, whichever spoke first. */
  newestBetween(one: string | undefined, other: string | undefined): Flow | undefined {
    return this.#all.findLast(({ ends: [first, second] }) =>
      first.address === one ? second.address === other : first.address === other && second.address === one,
    )
  }

  /** The newest flow between two ends, whichever spoke first. */
  between(one: Endpoint, other: Endpoint): Flow | undefined {
    return this.#byKey.get(keyOf(one, other))?.[0]
  }

  take(frame: LoggedFrame): Segment | undefined {
    const read = readSegment(frame.bytes)
    if (read === undefined) return undefined
    const key = keyOf(read.source, read.destination)
    let found = this.#byKey.get(key)
    if (found === undefined || this.#beginsAnew(found, read)) found = this.#begin(read, key)
    const [flow, from] = found
    return flow.take(frame, from, read)
  }

  /** Lets go of frames that have left the log, and of flows that have none left. */
  forget(before: number): void {
    for (let i = this.#all.length - 1; i >= 0; i--) {
      const flow = this.#all[i]
      if (flow === undefined) continue
      const keep = flow.frames.findIndex(frame => frame.no >= before)
      flow.frames.splice(0, keep < 0 ? flow.frames.length : keep)
      if (flow.frames.length === 0 && flow.over) this.#drop(i, flow)
    }
  }

  /** The same four numbers, used for a new connection: a SYN of another number than the first. */
  #beginsAnew([flow, from]: readonly [Flow, End], read: SegmentBytes): boolean {
    const first = flow.initialSequence(from)
    return (read.flags & (SYN | ACK)) === SYN && first !== undefined && first !== read.sequence
  }

  #begin(read: SegmentBytes, key: string): readonly [Flow, End] {
    const flow = new Flow(this.#next++, read.source, read.destination)
    this.#all.push(flow)
    const found = [flow, 0] as const
    this.#byKey.set(key, found)
    this.#byKey.set(keyOf(read.destination, read.source), [flow, 1])
    return found
  }

  #drop(index: number, flow: Flow): void {
    this.#all.splice(index, 1)
    for (const key of [keyOf(...flow.ends), keyOf(flow.ends[1], flow.ends[0])])
      if (this.#byKey.get(key)?.[0] === flow) this.#byKey.delete(key)
  }
}
