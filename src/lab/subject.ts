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
    if (left && right) return { left, right, flow: undefined }
  }
  const chosen = follow.kind === 'flow' ? log.flows.all.find(({ id }) => id === follow.id) : undefined
  const flow = chosen ?? log.flows.newest
  if (flow) return ofFlow(flow, stations)
  const [left, right] = stations.all
  return left && right && { left, right, flow: undefined }
}

/** A host of this page stands on the left; of two such, the one that this page lists first. */
function ofFlow(flow: Flow, stations: Stations): LadderSubject {
  const first = stationOf(flow, 0, stations)
  const second = stationOf(flow, 1, stations)
  const swap = rank(second, stations) < rank(first, stations)
  return { left: swap ? second : first, right: swap ? first : second, flow }
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
  #frames: LoggedFrame[] = []
  #earlier = 0
  #seen = 0
  #era = -1

  get frames(): readonly LoggedFrame[] {
    return this.#frames
  }

  /** How many of the subject's frames came before those that are kept. */
  get earlier(): number {
    return this.#earlier
  }

  read(subject: LadderSubject, log: FrameLog): void {
    if (!sameSubject(this.#subject, subject) || this.#era !== log.era) {
      this.#frames = []
      this.#earlier = 0
      this.#seen = 0
      this.#era = log.era
    }
    this.#subject = subject
    for (; this.#seen < log.frames.length; this.#seen++) {
      const frame = log.frames[this.#seen]
      if (frame && isBetween(frame, subject)) this.#frames.push(frame)
    }
    const over = this.#frames.length - MOST_DRAWN
    if (over > 0) {
      this.#frames.splice(0, over)
      this.#earlier += over
    }
  }
}
