/**
 * Netlink messages (linux/netlink.h, linux/rtnetlink.h) to the host's socket for them: headers, fixed parts and attributes, with
 * lengths that lie. A piece is a message; several go out in one call.
 *
 * Right is: nothing thrown; each request that fails, or asks for it, is answered by one NLMSG_ERROR with its number and a
 * known errno; what comes back is well-formed; a sound arena; and while nothing but questions was asked, the conversation
 * beside it goes on.
 */
import type { Dice } from '../../simulate/dice.ts'
import * as errnos from '../../stack/errno.ts'
import { Protocol, type Socket } from '../../stack/stack.ts'
import { changed, edge, noise, times, u16, u32 } from './bytes.ts'
import { hexOf, type Input, step } from './input.ts'
import { OWN, Pair, PEER } from './pair.ts'

const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const REQUEST = 1
const ACK = 4
/** The types of the four tables, and the bytes of their fixed parts. */
const TABLES = [
  [16, 16],
  [20, 8],
  [24, 12],
  [28, 12],
] as const
const ERRNOS = new Set(Object.values(errnos).filter(value => typeof value === 'number'))
/** What a socket is told of unasked, by its groups. */
const NEWS = 0

type Message = readonly number[]

export const netlink: Input<Message> = {
  name: 'netlink',
  round: 80,

  draw: dice =>
    times(dice.between(1, 24), i => {
      const made = written(dice, i + 1)
      return dice.below(5) === 0 ? changed(dice, made) : made
    }),

  fault(messages) {
    const pair = new Pair(messages.length % 2 === 0 ? 'full' : 'client')
    const socket = pair.stack.socket(Protocol.Netlink) as Socket
    if (messages.length % 3 === 0) pair.stack.bind(socket, 0xffffffff, 0)
    const asked = new Set<number>()
    let changes = false
    for (const message of messages) {
      const bytes = Uint8Array.from(message)
      const requests = requestsIn(bytes)
      for (const { seq } of requests) asked.add(seq)
      changes ||= requests.some(({ type }) => (type & 3) !== 2)
      const sent = step(() => pair.stack.send(socket, bytes))
      if (sent !== bytes.length) return `send gives ${sent} for ${bytes.length} bytes`
      const wrong = wrongInAnswers(pair, socket, requests, asked)
      if (wrong !== undefined) return wrong
    }
    pair.expectSound()
    pair.stack.close(socket)
    pair.expectSound()
    return changes ? undefined : pair.stalled()
  },

  show: messages => messages.map(hexOf).join(' '),
}

/** A message of one of the tables, or of none. */
function written(dice: Dice, seq: number): number[] {
  const [first, fixed] = dice.one(TABLES)
  const type = dice.below(12) === 0 ? edge(dice) & 0xffff : first + dice.one([0, 1, 2, 2, 3])
  const flags = REQUEST | dice.one([0, ACK, 0x300, 0x400 | ACK, 0x500 | ACK, 0x700, 0xffff])
  const head = [dice.one([0, 2, 2, 2, 10]), dice.one([0, 8, 24, 32, 33, 255]), 0, 0]
  const index = u32(dice.one([0, 1, 1, 2, 3, 0xffffffff]), true)
  const middle = [...index, ...u16(dice.one([0, 2, 0x80, 0xffff]), true), ...noise(dice, 10)]
  const body = [...head, ...middle].slice(0, dice.below(10) === 0 ? dice.below(fixed) : fixed)
  const attributes = times(dice.below(6), () => attribute(dice)).flat()
  const length = 16 + body.length + attributes.length
  const said = dice.below(12) === 0 ? edge(dice, length) : length
  return [
    ...u32(said, true),
    ...u16(type, true),
    ...u16(flags, true),
    ...u32(seq, true),
    ...u32(0, true),
    ...body,
    ...attributes,
  ]
}

function attribute(dice: Dice): number[] {
  const addresses = [
    0,
    OWN,
    PEER,
    0x0a000009,
    0x0a0a0000,
    0x0a010005,
    0xe0000001,
    0xffffffff,
    0x00004000,
    dice.word(),
  ]
  const value = dice.one([
    u32(dice.one(addresses), false),
    u32(dice.one(addresses), false),
    u32(dice.one([0, 1, 2, 9, 0xffffffff]), true),
    [2, 0, 0, 0, 0, dice.below(4)],
    noise(dice, dice.one([0, 1, 3, 8, 300])),
  ])
  const length = 4 + value.length
  const said = dice.below(10) === 0 ? edge(dice, length) & 0xffff : length
  return [
    ...u16(said, true),
    ...u16(dice.between(0, 9), true),
    ...value,
    ...times(-value.length & 3, () => 0),
  ]
}

interface Request {
  readonly seq: number
  readonly type: number
  readonly flags: number
}

/** The requests that the bytes hold, up to the first length that cannot be. */
function requestsIn(bytes: Uint8Array): Request[] {
  const view = new DataView(bytes.buffer)
  const found: Request[] = []
  for (let at = 0; at + 16 <= bytes.length; ) {
    const length = view.getUint32(at, true)
    if (length < 16 || at + length > bytes.length) break
    const [type, flags] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)]
    if ((flags & REQUEST) !== 0) found.push({ seq: view.getUint32(at + 8, true), type, flags })
    at += Math.ceil(length / 4) * 4
  }
  return found
}

/** Reads all that waits. */
function wrongInAnswers(
  pair: Pair,
  socket: Socket,
  requests: readonly Request[],
  asked: ReadonlySet<number>,
): string | undefined {
  const into = new Uint8Array(4_096)
  const ended: number[] = []
  let isWhole = true
  for (let reads = 0; reads < 300; reads++) {
    const length = step(() => pair.stack.recv(socket, into))
    if (length === errnos.EAGAIN) return isWhole ? unanswered(requests, ended) : undefined
    if (length === errnos.ENOBUFS) isWhole = false
    else if (length < 0) return `recv gives ${length}`
    const wrong = wrongInAnswer(into.subarray(0, Math.max(0, length)), asked, ended)
    if (wrong !== undefined) return wrong
  }
  return 'what waits to be read does not end'
}

/** Each request ends once at most, and once where it asks for that. */
function unanswered(requests: readonly Request[], ended: readonly number[]): string | undefined {
  for (const { seq } of requests) {
    const same = requests.filter(request => request.seq === seq)
    const told = ended.filter(other => other === seq).length
    const wanted = same.filter(request => (request.flags & ACK) !== 0).length
    if (told < wanted || told > same.length)
      return `request ${seq} has ${told} ends, of ${wanted} that were asked for`
  }
  return undefined
}

/** `ended` gets the numbers of the requests of which it says how they ended. */
function wrongInAnswer(bytes: Uint8Array, asked: ReadonlySet<number>, ended: number[]): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; ) {
    const length = at + 16 <= bytes.length ? view.getUint32(at, true) : 0
    if (length < 16 || at + length > bytes.length)
      return `an answer of ${length} bytes in ${bytes.length - at}`
    const type = view.getUint16(at + 4, true)
    const seq = view.getUint32(at + 8, true)
    if (seq !== NEWS && !asked.has(seq)) return `an answer to ${seq}, which was not asked`
    if (type === NLMSG_ERROR) {
      const error = view.getInt32(at + 16, true)
      if (error !== 0 && !ERRNOS.has(error as errnos.Errno)) return `the error ${error}, which is no errno`
      ended.push(seq)
    } else if (type !== NLMSG_DONE) {
      const wrong = wrongInEntry(view, at, length, type)
      if (wrong !== undefined) return wrong
    }
    at += Math.ceil(length / 4) * 4
  }
  return undefined
}

/** Attributes fill the message behind its fixed part. */
function wrongInEntry(view: DataView, from: number, length: number, type: number): string | undefined {
  const fixed = TABLES.find(([first]) => first === (type & ~3))?.[1]
  if (fixed === undefined) return `an answer of type ${type}`
  let at = from + 16 + fixed
  while (at < from + length) {
    const size = view.getUint16(at, true)
    if (size < 4 || at + size > from + length)
      return `an attribute of ${size} bytes in an answer of type ${type}`
    at += Math.ceil(size / 4) * 4
  }
  return at === from + length ? undefined : `an answer of type ${type} ends in the middle of an attribute`
}
