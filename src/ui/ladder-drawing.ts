/** Arrows, states and gaps as SVG, for a given width. */
import { nothing, svg } from 'lit'
import type { Arrow, Fold, Gap, StateMark } from '../lab/ladder.ts'

/** Where things stand across. */
export interface LadderColumns {
  readonly left: number
  readonly right: number
  readonly width: number
  /** Too narrow for times beside the states. */
  readonly narrow: boolean
  /** Narrow enough for small letters. */
  readonly tight: boolean
}

export function ladderColumns(width: number): LadderColumns {
  const narrow = width < 500
  const tight = width < 690
  const margin = narrow ? Math.min(100, Math.max(84, width * 0.24)) : tight ? 138 : 166
  return { left: margin, right: width - margin, width, narrow, tight }
}

/** How wide one is, at 12 px and at 10 px. */
const CHARACTER = 7.3
const NARROW_CHARACTER = 6.1

const lettersIn = (room: number, { tight }: LadderColumns): number =>
  Math.max(4, Math.floor(room / (tight ? NARROW_CHARACTER : CHARACTER)))

/** Text that fits: where it had to be cut, between words, with an ellipsis. */
function fitted(text: string, room: number, columns: LadderColumns): string {
  const most = lettersIn(room, columns)
  if (text.length <= most) return text
  const space = text.lastIndexOf(' ', most)
  return `${text.slice(0, space > most / 2 ? space : most - 1)}…`
}

/** In two lines at most. */
function wrapped(text: string, room: number, columns: LadderColumns): string[] {
  const most = lettersIn(room, columns)
  const space = text.lastIndexOf(' ', most)
  if (text.length <= most || space <= 0) return [fitted(text, room, columns)]
  return [text.slice(0, space), fitted(text.slice(space + 1), room, columns)]
}

export const seconds = (ms: number): string => (ms / 1000).toFixed(4)
/** In the ladder's margin there is room for seven letters. */
const shortSeconds = (ms: number): string => seconds(ms).slice(0, 7)

/** How far the label stands off its line. */
const OFF = 5
/** And off the cross on it. */
const CROSS = 3
/** The part of an arrow along which its label may stand, so that it stays clear of heads and neighbours. */
const LABELLED = 0.92

export function arrowView(arrow: Arrow, columns: LadderColumns, selected: boolean, choose: () => void) {
  const { left, right } = columns
  const [from, to] = arrow.from === 'left' ? [left, right] : [right, left]
  const toward = Math.sign(to - from)
  // What did not arrive ends on the way, at six tenths; what was lost, with a cross.
  const why = arrow.lost ?? arrow.remark
  const part = why === undefined ? 1 : 0.6
  const endX = from + (to - from) * part - (part === 1 ? toward * 3 : 0)
  const endY = arrow.top + (arrow.bottom - arrow.top) * part
  const words = `Frame ${arrow.no} at ${seconds(arrow.time)} s: ${arrow.label}${arrow.lost ? `, dropped: ${arrow.lost}` : ''}${arrow.remark ? `, ${arrow.remark}` : ''}`
  return svg`<g class="frame ${arrow.meaning} ${arrow.again ? 'repeat' : ''} ${selected ? 'chosen' : ''} ${columns.tight ? 'tight' : ''}" id="f${arrow.no}"
      role="option" aria-selected=${selected} data-testid="ladder-frame" data-no=${arrow.no} @click=${choose}>
    <title>${words}</title>
    <path class="touch" d="M${from} ${arrow.top}L${endX} ${endY}"></path>
    <path class="line" d="M${from} ${arrow.top}L${endX} ${endY}"></path>
    ${arrow.lost !== undefined ? crossView(endX, endY) : part === 1 ? headView(endX, endY, from, arrow.top) : nothing}
    <g aria-hidden="true">${labelView(arrow, columns)}
    ${why === undefined ? nothing : reasonView(why, arrow.lost !== undefined, endY, columns)}
    ${columns.narrow ? nothing : timeView(arrow, columns)}</g>
  </g>`
}

/** Along the line, about its middle. */
function labelView({ from, top, bottom, label, labelSide, lost }: Arrow, columns: LadderColumns) {
  const { left, right, tight } = columns
  const fall = from === 'left' ? bottom - top : top - bottom
  const angle = (Math.atan2(fall, right - left) * 180) / Math.PI
  const off = labelSide === 'above' ? -OFF - (lost === undefined ? 0 : CROSS) : OFF + (tight ? 8 : 10)
  return svg`<text class="label" text-anchor="middle" y=${off}
    transform="translate(${(left + right) / 2} ${(top + bottom) / 2}) rotate(${angle})">${fitted(label, (right - left) * LABELLED, columns)}</text>`
}

/** Level, below the end of what did not arrive. */
function reasonView(why: string, lost: boolean, y: number, columns: LadderColumns) {
  const { left, right } = columns
  return wrapped(why.replace(/\.$/, ''), right - left - 16, columns).map(
    (line, i) =>
      svg`<text class=${lost ? 'why' : 'mute'} text-anchor="middle" x=${(left + right) / 2} y=${y + 18 + 13 * i}>${line}</text>`,
  )
}

/** A folded run, as one quiet line that opens it. */
export function foldView(fold: Fold, columns: LadderColumns, toggle: () => void) {
  const { left, right, narrow, tight } = columns
  const words = `${fold.label} · ${fold.frames} frame${fold.frames === 1 ? '' : 's'}`
  const short = narrow ? `address · ${fold.frames} frame${fold.frames === 1 ? '' : 's'}` : words
  const key = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    toggle()
  }
  return svg`<g class="fold ${tight ? 'tight' : ''}" role="option" tabindex="0" aria-selected="false" aria-label="${words}, ${fold.open ? 'open' : 'folded'}"
      data-testid="ladder-fold" data-frames=${fold.frames} @click=${toggle} @keydown=${key}>
    <title>Hosts look for free addresses and claim them (RFC 5227). ${fold.open ? 'Fold' : 'Open'} these frames.</title>
    <rect x=${left + 8} y=${fold.y - 10} width=${right - left - 16} height="20" rx="4"></rect>
    <text class="mute" aria-hidden="true" text-anchor="middle" x=${(left + right) / 2} y=${fold.y + 4}>${fold.open ? '▾' : '▸'} ${short}</text>
  </g>`
}

function headView(x: number, y: number, fromX: number, fromY: number) {
  const angle = (Math.atan2(y - fromY, x - fromX) * 180) / Math.PI
  return svg`<path class="head" d="M0 0L-10 -5L-10 5z" transform="translate(${x} ${y}) rotate(${angle})"></path>`
}

const crossView = (x: number, y: number) =>
  svg`<path class="line cross" d="M${x - 4} ${y - 4}l8 8m0 -8l-8 8"></path>`

/** At the outer edge, level with where the frame was sent. */
function timeView(arrow: Arrow, { width }: LadderColumns) {
  return arrow.from === 'left'
    ? svg`<text class="mute" x="0" y=${arrow.top + 4}>${shortSeconds(arrow.time)}</text>`
    : svg`<text class="mute" x=${width} y=${arrow.top + 4} text-anchor="end">${shortSeconds(arrow.time)}</text>`
}

export function stateView({ side, y, state, toldBy, now }: StateMark, { left, right, tight }: LadderColumns) {
  const size = state.length * (tight ? NARROW_CHARACTER : CHARACTER) + (tight ? 6 : 12)
  const gap = tight ? 4 : 10
  const x = side === 'left' ? left - gap - size : right + gap
  const told = toldBy === undefined ? nothing : svg`<title>told by ${toldBy}</title>`
  return svg`<g class="state ${now ? 'now' : ''} ${toldBy ? 'told' : ''} ${tight ? 'tight' : ''}" data-testid="state" data-state=${state} data-side=${side} data-now=${now}>${told}
    <rect x=${x} y=${y - 10} width=${size} height="20" rx="4"></rect>
    <text x=${x + size / 2} y=${y + 4} text-anchor="middle">${state}</text>
    ${toldBy === undefined || !now ? nothing : svg`<text class="mute by" x=${side === 'left' ? x + size : x} y=${y + 22} text-anchor=${side === 'left' ? 'end' : 'start'}>told by ${toldBy}</text>`}
  </g>`
}

/** Just inside the margin of the side that waited. */
export function gapView({ side, top, bottom, label }: Gap, columns: LadderColumns) {
  const { left, right, tight } = columns
  const x = side === 'left' ? left - 6 : right + 6
  const textX = side === 'left' ? x - 6 : x + 6
  const anchor = side === 'left' ? 'end' : 'start'
  const lines = wrapped(label, Math.min(left, columns.width - right) - 14, columns)
  const middle = Math.max((top + bottom) / 2, bottom - 18) + 4 - 12 * (lines.length - 1)
  return svg`<g class="gap"><title>${label}</title><path d="M${x} ${top + 6}V${bottom - 4}"></path>
    ${lines.map((line, i) => svg`<text class="mute ${tight ? 'tight' : ''}" x=${textX} y=${middle + 12 * i} text-anchor=${anchor}>${line}</text>`)}</g>`
}
