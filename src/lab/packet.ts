/** A frame as a row of the table and as a label in the ladder: in words, worked out when it is looked at. */

import { Drop } from '../stack/drop.ts'
import { dropSentence } from '../stack/drop-names.ts'
import { summarise } from '../stack/wire/dissect.ts'
import { ETH_DESTINATION, ETH_HEADER, ETH_SOURCE } from '../stack/wire/ethernet.ts'
import { macAt } from '../stack/wire/readable.ts'
import { FIN, RST, SYN } from '../stack/wire/tcp.ts'
import type { Again } from './flow.ts'
import type { Arrival, LoggedFrame } from './frame-log.ts'
import type { Stations } from './stations.ts'

/** What a colour means; the same in ladder and table, and never said by the colour alone. */
export type Meaning = 'syn' | 'data' | 'ack' | 'fin' | 'bad' | 'again' | 'near' | 'other'

export interface Packet {
  readonly no: number
  readonly time: number
  readonly from: string
  readonly to: string
  readonly protocol: string
  readonly length: number
  readonly info: string
  readonly meaning: Meaning
  /** Why it was not taken, if it was not. */
  readonly lost: string | undefined
}

/** Why a frame was not taken where it was meant to be; undefined when it was, or when nobody minded it. */
export function lossOf(arrivals: readonly Arrival[]): string | undefined {
  for (const { fate } of arrivals) {
    if (fate.kind === 'lost') return fate.why
    // A switch floods what it has not learnt: that a station ignores what is not for it is no loss.
    if (fate.kind === 'dropped' && fate.drop !== Drop.NotForUs && fate.drop !== Drop.UnknownEtherType)
      return dropSentence(fate.drop)
  }
  return undefined
}

/** Said to all while nobody else was there: not a loss, for nobody was meant in particular. */
export const wasUnheard = (arrivals: readonly Arrival[]): boolean =>
  arrivals.some(({ fate }) => fate.kind === 'unheard')

export const NOBODY_ELSE = 'nobody else on the segment'

export function againWords({ cause, gap, of }: Again): string {
  return `${cause}, ${gap.toFixed(gap < 10 ? 1 : 0)} ms after frame ${of}`
}

export function meaningOf(frame: LoggedFrame, protocol: string): Meaning {
  if (lossOf(frame.arrivals) !== undefined) return 'bad'
  const { segment } = frame
  if (segment === undefined) return protocol === 'ARP' || protocol === 'LLDP' ? 'near' : 'other'
  if (segment.flags & RST) return 'bad'
  if (segment.again) return 'again'
  if (segment.flags & SYN) return 'syn'
  if (segment.flags & FIN) return 'fin'
  return segment.span > 0 ? 'data' : 'ack'
}

/** What the capture can say of a frame's sequence numbers. */
export const relativeOf = ({ segment }: LoggedFrame) => segment?.flow.relative(segment.from, segment.flags)

export function packetOf(frame: LoggedFrame, stations: Stations): Packet {
  const { no, time, bytes, segment } = frame
  const { protocol, info } = summarise(bytes, relativeOf(frame))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const whole = bytes.length >= ETH_HEADER
  const lost = lossOf(frame.arrivals)
  const remarks = [
    lost ? `[${lost.replace(/\.$/, '')}] ` : '',
    segment?.again ? `[again: ${againWords(segment.again)}] ` : '',
  ]
  return {
    no,
    time,
    from: whole ? stations.nameOf(macAt(view, ETH_SOURCE)) : frame.from,
    to: whole ? stations.nameOf(macAt(view, ETH_DESTINATION)) : '',
    protocol,
    length: bytes.length,
    info: remarks.join('') + info + (wasUnheard(frame.arrivals) ? ` · ${NOBODY_ELSE}` : ''),
    meaning: meaningOf(frame, protocol),
    lost,
  }
}
