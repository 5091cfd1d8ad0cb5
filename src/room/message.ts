/**
 * What pages say to each other over signalling, inside the seal.
 *
 * How two pages come to trust that they speak with one another now, not with a recording:
 *
 *   new page                                     page in the room
 *     hello (to all) ───────────────────────────▶  may be a replay: costs one welcome
 *     ◀─────────────────────── welcome (to new)    names a session that the new page has just drawn: it is fresh
 *     ready (to old) ───────────────────────────▶  names the old page's session: it is fresh too
 *     ◀───────────────── signal: offer, answer, candidates ─────────────────▶
 *
 * No connection is made but on a message that names the receiver's own session. The page with the smaller session id
 * offers. A session id is 128 random bits, drawn each time a page joins.
 */
import type { PeerId } from './room.ts'

/** What simple-peer wants carried to the other side. */
export type Signal =
  | { readonly type: 'offer' | 'answer'; readonly sdp: string }
  | { readonly type: 'candidate'; readonly candidate: RTCIceCandidateInit }

export type Say =
  /** To all: here I am. */
  | { readonly say: 'hello'; readonly name: string }
  /** To a page that said hello, or to one that was lost: let us connect. */
  | { readonly say: 'welcome'; readonly name: string }
  /** To the page that welcomed us. */
  | { readonly say: 'ready'; readonly name: string }
  /** `attempt`: which connection of the two it belongs to, counted by the page that offers. */
  | { readonly say: 'signal'; readonly attempt: number; readonly signal: Signal }
  /** To a page that said hello, when the room holds as many as it may. */
  | { readonly say: 'full' }
  /** To all: 'left' is said by a page that leaves, 'cut' by the broker, in its last will. */
  | { readonly say: 'gone'; readonly how: 'left' | 'cut' }

export type Message = Say & {
  readonly from: PeerId
  /** Strictly increasing from 1, save for a goodbye or last will (0), which is written beforehand. */
  readonly sequence: number
  /** The session it is for; absent: all. */
  readonly to?: PeerId
}

export const encodeMessage = (message: Message): string => JSON.stringify(message)

/** Undefined when it is no message: what opened need not be well-formed. */
export function parseMessage(text: string): Message | undefined {
  const value = parseJson(text)
  if (!isObject(value)) return undefined
  const { from, to, sequence } = value
  if (!isPeerId(from) || !isCount(sequence) || !(to === undefined || isPeerId(to))) return undefined
  const say = parseSay(value)
  if (say === undefined) return undefined
  // Only what is said to all is not for one.
  const isBroadcast = say.say === 'hello' || say.say === 'gone'
  if (isBroadcast !== (to === undefined)) return undefined
  return { ...say, from, sequence, ...(to === undefined ? {} : { to }) }
}

function parseSay(value: Record<string, unknown>): Say | undefined {
  const { say, name, attempt, how } = value
  switch (say) {
    case 'hello':
    case 'welcome':
    case 'ready':
      return isMemberName(name) ? { say, name } : undefined
    case 'signal': {
      const signal = parseSignal(value['signal'])
      return isCount(attempt) && signal !== undefined ? { say, attempt, signal } : undefined
    }
    case 'full':
      return { say }
    case 'gone':
      return how === 'left' || how === 'cut' ? { say, how } : undefined
    default:
      return undefined
  }
}

function parseSignal(value: unknown): Signal | undefined {
  if (!isObject(value)) return undefined
  const { type, sdp, candidate } = value
  if (type === 'offer' || type === 'answer') return typeof sdp === 'string' ? { type, sdp } : undefined
  if (type !== 'candidate' || !isObject(candidate)) return undefined
  const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate
  if (typeof line !== 'string') return undefined
  return {
    type,
    candidate: {
      candidate: line,
      ...(typeof sdpMid === 'string' ? { sdpMid } : {}),
      ...(typeof sdpMLineIndex === 'number' ? { sdpMLineIndex } : {}),
      ...(typeof usernameFragment === 'string' ? { usernameFragment } : {}),
    },
  }
}

export const isPeerId = (value: unknown): value is PeerId =>
  typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)

/** A DNS label (RFC 1123, 2.1): letters, digits and hyphens, at most 63, no hyphen at either end. */
export const isMemberName = (value: unknown): value is string =>
  typeof value === 'string' && /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(value)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Undefined when it is no JSON, which itself has no undefined. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
