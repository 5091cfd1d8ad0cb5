/**
 * An update as it travels: frames and arrivals as the capture's own bytes, in one buffer that is transferred; the
 * page makes records of them, whose bytes are views into that buffer. What stands between frames (states, notices)
 * travels as objects, and the capture's notes say where each belongs.
 */

import { readPacked } from '../link/capture.ts'
import { type Fate, FateKind, fateDetail, fateKind, lossSentence } from '../link/fate.ts'
import type { Drop } from '../stack/drop.ts'
import type { ArrivalRecord, LogRecord, NoticeRecord, StateRecord, Update } from './protocol.ts'

export interface PackedUpdate extends Omit<Update, 'log'> {
  readonly entries: ArrayBuffer
  /** The names of the switch's ports, by number. */
  readonly ports: readonly string[]
  /** The records that the notes stand for: note n is at index n - firstNote. */
  readonly notes: readonly (StateRecord | NoticeRecord)[]
  readonly firstNote: number
}

/** What became of a frame, for people. */
export function fateOf(fate: Fate): ArrivalRecord['fate'] {
  const kind = fateKind(fate)
  if (kind === FateKind.Delivered) return { kind: 'delivered' }
  if (kind === FateKind.Forwarded) return { kind: 'forwarded' }
  if (kind === FateKind.Dropped) return { kind: 'dropped', drop: fateDetail(fate) as Drop }
  if (kind === FateKind.Unheard) return { kind: 'unheard' }
  return { kind: 'lost', why: lossSentence(fateDetail(fate)) }
}

/** The update as the page reads it. */
export function unpackUpdate({ entries, ports, notes, firstNote, ...rest }: PackedUpdate): Update {
  const log: LogRecord[] = []
  const name = (port: number) => ports[port] ?? `port ${port}`
  readPacked(entries, {
    frame: (no, from, time, bytes) => log.push({ kind: 'frame', no, time, from: name(from), bytes }),
    arrival: (no, at, time, fate) =>
      log.push({ kind: 'arrival', no, time, at: name(at), fate: fateOf(fate) }),
    note: number => {
      const record = notes[number - firstNote]
      if (record !== undefined) log.push(record)
    },
  })
  return { ...rest, log }
}
