/**
 * A question by TCP (RFC 7766), over our own: one connection for one question. Each message has its length before it
 * (RFC 1035, 4.2.2). The connection is asked how far it is every few milliseconds: such answers are rare, and nothing in
 * TCP need know of them.
 */
import type { Core } from '../core.ts'
import { EAGAIN, isErrno } from '../errno.ts'
import { type Address, type Arena, PAGE, takePage } from '../memory/arena.ts'
import { NOW_MS, POOL_NAMES } from '../memory/layout.ts'
import { makeConnection } from '../tcp/connection.ts'
import { CLOSED, ESTABLISHED, stateOf, type Tcb } from '../tcp/tcb.ts'
import { connectTcp, recvTcp, sendTcp } from '../tcp/user.ts'
import { DNS_PORT } from '../wire/dns.ts'
import {
  CONNECTION,
  endStream,
  QUERY_STATE,
  queryAfter,
  STREAM_LENGTH,
  STREAM_PAGE,
  STREAM_QUESTION,
  STREAM_UNTIL,
  STREAMING,
} from './query.ts'
import { putQuery } from './question.ts'

const LOOK_MS = 10
const TIMEOUT_MS = 5_000
/** Where in the page the stream's bytes go: the message behind its length is aligned to four. */
const STREAM = 30
const LENGTH = 2
const ROOM = PAGE - STREAM

/** What streamTimer gives: nothing to be read yet, or nothing to be had. */
export const NOT_YET = 0
export const FAILED = -1

/** Where the message begins. */
export const streamMessage = (m: Arena, q: Address): Address => m.get32(q + STREAM_PAGE) + STREAM + LENGTH

/** Begins to ask a server. False: there is no memory for it. */
export function beginStream(s: Core, q: Address, server: number): boolean {
  const { m } = s
  const t = makeConnection(s)
  if (t === 0) return false
  m.put32(q + CONNECTION, t)
  const page = connectTcp(s, t, server, DNS_PORT) === 0 ? takePage(m, POOL_NAMES, false) : 0
  m.put32(q + STREAM_PAGE, page)
  if (page === 0) {
    endStream(s, q)
    return false
  }
  const length = putQuery(s, q, streamMessage(m, q))
  m.view.setUint16(page + STREAM, length)
  m.put16(q + STREAM_QUESTION, LENGTH + length)
  m.put16(q + STREAM_LENGTH, 0)
  m.put32(q + STREAM_UNTIL, (m.get32(NOW_MS) + TIMEOUT_MS) | 0)
  m.put8(q + QUERY_STATE, STREAMING)
  queryAfter(s, q, LOOK_MS)
  return true
}

/** Looks how far it is: where the message ends, when it is there; else NOT_YET or FAILED. */
export function streamTimer(s: Core, q: Address): Address {
  const { m } = s
  const t = m.get32(q + CONNECTION) as Tcb
  const state = stateOf(m, t)
  if (state === CLOSED || ((m.get32(q + STREAM_UNTIL) - m.get32(NOW_MS)) | 0) <= 0) return FAILED
  if (state < ESTABLISHED) return notYet(s, q)
  const stream = m.get32(q + STREAM_PAGE) + STREAM
  const question = m.get16(q + STREAM_QUESTION)
  if (question > 0) {
    // The question is shorter than any send buffer: it goes as a whole, or when there is memory.
    if (sendTcp(s, t, m.window(stream, question)) === question) m.put16(q + STREAM_QUESTION, 0)
    return notYet(s, q)
  }
  const had = m.get16(q + STREAM_LENGTH)
  const got = recvTcp(s, t, m.window(stream + had, ROOM - had))
  if (isErrno(got)) return got === EAGAIN ? notYet(s, q) : FAILED
  if (got === 0) return FAILED
  m.put16(q + STREAM_LENGTH, had + got)
  return endOfMessage(m, stream, had + got) || notYet(s, q)
}

/** Where the message ends, 0 while bytes are missing. Of one that is longer than a page the first records must do. */
function endOfMessage(m: Arena, stream: Address, length: number): Address {
  if (length < LENGTH) return 0
  const whole = LENGTH + m.view.getUint16(stream)
  return length >= whole || length === ROOM ? stream + Math.min(length, whole) : 0
}

function notYet(s: Core, q: Address): typeof NOT_YET {
  queryAfter(s, q, LOOK_MS)
  return NOT_YET
}
