/**
 * TCP_FASTOPEN, RFC 7413: text in the SYN. A server gives each client a cookie, which proves on a later connection that the
 * client is at its address; a SYN that brings it may bring text, which the server's program gets before the handshake is
 * done, and answers. The cookies that we were given are kept with their destinations (ip/destinations.ts).
 */
import type { Core } from '../core.ts'
import { EINVAL, EISCONN, ENOBUFS, type Errno, isErrno } from '../errno.ts'
import { COOKIE, COOKIE_LENGTH, COOKIE_MSS, findDestination, wantDestination } from '../ip/destinations.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { FAST_OPENS, NOW_MS } from '../memory/layout.ts'
import { clearFlag, hasFlag, REMOTE_ADDRESS, setFlag } from '../socket/record.ts'
import { raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { ACK, OPTION_FAST_OPEN, OPTION_NOP, SYN, TCP_HEADER } from '../wire/tcp.ts'
import { MSS_DEFAULT } from './connection.ts'
import { headerLengthOf } from './emit.ts'
import { keyedHash, keyOf } from './isn.ts'
import { linkMss } from './mss.ts'
import type { TcpOption } from './options.ts'
import { queueText } from './queue-text.ts'
import { receiveText } from './receive.ts'
import {
  CLOSED,
  FAST_OPEN_QUEUE,
  FLAG_COOKIE_DUE,
  FLAG_FAST_OPEN,
  FLAG_TIMING,
  LISTEN,
  READY,
  RETRIES,
  SEND_QUEUED,
  SND_NXT,
  SYN_SENT,
  stateOf,
  type Tcb,
} from './tcb.ts'
import { connectTcp } from './user.ts'
import { bufferShare } from './window.ts'

/** The feature TCP_FASTOPEN as core code knows it: the option of RFC 7413, 4.1.1, and what goes with it. */
export interface FastOpen extends TcpOption {
  /** Connects with text: in the SYN if we have a cookie, behind the handshake else. Bytes taken of `data`. */
  open(s: Core, t: Tcb, data: Uint8Array, address: number, port: number): number | Errno
  /** How many connections of a listener may have text and no handshake yet; 0: none, and no cookies are given. */
  setQueue(s: Core, listener: Tcb, length: number): 0 | Errno
  /** Bytes of text that go with the SYN. */
  synText(s: Core, t: Tcb): number
  /** The SYN,ACK has come and is acknowledged: what it did not take of the SYN's text goes out again. */
  answered(s: Core, t: Tcb): void
  /** A connection was made from the SYN in `s.segment`, whose text it may take. */
  born(s: Core, listener: Tcb, t: Tcb): void
  /** The handshake is done, or the connection is over. Whether its program had it before. */
  completed(s: Core, t: Tcb): boolean
}

/** RFC 7413, 4.1.1: a cookie has 4 to 16 bytes, an even number. Ours has 8. */
const COOKIE_LEAST = 4
const OUR_COOKIE = 8
/** What fits into the 40 bytes of options beside MSS, window scale, SACK-permitted and timestamps: a longer one is not used. */
const COOKIE_MOST = 14
/** Section 4.1.2 has the key change from time to time: each 18.6 hours; the last one is good as well. */
const EPOCH_SHIFT = 26
const EPOCH_MASK = 63
/** Keeps these hashes apart from the others of the secret. */
const DOMAIN = 0x54464f00

const epochNow = (m: Arena): number => m.get32(NOW_MS) >>> EPOCH_SHIFT

/** Half of the cookie for a client. */
const cookieHalf = (s: Core, client: number, epoch: number, half: number): number =>
  keyedHash(s.m, keyOf(s, client), DOMAIN | epoch, half)

/** Whether the cookie in `s.segment` is one that we gave to its source. */
function isOurs(s: Core): boolean {
  const { m, segment: g } = s
  if (g.cookieLength !== OUR_COOKIE) return false
  for (let age = 0; age < 2; age++) {
    const epoch = (epochNow(m) - age) & EPOCH_MASK
    const matches =
      m.view.getInt32(g.cookieAt) === cookieHalf(s, g.source, epoch, 0) &&
      m.view.getInt32(g.cookieAt + 4) === cookieHalf(s, g.source, epoch, 1)
    if (matches) return true
  }
  return false
}

/** A first SYN of a connection that wants it. RFC 7413, 4.1.3.1: one that is sent again has neither cookie nor text. */
const isAsking = (m: Arena, t: Tcb, flags: number): boolean =>
  (flags & (SYN | ACK)) === SYN && hasFlag(m, t, FLAG_FAST_OPEN) && m.get8(t + RETRIES) === 0

/** Bytes of the cookie in a segment with these flags; -1: no option. */
function cookieBytes(s: Core, t: Tcb, flags: number): number {
  const { m } = s
  if (isAsking(m, t, flags)) {
    const r = findDestination(m, m.get32(t + REMOTE_ADDRESS))
    return r === 0 ? 0 : m.get8(r + COOKIE_LENGTH)
  }
  return (flags & SYN) !== 0 && hasFlag(m, t, FLAG_COOKIE_DUE) ? OUR_COOKIE : -1
}

/** Behind two bytes of kind and length, NOPs up to a word. */
const sizeFor = (cookie: number): number => (cookie + 5) & ~3

function write(s: Core, t: Tcb, flags: number, at: Address): void {
  const { m } = s
  const cookie = cookieBytes(s, t, flags)
  const size = sizeFor(cookie)
  m.bytes.fill(OPTION_NOP, at, at + size)
  const option = at + size - cookie - 2
  m.put8(option, OPTION_FAST_OPEN)
  m.put8(option + 1, cookie + 2)
  const remote = m.get32(t + REMOTE_ADDRESS)
  if ((flags & ACK) === 0) {
    const from = findDestination(m, remote) + COOKIE
    m.bytes.copyWithin(option + 2, from, from + cookie)
    return
  }
  for (let half = 0; half < 2; half++)
    m.view.setInt32(option + 2 + half * 4, cookieHalf(s, remote, epochNow(m), half))
}

/** The server has given a cookie with its SYN,ACK; or nothing came of our SYN with one, and it is used no more. */
function negotiate(s: Core, t: Tcb): void {
  const { m, segment: g } = s
  if (stateOf(m, t) !== SYN_SENT || !hasFlag(m, t, FLAG_FAST_OPEN)) return
  // Two SYNs have crossed (3.5): the text waits.
  if ((g.flags & ACK) === 0) return clearFlag(m, t, FLAG_FAST_OPEN)
  const remote = m.get32(t + REMOTE_ADDRESS)
  if (m.get8(t + RETRIES) > 0) {
    const known = findDestination(m, remote)
    if (known !== 0) m.put8(known + COOKIE_LENGTH, 0)
    return
  }
  if (g.cookieLength < COOKIE_LEAST || g.cookieLength > COOKIE_MOST) return
  const r = wantDestination(s, remote)
  if (r === 0) return
  m.put8(r + COOKIE_LENGTH, g.cookieLength)
  m.put16(r + COOKIE_MSS, g.mss || MSS_DEFAULT)
  m.bytes.copyWithin(r + COOKIE, g.cookieAt, g.cookieAt + g.cookieLength)
}

/** The feature TCP_FASTOPEN. */
export const fastOpen: FastOpen = {
  kind: OPTION_FAST_OPEN,

  read(s, at, length) {
    const { segment: g } = s
    const cookie = length - 2
    // "A cookie with invalid length is ignored": 0 is a request.
    if (cookie !== 0 && (cookie < COOKIE_LEAST || cookie > 16 || cookie % 2 !== 0)) return true
    if ((g.flags & SYN) === 0) return true
    g.cookieAt = at + 2
    g.cookieLength = cookie
    return true
  },

  negotiate,

  size(s, t, flags) {
    const cookie = cookieBytes(s, t, flags)
    return cookie < 0 ? 0 : sizeFor(cookie)
  },

  write,

  open(s, t, data, address, port) {
    if (stateOf(s.m, t) !== CLOSED) return EISCONN
    const begun = connectTcp(s, t, address, port)
    if (isErrno(begun)) return begun
    setFlag(s.m, t, FLAG_FAST_OPEN)
    const taken = queueText(s, t, data, Math.min(bufferShare(s.m), data.length))
    return taken === 0 && data.length > 0 ? ENOBUFS : taken
  },

  setQueue(s, listener, length) {
    const state = stateOf(s.m, listener)
    if (!(Number.isInteger(length) && length >= 0 && length <= 0xffff)) return EINVAL
    if (state !== CLOSED && state !== LISTEN) return EINVAL
    s.m.put16(listener + FAST_OPEN_QUEUE, length)
    return 0
  },

  synText(s, t) {
    const { m } = s
    if (stateOf(m, t) !== SYN_SENT || cookieBytes(s, t, SYN) <= 0) return 0
    // 4.1.3: no more than the MSS that the server told when it gave the cookie, less the options (RFC 6691, 2); nor than the
    // link carries, whatever he told (RFC 9293, 3.7.1).
    const remote = m.get32(t + REMOTE_ADDRESS)
    const mss = Math.min(linkMss(s, remote), m.get16(findDestination(m, remote) + COOKIE_MSS))
    return Math.max(0, Math.min(m.get32(t + SEND_QUEUED), mss - (headerLengthOf(s, t, SYN, 0) - TCP_HEADER)))
  },

  answered(s, t) {
    const { m, segment: g } = s
    if (!hasFlag(m, t, FLAG_FAST_OPEN)) return
    clearFlag(m, t, FLAG_FAST_OPEN | FLAG_TIMING)
    m.put32(t + SND_NXT, g.ack)
  },

  born(s, listener, t) {
    const { m, segment: g } = s
    const queue = m.get16(listener + FAST_OPEN_QUEUE)
    if (queue === 0 || g.cookieLength < 0) return
    if (!isOurs(s)) return setFlag(m, t, FLAG_COOKIE_DUE)
    // 4.2.1: PendingFastOpenRequests; "the server should disable TFO" above the limit: the handshake goes as without it.
    // We count those of all listeners together.
    if (g.length === 0 || m.get32(FAST_OPENS) >= queue) return
    m.add32(FAST_OPENS, 1)
    setFlag(m, t, FLAG_FAST_OPEN)
    m.put16(listener + READY, m.get16(listener + READY) + 1)
    g.seq = (g.seq + 1) | 0
    receiveText(s, t)
    raise(m, listener, Event.Readable)
  },

  completed(s, t) {
    const { m } = s
    const early = hasFlag(m, t, FLAG_FAST_OPEN) && stateOf(m, t) !== SYN_SENT
    if (early) {
      clearFlag(m, t, FLAG_FAST_OPEN)
      m.add32(FAST_OPENS, -1)
    }
    return early
  },
}
