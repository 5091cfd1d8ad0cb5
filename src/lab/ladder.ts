/**
 * The ladder: the frames between two stations, time running down, each as an arrow from one lifeline to the other.
 *
 * Places come from order, not from the clock: what was sent after something arrived stands below it, what was under
 * way at the same time stands close, and a wait is a gap with its length beside it. So a handshake of a millisecond
 * and a timeout of a second can both be read. Here are only numbers and words; drawing is the page's.
 */

import { ARP_LENGTH, ARP_TARGET_IP } from '../stack/wire/arp.ts'
import { ipv4Payload } from '../stack/wire/dissect.ts'
import { ETH_DESTINATION, ETH_HEADER, ETH_SOURCE, ETH_TYPE, ETHERTYPE_ARP } from '../stack/wire/ethernet.ts'
import { addressAt, macAt } from '../stack/wire/readable.ts'
import { FIN, SYN, tcpBrief } from '../stack/wire/tcp.ts'
import type { Flow } from './flow.ts'
import type { LoggedFrame, LoggedState } from './frame-log.ts'
import { lossOf, type Meaning, packetOf, relativeOf } from './packet.ts'
import type { Station, Stations } from './stations.ts'

/** Which lifeline. */
export type Side = 'left' | 'right'

export interface Arrow {
  readonly no: number
  readonly from: Side
  /** Where it leaves the one lifeline and reaches the other; in px. */
  readonly top: number
  readonly bottom: number
  readonly label: string
  readonly meaning: Meaning
  readonly time: number
  /** Why it did not arrive, if it did not. */
  readonly lost: string | undefined
  readonly again: boolean
}

/** A state that one side entered. */
export interface StateMark {
  readonly side: Side
  readonly y: number
  readonly state: string
  readonly toldBy: string | undefined
  /** Whether it is the one in force. */
  readonly now: boolean
}

/** A wait that explains what came after it: 'RTO 200 ms' between two sendings. */
export interface Gap {
  readonly side: Side
  readonly top: number
  readonly bottom: number
  readonly label: string
}

export interface LadderPicture {
  readonly height: number
  readonly arrows: readonly Arrow[]
  readonly states: readonly StateMark[]
  readonly gaps: readonly Gap[]
  /** How many earlier frames between the two are not drawn. */
  readonly earlier: number
}

/** What the ladder shows: the two stations, and a connection between them if it is about one. */
export interface LadderSubject {
  readonly left: Station
  readonly right: Station
  readonly flow: Flow | undefined
}

const TOP = 16
/** How far an arrow falls on its way. */
const FALL = 24
/** Between two that are under way at once: room for a label. */
const STEP = 22
/** Between an arrival and what was sent after it. */
const REST = 8
/** A pause longer than this is a gap. */
const PAUSE_MS = 40
/** State boxes on one side stand at least this far apart. */
const STATE_STEP = 24
/** Below what was lost: why. */
const REASON = 22
/** Below a state box: who told of it. */
const CAPTION = 16

/** Whether a frame belongs into the ladder. */
export function isBetween(frame: LoggedFrame, { left, right, flow }: LadderSubject): boolean {
  if (frame.bytes.length < ETH_HEADER) return false
  if (frame.segment && flow) return frame.segment.flow === flow
  const view = new DataView(frame.bytes.buffer, frame.bytes.byteOffset, frame.bytes.byteLength)
  const source = macAt(view, ETH_SOURCE)
  if (source !== left.mac && source !== right.mac) return false
  const other = source === left.mac ? right.mac : left.mac
  const destination = macAt(view, ETH_DESTINATION)
  return destination === other || (destination === 'ff:ff:ff:ff:ff:ff' && concerns(view, left, right))
}

/** What is said to all is of interest if it is about one of the two: ARP for another host is not. */
function concerns(view: DataView, left: Station, right: Station): boolean {
  if (view.getUint16(ETH_TYPE) !== ETHERTYPE_ARP || view.byteLength < ETH_HEADER + ARP_LENGTH) return true
  const target = addressAt(view, ETH_HEADER + ARP_TARGET_IP)
  return target === left.address || target === right.address
}

/** How the arrow is labelled: a segment by its numbers, all else by what it says. */
export function arrowLabel(frame: LoggedFrame, stations: Stations): string {
  const { bytes, segment } = frame
  if (segment === undefined) return packetOf(frame, stations).info
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const payload = ipv4Payload(view, ETH_HEADER, bytes.length)
  if (payload === undefined) return packetOf(frame, stations).info
  return tcpBrief(view, payload[0], payload[1], relativeOf(frame))
}

/** Lays out `frames`, oldest first, which are all between the two; `listening` is the side that waited for the SYN. */
export function layLadder(
  subject: LadderSubject,
  frames: readonly LoggedFrame[],
  states: readonly LoggedState[],
  stations: Stations,
  earlier: number,
  listening: Side | undefined = undefined,
): LadderPicture {
  const arrows: Arrow[] = []
  const gaps: Gap[] = []
  const byNo = new Map<number, Arrow>()
  let y = TOP
  let lowest = TOP
  let before: LoggedFrame | undefined
  for (const frame of frames) {
    const pause = before ? frame.time - before.time : 0
    const arrived = before?.arrivals.some(({ order }) => order < frame.order) ?? false
    if (before) y = arrived || pause > PAUSE_MS ? Math.max(lowest + REST, y + STEP) : y + STEP
    if (pause > PAUSE_MS) y += pauseRoom(pause)
    if (before && lossOf(before.arrivals) !== undefined) y = Math.max(y, lowest + REASON)
    const arrow = arrowOf(frame, subject, stations, y)
    const gap = gapOf(frame, arrow, byNo)
    if (gap) gaps.push(gap)
    arrows.push(arrow)
    byNo.set(arrow.no, arrow)
    lowest = Math.max(lowest, arrow.bottom)
    before = frame
  }
  const marks = placeStates(subject, frames, arrows, states, earlier === 0 ? listening : undefined)
  const height = Math.max(lowest, ...marks.map(mark => mark.y + CAPTION)) + TOP
  return { height, arrows, states: marks, gaps, earlier }
}

/** A longer wait is a larger gap, but ten times as long is one step more. */
const pauseRoom = (pause: number): number => Math.min(72, 12 * Math.max(1, Math.log10(pause) - 0.5) * 1.6)

function arrowOf(frame: LoggedFrame, subject: LadderSubject, stations: Stations, y: number): Arrow {
  const packet = packetOf(frame, stations)
  const view = new DataView(frame.bytes.buffer, frame.bytes.byteOffset, frame.bytes.byteLength)
  const again = frame.segment?.again !== undefined
  return {
    no: frame.no,
    from: macAt(view, ETH_SOURCE) === subject.left.mac ? 'left' : 'right',
    top: y,
    bottom: y + FALL,
    label: arrowLabel(frame, stations) + (again ? ' again' : ''),
    meaning: packet.meaning,
    time: frame.time,
    lost: lossOf(frame.arrivals),
    again,
  }
}

function gapOf(frame: LoggedFrame, arrow: Arrow, byNo: ReadonlyMap<number, Arrow>): Gap | undefined {
  const again = frame.segment?.again
  if (again === undefined) return undefined
  const first = byNo.get(again.of)
  const label = `${again.cause} ${again.gap.toFixed(again.gap < 10 ? 1 : 0)} ms`
  return { side: arrow.from, top: first?.top ?? arrow.top - STEP, bottom: arrow.top, label }
}

/** Beside the lifeline, at the frame with which the state changed, else below what came before. */
function placeStates(
  subject: LadderSubject,
  frames: readonly LoggedFrame[],
  arrows: readonly Arrow[],
  states: readonly LoggedState[],
  listening: Side | undefined,
): StateMark[] {
  const { flow, left } = subject
  if (flow === undefined) return []
  const marks: { side: Side; y: number; state: string; toldBy: string | undefined }[] = []
  const floor = { left: -STATE_STEP, right: -STATE_STEP }
  const syn = arrows[frames.findIndex(frame => frame.segment !== undefined)]
  if (listening !== undefined && syn) {
    marks.push({ side: listening, y: syn.top, state: 'LISTEN', toldBy: undefined })
    floor[listening] = syn.top
  }
  for (const state of states) {
    const end = flow.ends.findIndex(
      ({ address, port }) => address === state.localAddress && port === state.localPort,
    )
    const other = flow.ends[end === 0 ? 1 : 0]
    if (end < 0 || other.address !== state.remoteAddress || other.port !== state.remotePort) continue
    const side: Side = state.localAddress === left.address ? 'left' : 'right'
    const wanted = heightOf(state, side, frames, arrows)
    if (wanted === undefined) continue
    const y = Math.max(wanted, floor[side] + STATE_STEP)
    floor[side] = y
    marks.push({ side, y, state: state.state, toldBy: state.toldBy })
  }
  const last = {
    left: marks.findLast(mark => mark.side === 'left'),
    right: marks.findLast(mark => mark.side === 'right'),
  }
  return marks.map(mark => ({ ...mark, now: last[mark.side] === mark }))
}

/**
 * RFC 9293, 3.3.2, figure 5: these states are entered by sending a SYN or a FIN. When another page tells of one that
 * a call brought about, it names no frame, and word of it comes later than the segment itself.
 */
const SENT_WITH: Readonly<Record<string, number>> = {
  'SYN-SENT': SYN,
  'FIN-WAIT-1': FIN,
  'LAST-ACK': FIN,
}

/** Undefined for a state from before the frames that are drawn. */
function heightOf(
  state: LoggedState,
  side: Side,
  frames: readonly LoggedFrame[],
  arrows: readonly Arrow[],
): number | undefined {
  const first = frames[0]
  if (first === undefined) return undefined
  if (state.frame !== undefined) {
    const arrow = arrows.find(({ no }) => no === state.frame)
    if (arrow) return arrow.from === side ? arrow.top : arrow.bottom
    if (state.frame < first.no) return undefined
  }
  const sentWith = state.toldBy === undefined ? undefined : SENT_WITH[state.state]
  if (sentWith !== undefined) {
    const at = frames.findIndex(
      (frame, i) => arrows[i]?.from === side && (frame.segment?.flags ?? 0) & sentWith,
    )
    if (at >= 0) return arrows[at]?.top
  }
  const above = frames.findLastIndex(({ order }) => order < state.order)
  const arrow = arrows[above]
  return arrow === undefined ? undefined : arrow.bottom + REST
}
