/**
 * Questions that programs have asked: a record each, from `resolve` until the socket is closed. The name stands in it,
 * flat; when the answer is there it takes the name's place.
 */
import { type Core, KIND_QUERY, RECORD_KIND } from '../core.ts'
import { ENOBUFS, ENODATA, ENOENT, EPROTO, type Errno } from '../errno.ts'
import { type Address, type Arena, freePage } from '../memory/arena.ts'
import { append, remove } from '../memory/fifo.ts'
import { QUERIES_HEAD } from '../memory/layout.ts'
import { freeRecord, takeRecord } from '../memory/slab.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { ERROR } from '../socket/record.ts'
import { raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import type { Tcb } from '../tcp/tcb.ts'
import { closeTcp } from '../tcp/user.ts'
import { flatLength, TYPE_CNAME } from '../wire/dns.ts'
import { DATA_LENGTH, dataAt, findCached, NO_NAME } from './cache.ts'
import { NAME_KIND } from './record.ts'

/** Offsets in a question's record, behind chain, timer node and kind (core.ts); times in ms. */
export const QUERY_STATE = 17
/** Which of the servers is asked, and how often any was. */
export const SERVER = 18
export const TRIES = 19
export const QUERY_NEXT = 20
const SOCKET = 24
export const QUERY_ID = 28
export const QUERY_PORT = 30
export const QUERY_TYPE = 32
/** Aliases that were followed. */
export const LINKS = 34
/** The server does not understand EDNS: it is asked without. */
export const PLAIN = 35
/** The connection by which a long answer comes, and the page that it comes into. */
export const CONNECTION = 36
export const STREAM_PAGE = 40
export const STREAM_LENGTH = 44
/** Bytes of the answer, when it is there. */
export const ANSWER_LENGTH = 46
export const QUERY_NAME_LENGTH = 48
/** Bytes of the question that are to be sent by it; 0 when they are. */
export const STREAM_QUESTION = 50
/** When the server must have answered by TCP. */
export const STREAM_UNTIL = 52
export const QUERY_NAME = 56
const ANSWER_MAX = 255

/** Values of QUERY_STATE: asked of a server by UDP, or by TCP. */
export const ASKED = 1
export const STREAMING = 2
/** Asked of the link, by multicast. */
export const ASKED_LINK = 3
export const ANSWERED = 4

/** Questions at once, answered ones that are not closed included. */
const QUERIES_MAX = 16
/** An alias may lead to an alias; RFC 1034, 3.6.2: "CNAME chains should be followed and CNAME loops signalled as an error". */
export const LINKS_MAX = 8

/** A new question of this socket; 0 when there are too many, or memory is full. */
export function makeQuery(s: Core, socket: Address, type: number): Address {
  const { m } = s
  let queries = 0
  for (let q = m.get32(QUERIES_HEAD); q !== 0; q = m.get32(q + QUERY_NEXT)) queries++
  const q = queries < QUERIES_MAX ? takeRecord(m, NAME_KIND) : 0
  if (q === 0) return 0
  m.put8(q + RECORD_KIND, KIND_QUERY)
  m.put32(q + SOCKET, socket)
  m.put16(q + QUERY_TYPE, type)
  append(m, QUERIES_HEAD, q, QUERY_NEXT)
  return q
}

/** The question that this socket waits for or has answered; 0 when it has none. */
export function queryOf(m: Arena, socket: Address): Address {
  let q = m.get32(QUERIES_HEAD)
  while (q !== 0 && m.get32(q + SOCKET) !== socket) q = m.get32(q + QUERY_NEXT)
  return q
}

/** Ends a question for good: its connection, its timer and its record. The socket stays. */
export function freeQuery(s: Core, q: Address): void {
  endStream(s, q)
  clearTimer(s.m, q)
  remove(s.m, QUERIES_HEAD, q, QUERY_NEXT)
  freeRecord(s.m, NAME_KIND, q)
}

/** Gives the connection and its page back. */
export function endStream(s: Core, q: Address): void {
  const { m } = s
  if (m.get32(q + STREAM_PAGE) !== 0) freePage(m, m.get32(q + STREAM_PAGE))
  m.put32(q + STREAM_PAGE, 0)
  const t = m.get32(q + CONNECTION)
  m.put32(q + CONNECTION, 0)
  if (t !== 0) closeTcp(s, t as Tcb)
}

/** Sets the question's timer, `ms` milliseconds on. */
export const queryAfter = (s: Core, q: Address, ms: number): void => startTimer(s.m, q, ms)

/** The question is over: with an answer, or with the reason why there is none. */
export function finish(s: Core, q: Address, error: 0 | Errno): void {
  const { m } = s
  endStream(s, q)
  clearTimer(m, q)
  m.put8(q + QUERY_STATE, ANSWERED)
  const socket = m.get32(q + SOCKET)
  m.put8(socket + ERROR, -error)
  raise(m, socket, error === 0 ? Event.Readable : Event.Closed)
}

/** Looks the name up among what is known, following aliases. True: the question is over. */
export function lookUp(s: Core, q: Address): boolean {
  const { m } = s
  for (;;) {
    const length = m.get8(q + QUERY_NAME_LENGTH)
    const known = findCached(s, q + QUERY_NAME, length, m.get16(q + QUERY_TYPE))
    if (known !== 0) return finishWith(s, q, known)
    if (findCached(s, q + QUERY_NAME, length, NO_NAME) !== 0) {
      finish(s, q, ENOENT)
      return true
    }
    const alias = findCached(s, q + QUERY_NAME, length, TYPE_CNAME)
    if (alias === 0) return false
    if (!followAlias(s, q, dataAt(m, alias))) return true
  }
}

/** The question is now for the name to which the alias leads. False: it led round once too often, and is over. */
export function followAlias(s: Core, q: Address, target: Address): boolean {
  const { m } = s
  const links = m.get8(q + LINKS) + 1
  m.put8(q + LINKS, links)
  if (links > LINKS_MAX) {
    finish(s, q, EPROTO)
    return false
  }
  const length = flatLength(m.bytes, target)
  m.bytes.copyWithin(q + QUERY_NAME, target, target + length)
  m.put8(q + QUERY_NAME_LENGTH, length)
  return true
}

/** The set of records that answers it, 0 when there was no room to keep it. */
export function finishWith(s: Core, q: Address, set: Address): true {
  const { m } = s
  const length = set === 0 ? 0 : m.get16(set + DATA_LENGTH)
  if (length === 0) {
    finish(s, q, set === 0 ? ENOBUFS : ENODATA)
    return true
  }
  const taken = Math.min(ANSWER_MAX, length)
  m.bytes.copyWithin(q + QUERY_NAME, dataAt(m, set), dataAt(m, set) + taken)
  m.put16(q + ANSWER_LENGTH, taken)
  finish(s, q, 0)
  return true
}
