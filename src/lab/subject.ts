/** What the ladder is about: which connection or which two stations, and which frames belong to that. */
import { ETH_DESTINATION, ETH_HEADER, ETH_SOURCE } from '../stack/wire/ethernet.ts'
import { macAt } from '../stack/wire/readable.ts'
import type { End, Flow } from './flow.ts'
import type { FrameLog, LoggedFrame } from './frame-log.ts'
import { isBetween, type LadderSubject } from './ladder.ts'
import type { Station, Stations } from './stations.ts'

/** What a person chose to look at. */
export type Follow =
  | { readonly kind: 'newest' }
  | { readonly kind: 'flow'; readonly id: number }
  | { readonly kind: 'pair'; readonly left: string; readonly right: string }

/** Undefined while there are not yet two stations to stand beside each other. */
export function subjectOf(follow: Follow, log: FrameLog, stations: Stations): LadderSubject | undefined {
  if (follow.kind === 'pair') {
    const left = stations.byMac(follow.left)
    const right = stations.byMac(follow.right)
    if (left && right) return ofPair(left, right, log)
  }
  const chosen = follow.kind === 'flow' ? log.flows.all.find(({ id }) => id === follow.id) : undefined
  const flow = chosen ?? log.flows.newest
  if (flow) return ofFlow(flow, stations)
  const [left, right] = stations.all
  return left && right && ofPair(left, right, log)
}

const ofPair = (left: Station, right: Station, { flows }: FrameLog): LadderSubject => {
  const connection = flows.newestBetween(left.address, right.address)
  return { left, right, flow: undefined, connection }
}

/** Whom to follow so that a frame is in sight: undefined where it already is, or where it passed between no two stations. */
export function followFor(
  frame: LoggedFrame,
  subject: LadderSubject | undefined,
  stations: Stations,
): Follow | undefined {
  if (subject && isBetween(frame, subject)) return undefined
  if (frame.segment) return { kind: 'flow', id: frame.segment.flow.id }
  const [left, right] = [macOf(frame, 0), macOf(frame, 1)]
  const known = [left, right].every(mac => mac !== undefined && stations.byMac(mac) !== undefined)
  return known && left && right ? { kind: 'pair', left, right } : undefined
}

/** A host of this page stands on the left; of two such, the one that this page lists first. */
function ofFlow(flow: Flow, stations: Stations): LadderSubject {
  const first = stationOf(flow, 0, stations)
  const second = stationOf(flow, 1, stations)
  const swap = rank(second, stations) < rank(first, stations)
  return { left: swap ? second : first, right: swap ? first : second, flow, connection: flow }
}

const rank = (station: Station, stations: Stations): number => {
  const index = stations.all.findIndex(({ mac }) => mac === station.mac)
  return index < 0 ? Number.POSITIVE_INFINITY : index
}

function stationOf(flow: Flow, end: End, stations: Stations): Station {
  const { address } = flow.ends[end]
  const known = stations.byAddress(address)
  if (known) return known
  const mac = macOf(flow.frames[0], end)
  const station = mac === undefined ? undefined : stations.byMac(mac)
  return station
    ? { ...station, address: station.address ?? address }
    : { mac: mac ?? '', name: address, address, where: { kind: 'unknown' } }
}

/** The MAC that `end` uses, read from a frame of the flow. */
function macOf(frame: LoggedFrame | undefined, end: End): string | undefined {
  if (frame === undefined || frame.bytes.length < ETH_HEADER) return undefined
  const view = new DataView(frame.bytes.buffer, frame.bytes.byteOffset, frame.bytes.byteLength)
  return macAt(view, frame.segment?.from === end ? ETH_SOURCE : ETH_DESTINATION)
}

/** What is said to all concerns a station by its address, so a new address is a new subject. */
const sameStation = (a: Station, b: Station): boolean => a.mac === b.mac && a.address === b.address
const sameSubject = (a: LadderSubject | undefined, b: LadderSubject): boolean =>
  a !== undefined && sameStation(a.left, b.left) && sameStation(a.right, b.right) && a.flow === b.flow

/** The ladder draws no more than these; the table has them all. */
export const MOST_DRAWN = 400

/** The frames of a subject, kept up as the log grows without looking at any frame twice. */
export class SubjectFrames {
  #subject: LadderSubject | undefined
  #all: LoggedFrame[] = []
  #from = 0
  #seen = 0
  #era = -1

  /** Those that are drawn: the newest, or those around the one that is sought. */
  get frames(): readonly LoggedFrame[] {
    return this.#all.slice(this.#from, this.#from + MOST_DRAWN)
  }

  /** How many of the subject's frames came before those that are drawn. */
  get earlier(): number {
    return this.#from
  }

  /** How many came after them. */
  get later(): number {
    return Math.max(0, this.#all.length - this.#from - MOST_DRAWN)
  }

  read(subject: LadderSubject, log: FrameLog, sought: LoggedFrame | undefined = undefined): void {
    if (!sameSubject(this.#subject, subject) || this.#era !== log.era) {
      this.#all = []
      this.#seen = 0
      this.#era = log.era
    }
    this.#subject = subject
    for (; this.#seen < log.frames.length; this.#seen++) {
      const frame = log.frames[this.#seen]
      if (frame && isBetween(frame, subject)) this.#all.push(frame)
    }
    this.#from = this.#windowFor(sought)
  }

  /** A frame that is sought beyond the newest stands in the middle. */
  #windowFor(sought: LoggedFrame | undefined): number {
    const newest = Math.max(0, this.#all.length - MOST_DRAWN)
    const at = sought && newest > 0 ? this.#all.indexOf(sought) : -1
    return at < 0 || at >= newest ? newest : Math.max(0, at - MOST_DRAWN / 2)
  }
}
