/**
 * The ladder: the frames between two stations, time running down, each as an arrow from one lifeline to the other.
 *
 * Places come from order, not from the clock: what was sent after something arrived stands below it, what was under
 * way at the same time stands close, and a wait is a gap with its length beside it. So a handshake of a millisecond
 * and a timeout of a second can both be read. Here are only numbers and words; drawing is the page's.
 */

import { ARP_LENGTH, ARP_TARGET_IP, claimOf } from '../stack/wire/arp.ts'
import { ipv4Payload, summarise } from '../stack/wire/dissect.ts'
import { ETH_DESTINATION, ETH_HEADER, ETH_SOURCE, ETH_TYPE, ETHERTYPE_ARP } from '../stack/wire/ethernet.ts'
import { addressAt, macAt } from '../stack/wire/readable.ts'
import { FIN, SYN, tcpBrief } from '../stack/wire/tcp.ts'
import type { Flow } from './flow.ts'
import type { LoggedFrame, LoggedState } from './frame-log.ts'
import { lossOf, type Meaning, NOBODY_ELSE, packetOf, relativeOf, wasUnheard } from './packet.ts'
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
  /** Where the label stands: below the line where another is under way across it. */
  readonly labelSide: 'above' | 'below'
  readonly meaning: Meaning
  readonly time: number
  /** Why it did not arrive, if it did not. */
  readonly lost: string | undefined
  /** What is to be known of it although nothing went wrong. */
  readonly remark: string | undefined
  readonly again: boolean
}

/** Address chatter (RFC 5227) in one quiet line, so that it does not drown what a person came for. */
export interface Fold {
  /** The frames in it. Whoever names one of them as opened sees them all. */
  readonly first: number
  readonly last: number
  readonly y: number
  readonly frames: number
  /** Without the number: 'address probing'. */
  readonly label: string
  readonly open: boolean
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
  readonly folds: readonly Fold[]
  /** How many earlier and later frames between the two are not drawn. */
  readonly earlier: number
  readonly later: number
}

/** What the ladder shows: the two stations, and a connection between them if it is about one. */
export interface LadderSubject {
  readonly left: Station
  readonly right: Station
  /** Whose frames alone are shown; undefined: all that pass between the two. */
  readonly flow: Flow | undefined
  /** Whose states and variables are shown: that one, else the newest between the two. */
  readonly connection: Flow | undefined
}

const TOP = 16
/** How far an arrow falls on its way. */
const FALL = 24
/** Between two that are under way at once: room for a label. */
const STEP = 22
/** Between an arrival and what was sent after it: the label of what was sent stands above its line. */
const REST = 14
/** Below an arrow whose label stands below it. */
const LABEL = 16
/** The height of a folded run. */
const FOLD = 26
/** Between an arrow and the folded run below it. */
const FOLD_OFF = 6
/** A pause longer than this is a gap. */
const PAUSE_MS = 40
/** A connection's ladder begins so long before its first segment: with the question for the neighbour's address. */
const LEAD_IN_MS = 4000
/** State boxes on one side stand at least this far apart. */
const STATE_STEP = 24
/** Below what was lost: why, in two lines where it is narrow. */
const REASON = 42
/** Below a state box: who told of it. */
const CAPTION = 16

/** Whether a frame belongs into the ladder. */
export function isBetween(frame: LoggedFrame, { left, right, flow }: LadderSubject): boolean {
  if (frame.bytes.length < ETH_HEADER) return false
  if (frame.segment && flow) return frame.segment.flow === flow
  const first = flow?.frames[0]
  if (first && first.time - frame.time > LEAD_IN_MS) return false
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
export function arrowLabel(frame: LoggedFrame): string {
  const { bytes, segment } = frame
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const payload = segment && ipv4Payload(view, ETH_HEADER, bytes.length)
  return payload ? tcpBrief(view, payload[0], payload[1], relativeOf(frame)) : summarise(bytes).info
}

/** A frame by itself, or a run of address chatter. */
type Row =
  | { readonly kind: 'frame'; readonly frame: LoggedFrame }
  | { readonly kind: 'run'; readonly frames: readonly LoggedFrame[] }

/** What one claims in ARP, if it is only about an address of its own: 'probe' or 'announcement'. */
function chatterOf({ bytes }: LoggedFrame) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return view.byteLength >= ETH_HEADER && view.getUint16(ETH_TYPE) === ETHERTYPE_ARP
    ? claimOf(view, ETH_HEADER, view.byteLength)
    : undefined
}

/** A refused or lost claim is news, so it stands by itself. */
function rowsOf(frames: readonly LoggedFrame[]): Row[] {
  const rows: Row[] = []
  let run: LoggedFrame[] = []
  for (const frame of frames) {
    const folds = chatterOf(frame) !== undefined && lossOf(frame.arrivals) === undefined
    if (!folds) {
      run = []
      rows.push({ kind: 'frame', frame })
    } else if (run.push(frame) === 1) rows.push({ kind: 'run', frames: run })
  }
  return rows
}

function foldWords(frames: readonly LoggedFrame[]): string {
  const kinds = new Set(frames.map(chatterOf))
  if (!kinds.has('announcement')) return 'address probing'
  return kinds.has('probe') ? 'address probing and claiming' : 'address claiming'
}

/** What is chosen and opened, and what is not drawn. */
export interface LadderView {
  /** Numbers of frames: the runs that hold one of them are open. */
  readonly opened: ReadonlySet<number>
  readonly earlier: number
  readonly later: number
  /** The side that waited for the SYN. */
  readonly listening: Side | undefined
}

export const WHOLE: LadderView = { opened: new Set(), earlier: 0, later: 0, listening: undefined }

/** Where the next thing goes, and what stands above it. */
interface Pen {
  y: number
  lowest: number
  before: LoggedFrame | undefined
}

/** Lays out `frames`, oldest first, which are all between the two. */
export function layLadder(
  subject: LadderSubject,
  frames: readonly LoggedFrame[],
  states: readonly LoggedState[],
  stations: Stations,
  view: LadderView = WHOLE,
): LadderPicture {
  const { earlier, later } = view
  const arrows: Arrow[] = []
  const folds: Fold[] = []
  const pen: Pen = { y: TOP, lowest: 0, before: undefined }
  const drawn: LoggedFrame[] = []
  const put = (frame: LoggedFrame): void => {
    arrows.push(placeArrow(frame, subject, stations, pen, arrows.at(-1)))
    drawn.push(frame)
  }
  for (const row of rowsOf(frames)) {
    if (row.kind === 'frame') {
      put(row.frame)
      continue
    }
    const open = row.frames.some(({ no }) => view.opened.has(no))
    folds.push(placeFold(row.frames, open, pen))
    if (open) for (const frame of row.frames) put(frame)
  }
  const gaps = gapsOf(drawn, arrows)
  const marks = placeStates(subject, drawn, arrows, states, view)
  const height = Math.max(pen.lowest + roomBelow(pen.before), ...marks.map(mark => mark.y + CAPTION)) + TOP
  return { height, arrows, states: marks, gaps, folds, earlier, later }
}

function placeFold(frames: readonly LoggedFrame[], open: boolean, pen: Pen): Fold {
  const y =
    pen.before === undefined && pen.lowest === 0
      ? TOP
      : pen.lowest + roomBelow(pen.before) + FOLD / 2 + FOLD_OFF
  pen.lowest = y + FOLD / 2
  pen.y = pen.lowest
  pen.before = undefined
  const first = frames[0]?.no ?? 0
  return { first, last: frames.at(-1)?.no ?? first, y, frames: frames.length, label: foldWords(frames), open }
}

/** What a frame needs below its arrow before anything else is said. */
const roomBelow = (frame: LoggedFrame | undefined): number =>
  frame && (lossOf(frame.arrivals) !== undefined || wasUnheard(frame.arrivals)) ? REASON : 0

function placeArrow(
  frame: LoggedFrame,
  subject: LadderSubject,
  stations: Stations,
  pen: Pen,
  last: Arrow | undefined,
): Arrow {
  const { before } = pen
  const pause = before ? frame.time - before.time : 0
  const arrived = before?.arrivals.some(({ order }) => order < frame.order) ?? true
  const side = sideOf(frame, subject)
  const crossing = !arrived && pause <= PAUSE_MS && last !== undefined && last.from !== side
  if (before === undefined) pen.y = Math.max(TOP, pen.lowest + (last || pen.lowest ? REST : 0))
  else if (arrived || pause > PAUSE_MS) pen.y = Math.max(pen.lowest + REST, pen.y + STEP)
  else pen.y += STEP + (last?.labelSide === 'below' ? LABEL : 0)
  if (pause > PAUSE_MS) pen.y += pauseRoom(pause)
  if (before && roomBelow(before) > 0) pen.y = Math.max(pen.y, pen.lowest + roomBelow(before))
  const arrow = arrowOf(frame, subject, stations, pen.y, crossing ? 'below' : 'above')
  pen.lowest = Math.max(pen.lowest, arrow.bottom + (crossing ? LABEL : 0))
  pen.before = frame
  return arrow
}

function sideOf({ bytes }: LoggedFrame, { left }: LadderSubject): Side {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return macAt(view, ETH_SOURCE) === left.mac ? 'left' : 'right'
}

/** A longer wait is a larger gap, but ten times as long is one step more. */
const pauseRoom = (pause: number): number => Math.min(72, 12 * Math.max(1, Math.log10(pause) - 0.5) * 1.6)

function arrowOf(
  frame: LoggedFrame,
  subject: LadderSubject,
  stations: Stations,
  y: number,
  labelSide: Arrow['labelSide'],
): Arrow {
  const again = frame.segment?.again !== undefined
  return {
    no: frame.no,
    from: sideOf(frame, subject),
    top: y,
    bottom: y + FALL,
    label: arrowLabel(frame) + (again ? ' again' : ''),
    labelSide,
    meaning: packetOf(frame, stations).meaning,
    time: frame.time,
    lost: lossOf(frame.arrivals),
    remark: wasUnheard(frame.arrivals) ? NOBODY_ELSE : undefined,
    again,
  }
}

function gapsOf(frames: readonly LoggedFrame[], arrows: readonly Arrow[]): Gap[] {
  const byNo = new Map(arrows.map(arrow => [arrow.no, arrow]))
  return frames.flatMap((frame, i) => {
    const arrow = arrows[i]
    return (arrow && gapOf(frame, arrow, byNo)) ?? []
  })
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
  { listening, earlier }: LadderView,
): StateMark[] {
  const { connection, left } = subject
  if (connection === undefined) return []
  const marks: { side: Side; y: number; state: string; toldBy: string | undefined }[] = []
  const floor = { left: -STATE_STEP, right: -STATE_STEP }
  const isOfIt = ({ segment }: LoggedFrame) => segment?.flow === connection
  const syn = arrows[frames.findIndex(isOfIt)]
  const whole = earlier === 0
  if (whole && listening !== undefined && syn) {
    marks.push({ side: listening, y: syn.top, state: 'LISTEN', toldBy: undefined })
    floor[listening] = syn.top
  }
  for (const state of states) {
    const end = connection.ends.findIndex(
      ({ address, port }) => address === state.localAddress && port === state.localPort,
    )
    const other = connection.ends[end === 0 ? 1 : 0]
    if (end < 0 || other.address !== state.remoteAddress || other.port !== state.remotePort) continue
    const side: Side = state.localAddress === left.address ? 'left' : 'right'
    const wanted = heightOf(state, side, connection, frames, arrows, whole)
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

/** Undefined for a state from before the frames that are drawn; `whole`: there are none before them. */
function heightOf(
  state: LoggedState,
  side: Side,
  connection: Flow,
  frames: readonly LoggedFrame[],
  arrows: readonly Arrow[],
  whole: boolean,
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
      ({ segment }, i) =>
        arrows[i]?.from === side && segment?.flow === connection && segment.flags & sentWith,
    )
    if (at >= 0) return arrows[at]?.top
  }
  const above = frames.findLastIndex(({ order }) => order < state.order)
  const next = frames[above + 1]
  // A call brought it about, and sent this: they belong together.
  if (next && state.toldBy === undefined && next.time - state.time <= PAUSE_MS && (above >= 0 || whole))
    return arrows[above + 1]?.top
  const arrow = arrows[above]
  return arrow && arrow.bottom + REST
}
