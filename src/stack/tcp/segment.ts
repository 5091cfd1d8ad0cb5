/** A segment on its way in: checked, and its fields laid out for the rules of RFC 9293, 3.10.7. */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import type { Address } from '../memory/arena.ts'
import { complement, sumBytes } from '../wire/checksum.ts'
import {
  FIN,
  OPTION_END,
  OPTION_MSS,
  OPTION_MSS_LENGTH,
  OPTION_NOP,
  SYN,
  TCP_ACKNOWLEDGMENT,
  TCP_DATA_OFFSET,
  TCP_DESTINATION_PORT,
  TCP_FLAGS,
  TCP_HEADER,
  TCP_SEQUENCE,
  TCP_SOURCE_PORT,
  TCP_URGENT_POINTER,
  TCP_WINDOW,
  URG,
} from '../wire/tcp.ts'
import { optionsFor } from './options.ts'

/** One object for all segments of a stack, filled anew for each: nothing is allocated. */
export interface IncomingSegment {
  source: number
  destination: number
  sourcePort: number
  destinationPort: number
  /** SEG.SEQ, SEG.ACK, SEG.WND */
  seq: number
  ack: number
  window: number
  flags: number
  /** SEG.UP, counted from SEG.SEQ already; only with URG. */
  urgent: number
  /** Where the text begins in the arena, and its bytes: SEG.LEN less SYN and FIN. */
  at: Address
  length: number
  /** The MSS option's value, 0 without one. */
  mss: number
  /** The window scale option's, -1 without one. */
  shift: number
  /** Whether there is a timestamps option, and its two values. */
  stamped: boolean
  tsval: number
  tsecr: number
  /** The Fast Open option's cookie: where it stands, its bytes, 0 in a request; -1 without the option. */
  cookieAt: Address
  cookieLength: number
  /** Whether SACK is permitted; where the SACK option's blocks begin in the arena, and how many there are. */
  sackPermitted: boolean
  blocksAt: Address
  blocks: number
  /** Congestion was experienced on the way (RFC 3168); see ecn.ts. */
  ce: boolean
}

/** A segment without options or text, made once for a host and filled anew by each that comes. */
export const emptySegment = (): IncomingSegment => ({
  source: 0,
  destination: 0,
  sourcePort: 0,
  destinationPort: 0,
  seq: 0,
  ack: 0,
  window: 0,
  flags: 0,
  urgent: 0,
  at: 0,
  length: 0,
  mss: 0,
  shift: -1,
  stamped: false,
  tsval: 0,
  tsecr: 0,
  cookieAt: 0,
  cookieLength: -1,
  sackPermitted: false,
  blocksAt: 0,
  blocks: 0,
  ce: false,
})

/** SEG.LEN: text, and one for each of SYN and FIN. */
export const segmentLength = (g: IncomingSegment): number =>
  g.length + ((g.flags & SYN) !== 0 ? 1 : 0) + ((g.flags & FIN) !== 0 ? 1 : 0)

/**
 * Checks `length` bytes of TCP at `at` and lays them out in `s.segment`. `pseudo` is the sum of the pseudo-header;
 * the addresses are as a socket's record has them.
 */
export function readSegment(
  s: Core,
  source: number,
  destination: number,
  at: Address,
  length: number,
  pseudo: number,
): Drop {
  const { m, segment: g } = s
  const { view } = m
  if (length < TCP_HEADER) return dropped(s, Drop.BadTcpLength)
  const headerLength = (view.getUint8(at + TCP_DATA_OFFSET) >> 4) * 4
  if (headerLength < TCP_HEADER || headerLength > length) return dropped(s, Drop.BadTcpLength)
  if (complement(pseudo + sumBytes(m, at, length)) !== 0) return dropped(s, Drop.BadTcpChecksum)
  g.source = source
  g.destination = destination
  g.sourcePort = view.getUint16(at + TCP_SOURCE_PORT)
  g.destinationPort = view.getUint16(at + TCP_DESTINATION_PORT)
  g.seq = view.getInt32(at + TCP_SEQUENCE)
  g.ack = view.getInt32(at + TCP_ACKNOWLEDGMENT)
  g.window = view.getUint16(at + TCP_WINDOW)
  g.flags = view.getUint8(at + TCP_FLAGS)
  if (s.features.urgent !== undefined && (g.flags & URG) !== 0)
    g.urgent = (g.seq + view.getUint16(at + TCP_URGENT_POINTER)) | 0
  g.at = at + headerLength
  g.length = length - headerLength
  g.mss = 0
  g.shift = -1
  g.stamped = false
  g.cookieLength = -1
  g.sackPermitted = false
  g.blocks = 0
  return headerLength === TCP_HEADER || readOptions(s, at + TCP_HEADER, at + headerLength)
    ? Drop.None
    : dropped(s, Drop.BadTcpOptions)
}

/**
 * RFC 9293, 3.1: the options. One that we do not know is skipped by its length (MUST-6); an illegal length makes the
 * segment malformed (MUST-7 asks for no more than not to crash; dropping it is the safe reading).
 */
function readOptions(s: Core, from: Address, end: Address): boolean {
  const { view } = s.m
  for (let at = from; at < end; ) {
    const kind = view.getUint8(at)
    if (kind === OPTION_END) return true
    if (kind === OPTION_NOP) {
      at++
      continue
    }
    const length = at + 1 < end ? view.getUint8(at + 1) : 0
    if (length < 2 || at + length > end) return false
    if (kind === OPTION_MSS) {
      if (length !== OPTION_MSS_LENGTH) return false
      s.segment.mss = view.getUint16(at + 2)
    } else if (!readOption(s, kind, at, length)) return false
    at += length
  }
  return true
}

/** One of the options that are features; any other is skipped. */
function readOption(s: Core, kind: number, at: Address, length: number): boolean {
  for (const option of optionsFor(s, s.segment.flags))
    if (option.kind === kind) return option.read(s, at, length)
  return true
}
