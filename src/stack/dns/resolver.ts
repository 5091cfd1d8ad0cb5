/**
 * The stub resolver, RFC 1034, 5.3.1: names in, addresses out, by way of servers that do the walking.
 *
 *     resolve --known?--> answered
 *        | no                ^
 *        v                   | answer
 *     asked by UDP ----------+-----------> truncated: asked by TCP (stream.ts)
 *        | no answer, no use
 *        v
 *     the next server, round twice
 *
 * RFC 5452, 9: each try has a random id and a random port, and only what comes back to that port from that server, with
 * that id and that question, is an answer.
 */
import { type Core, dropped, KIND_CACHED, KIND_QUERY, KIND_QUESTION, KIND_UDP } from '../core.ts'
import { Drop } from '../drop.ts'
import {
  EAGAIN,
  EINVAL,
  ENETUNREACH,
  ENOBUFS,
  ENOENT,
  EPROTO,
  type Errno,
  ETIMEDOUT,
  isErrno,
} from '../errno.ts'
import { parseIpv4 } from '../ip/addresses.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { ADDRESS, DNS_SERVERS, QUERIES_HEAD } from '../memory/layout.ts'
import { closeDatagrams, DATAGRAM_KIND } from '../socket/datagrams.ts'
import { choosePort, handleOf, makeSocket } from '../socket/socket.ts'
import { NameType, type Socket } from '../stack.ts'
import { messageAt, type Service, sendMessage, takeMessage } from '../udp/service.ts'
import * as dns from '../wire/dns.ts'
import { IP_SOURCE } from '../wire/ipv4.ts'
import { UDP_DESTINATION_PORT, UDP_HEADER, UDP_SOURCE_PORT } from '../wire/udp.ts'
import { AGAIN, takeAnswer, USELESS } from './answer.ts'
import { forgetCached } from './cache.ts'
import { copyNameText, isLocal, putNameText, reverseName } from './name.ts'
import * as query from './query.ts'
import { isAnswerTo, putQuery } from './question.ts'
import { beginStream, FAILED, NOT_YET, streamMessage, streamTimer } from './stream.ts'

/** The feature DNS as core code knows it. Errors are of errno.ts; an answer that is not there yet is EAGAIN. */
export interface Resolver extends Service {
  /** A new socket that waits for an answer. */
  resolve(s: Core, name: string, type: number): Socket | Errno
  /** The answer, as `resolved` of the stack gives it. */
  resolved(s: Core, socket: Address, into: Uint8Array): number | Errno
  /** The socket is about to be closed. */
  forget(s: Core, socket: Address): void
}

const SERVERS_MAX = 3
/** RFC 1123, 6.1.3.3: a first timeout of some seconds, more the second time round. */
const ROUNDS = 2
const TIMEOUT_MS = 2_000
const RCODE_NOT_IMPLEMENTED = 4

/** The feature DNS. */
export const resolver: Resolver = {
  start(s, config) {
    config.dns?.slice(0, SERVERS_MAX).forEach((text, i) => {
      const address = parseIpv4(text)
      if (address === undefined)
        throw new RangeError(`A server for names is written like 10.0.0.53; '${text}' is not.`)
      s.m.put32(DNS_SERVERS + i * 4, address)
    })
  },

  owns(s, port) {
    return queryAt(s.m, port) !== 0
  },

  input(s, ip, at, length) {
    const { view } = s.m
    const message = at + UDP_HEADER
    const end = at + length
    if (!dns.dnsIsValid(view, message, length - UDP_HEADER)) return dropped(s, Drop.BadDns)
    const q = queryAt(s.m, view.getUint16(at + UDP_DESTINATION_PORT))
    const fromServer =
      view.getUint16(at + UDP_SOURCE_PORT) === dns.DNS_PORT &&
      view.getInt32(ip + IP_SOURCE) === serverOf(s.m, q)
    if (!fromServer || !isAnswerTo(s, q, message, end)) return dropped(s, Drop.UnexpectedDns)
    if ((view.getUint16(message + dns.DNS_FLAGS) & dns.DNS_TRUNCATED) !== 0) {
      // RFC 7766, 5: "If the server needs to … send a truncated response, the client … SHOULD retry using TCP".
      if (!beginStream(s, q, serverOf(s.m, q))) nextServer(s, q, EPROTO)
    } else {
      answerInput(s, q, message, end)
    }
    return Drop.None
  },

  expired(s, record, kind) {
    if (kind === KIND_CACHED) forgetCached(s, record)
    if (kind === KIND_QUERY) queryTimer(s, record)
  },

  resolve(s, name, type) {
    const socket = makeSocket(s, DATAGRAM_KIND, KIND_QUESTION)
    if (socket === 0) return ENOBUFS
    const q = query.makeQuery(s, socket, type)
    const error = q === 0 ? ENOBUFS : begin(s, q, type === NameType.Ptr ? reverseName(name) : name)
    if (error === 0) return handleOf(s.m, socket)
    if (q !== 0) query.freeQuery(s, q)
    closeDatagrams(s, socket)
    return error
  },

  resolved(s, socket, into) {
    const { m } = s
    const q = query.queryOf(m, socket)
    if (q === 0 || m.get8(q + query.QUERY_STATE) !== query.ANSWERED) return EAGAIN
    const length = m.get16(q + query.ANSWER_LENGTH)
    const at = q + query.QUERY_NAME
    if (m.get16(q + query.QUERY_TYPE) === NameType.Ptr && length > 0) return copyNameText(m, at, into)
    const taken = Math.min(length, into.length)
    into.set(m.bytes.subarray(at, at + taken))
    return taken
  },

  forget(s, socket) {
    const q = query.queryOf(s.m, socket)
    if (q !== 0) query.freeQuery(s, q)
  },
}

/** The question that was sent from a port by UDP. */
function queryAt(m: Arena, port: number): Address {
  for (let q = m.get32(QUERIES_HEAD); q !== 0; q = m.get32(q + query.QUERY_NEXT))
    if (m.get8(q + query.QUERY_STATE) === query.ASKED && m.get16(q + query.QUERY_PORT) === port) return q
  return 0
}

const serverOf = (m: Arena, q: Address): number => m.get32(DNS_SERVERS + m.get8(q + query.SERVER) * 4)

function begin(s: Core, q: Address, name: string): 0 | Errno {
  const { m } = s
  const length = putNameText(s, q + query.QUERY_NAME, name)
  if (length === 0) return EINVAL
  m.put8(q + query.QUERY_NAME_LENGTH, length)
  if (query.lookUp(s, q)) return 0
  if (isLocal(m, q + query.QUERY_NAME, length)) {
    if (s.features.mdns === undefined) return ENOENT
    if (m.get32(ADDRESS) === 0) return ENETUNREACH
    m.put8(q + query.QUERY_STATE, query.ASKED_LINK)
    queryTimer(s, q)
    return 0
  }
  if (m.get32(ADDRESS) === 0 || serverOf(m, q) === 0) return ENETUNREACH
  ask(s, q)
  return 0
}

function queryTimer(s: Core, q: Address): void {
  switch (s.m.get8(q + query.QUERY_STATE)) {
    case query.ASKED:
      return nextServer(s, q, ETIMEDOUT)
    case query.STREAMING: {
      const end = streamTimer(s, q)
      if (end === NOT_YET) return
      const message = streamMessage(s.m, q)
      if (end !== FAILED && isAnswerTo(s, q, message, end)) return answerInput(s, q, message, end)
      return nextServer(s, q, EPROTO)
    }
    case query.ASKED_LINK:
      return s.features.mdns?.ask(s, q)
  }
}

/** Asks the server whose turn it is, from a port and with an id that were not used before. */
function ask(s: Core, q: Address): void {
  const { m } = s
  const round = Math.floor(m.get8(q + query.TRIES) / serverCount(m))
  m.put8(q + query.QUERY_STATE, query.ASKED)
  m.put16(q + query.QUERY_PORT, 0)
  m.put16(q + query.QUERY_ID, s.random32() & 0xffff)
  const port = choosePort(s, KIND_UDP, 0, 0, 0)
  if (!isErrno(port)) {
    m.put16(q + query.QUERY_PORT, port)
    send(s, q, port)
  }
  query.queryAfter(s, q, TIMEOUT_MS << round)
}

function send(s: Core, q: Address, port: number): void {
  const page = takeMessage(s)
  if (page === 0) return
  const at = messageAt(page)
  const length = putQuery(s, q, at)
  const to = serverOf(s.m, q)
  sendMessage(s, page, length, s.m.get32(ADDRESS), port, to, dns.DNS_PORT)
}

function answerInput(s: Core, q: Address, message: Address, end: Address): void {
  const { m } = s
  const rcode = m.view.getUint16(message + dns.DNS_FLAGS) & dns.DNS_RCODE
  const plain = m.get8(q + query.PLAIN) !== 0
  // RFC 6891, 7: a server that does not know the extension says that it cannot read the question.
  if ((rcode === dns.RCODE_FORMAT_ERROR || rcode === RCODE_NOT_IMPLEMENTED) && !plain) {
    m.put8(q + query.PLAIN, 1)
    return ask(s, q)
  }
  if (rcode !== 0 && rcode !== dns.RCODE_NO_NAME) return nextServer(s, q, EPROTO)
  const outcome = takeAnswer(s, q, message, end)
  if (outcome === USELESS) return nextServer(s, q, EPROTO)
  if (outcome !== AGAIN) return
  query.endStream(s, q)
  if (query.lookUp(s, q)) return
  m.put8(q + query.TRIES, 0)
  ask(s, q)
}

/** The next server's turn; when all have had two, the question is over. */
function nextServer(s: Core, q: Address, error: Errno): void {
  const { m } = s
  const servers = serverCount(m)
  const tries = m.get8(q + query.TRIES) + 1
  query.endStream(s, q)
  if (servers === 0 || tries >= servers * ROUNDS || m.get32(ADDRESS) === 0) return query.finish(s, q, error)
  m.put8(q + query.TRIES, tries)
  m.put8(q + query.SERVER, tries % servers)
  ask(s, q)
}

function serverCount(m: Arena): number {
  let servers = 0
  while (servers < SERVERS_MAX && m.get32(DNS_SERVERS + servers * 4) !== 0) servers++
  return servers
}
