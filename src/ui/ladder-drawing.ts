/** Arrows, states and gaps as SVG, for a given width. */
import { nothing, svg } from 'lit'
import type { Arrow, Gap, StateMark } from '../lab/ladder.ts'

/** Where things stand across. */
export interface LadderColumns {
  readonly left: number
  readonly right: number
  readonly width: number
  /** Too narrow for times beside the states. */
  readonly narrow: boolean
}

export function ladderColumns(width: number): LadderColumns {
  const narrow = width < 560
  const margin = narrow ? Math.min(100, Math.max(87, width * 0.24)) : 166
  return { left: margin, right: width - margin, width, narrow }
}

/** How wide one is, at 12 px and at 10 px. */
const CHARACTER = 7.3
const NARROW_CHARACTER = 6.1

/** Text that fits, with an ellipsis where it had to be cut. */
function fitted(text: string, room: number, { narrow }: LadderColumns): string {
  const most = Math.max(4, Math.floor(room / (narrow ? NARROW_CHARACTER : CHARACTER)))
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}

export const seconds = (ms: number): string => (ms / 1000).toFixed(4)

export function arrowView(arrow: Arrow, columns: LadderColumns, selected: boolean, choose: () => void) {
  const { left, right } = columns
  const [from, to] = arrow.from === 'left' ? [left, right] : [right, left]
  const toward = Math.sign(to - from)
  // What is lost ends on the way, at six tenths, with a cross.
  const part = arrow.lost === undefined ? 1 : 0.6
  const endX = from + (to - from) * part - (part === 1 ? toward * 3 : 0)
  const endY = arrow.top + (arrow.bottom - arrow.top) * part
  const middleX = (from + endX) / 2
  const labelY = (arrow.top + endY) / 2 - 8
  const label = fitted(arrow.label, Math.abs(endX - from) - 8, columns)
  const words = `Frame ${arrow.no} at ${seconds(arrow.time)} s: ${arrow.label}${arrow.lost ? `, dropped: ${arrow.lost}` : ''}`
  return svg`<g class="frame ${arrow.meaning} ${arrow.again ? 'repeat' : ''} ${selected ? 'chosen' : ''} ${columns.narrow ? 'tight' : ''}" id="f${arrow.no}"
      role="option" aria-selected=${selected} data-testid="ladder-frame" data-no=${arrow.no} @click=${choose}>
    <title>${words}</title>
    <path class="touch" d="M${from} ${arrow.top}L${endX} ${endY}"></path>
    <path class="line" d="M${from} ${arrow.top}L${endX} ${endY}"></path>
    ${part === 1 ? headView(endX, endY, from, arrow.top) : crossView(endX, endY)}
    <g aria-hidden="true"><text x=${middleX} y=${labelY} text-anchor="middle">${label}</text>
    ${arrow.lost === undefined ? nothing : svg`<text class="why" x=${middleX} y=${endY + 18} text-anchor="middle">${fitted(arrow.lost, right - left - 8, columns)}</text>`}
    ${columns.narrow ? nothing : timeView(arrow, columns)}</g>
  </g>`
}

function headView(x: number, y: number, fromX: number, fromY: number) {
  const angle = (Math.atan2(y - fromY, x - fromX) * 180) / Math.PI
  return svg`<path class="head" d="M0 0L-10 -5L-10 5z" transform="translate(${x} ${y}) rotate(${angle})"></path>`
}

const crossView = (x: number, y: number) =>
  svg`<path class="line cross" d="M${x - 5} ${y - 5}l10 10m0 -10l-10 10"></path>`

/** At the outer edge, level with where the frame was sent. */
function timeView(arrow: Arrow, { width }: LadderColumns) {
  return arrow.from === 'left'
    ? svg`<text class="mute" x="0" y=${arrow.top + 4}>${seconds(arrow.time)}</text>`
    : svg`<text class="mute" x=${width} y=${arrow.top + 4} text-anchor="end">${seconds(arrow.time)}</text>`
}

export function stateView(
  { side, y, state, toldBy, now }: StateMark,
  { left, right, narrow }: LadderColumns,
) {
  const size = state.length * (narrow ? NARROW_CHARACTER : CHARACTER) + (narrow ? 6 : 12)
  const gap = narrow ? 4 : 10
  const x = side === 'left' ? left - gap - size : right + gap
  const told = toldBy === undefined ? nothing : svg`<title>told by ${toldBy}</title>`
  return svg`<g class="state ${now ? 'now' : ''} ${toldBy ? 'told' : ''} ${narrow ? 'tight' : ''}" data-testid="state" data-state=${state} data-side=${side} data-now=${now}>${told}
    <rect x=${x} y=${y - 10} width=${size} height="20" rx="4"></rect>
    <text x=${x + size / 2} y=${y + 4} text-anchor="middle">${state}</text>
    ${toldBy === undefined || !now ? nothing : svg`<text class="mute by" x=${x + size / 2} y=${y + 22} text-anchor="middle">told by ${toldBy}</text>`}
  </g>`
}

/** Just inside the margin of the side that waited. */
export function gapView({ side, top, bottom, label }: Gap, columns: LadderColumns) {
  const { left, right, narrow } = columns
  const x = side === 'left' ? left - 6 : right + 6
  const textX = side === 'left' ? x - 6 : x + 6
  const anchor = side === 'left' ? 'end' : 'start'
  return svg`<g class="gap"><path d="M${x} ${top + 6}V${bottom - 4}"></path>
    <text class="mute ${narrow ? 'tight' : ''}" x=${textX} y=${Math.max((top + bottom) / 2, bottom - 18) + 4} text-anchor=${anchor}>${label}</text></g>`
}
