/**
 * A connection's life as a record: made, ended, freed; and what is given up when memory is short.
 *
 * A connection that ends leaves the hash table at once. Its record stays while its user still holds the handle, and
 * until its last event was told, so that whoever watches sees the state CLOSED.
 */
import { type Core, count, KIND_CONNECTION, RECORD_KIND } from '../core.ts'
import type { Errno } from '../errno.ts'
import { type Arena, freePages, ownerOf, PAGE } from '../memory/arena.ts'
import { clear } from '../memory/fifo.ts'
import { EVENTS_HEAD, PAGE_COUNT, PAGES_AT, POOL_CONNECTIONS } from '../memory/layout.ts'
import { freeRecord, visitRecords } from '../memory/slab.ts'
import { clearTimer } from '../memory/wheel.ts'
import {
  tcpReclaimedClosing,
  tcpReclaimedLastAck,
  tcpReclaimedOutOfOrder,
  tcpReclaimedTimeWait,
} from '../mib.ts'
import {
  clearFlag,
  ERROR,
  EVENTS_NEXT,
  FLAG_IN_TABLE,
  FLAG_ORPHAN,
  hasFlag,
  setFlag,
} from '../socket/record.ts'
import { leaveTable, makeSocket, raise, silence } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { stopClock } from './clock.ts'
import { initialWindow, releaseFlight } from './flight.ts'
import { leaveLastWords, oldestLastWords } from './last-words.ts'
import { stopSending } from './output.ts'
import { RTO_INITIAL } from './rtt.ts'
import {
  CHILDREN,
  CLOSED,
  CLOSING,
  CONNECTION_KIND,
  CWND,
  ESTABLISHED,
  enterState,
  FAMILY,
  FLAG_ACK_DELAYED,
  FLAG_DEAD,
  FLAG_FAST_OPEN,
  FLAG_FIN_RECEIVED,
  ISS,
  LISTEN,
  MSS,
  OUT_OF_ORDER,
  READY,
  RECV_HEAD,
  RECV_QUEUED,
  RTO,
  SEND_HEAD,
  SEND_QUEUED,
  SIBLING,
  SND_MAX,
  SND_NXT,
  SND_UNA,
  SSTHRESH,
  SSTHRESH_INITIAL,
  SYN_RECEIVED,
  stateOf,
  type Tcb,
  TIME_WAIT,
} from './tcb.ts'
import { leaveTimeWait, oldestWaiting } from './time-wait.ts'

/** RFC 9293, 3.7.1 (MUST-16): what to assume of a peer that says nothing: 536 bytes. */
export const MSS_DEFAULT = 536

/** A TCB in state CLOSED; 0 when memory is full, after what may be given up was given up. */
export function makeConnection(s: Core): Tcb {
  const made = makeSocket(s, CONNECTION_KIND, KIND_CONNECTION)
  if (made !== 0 || !reclaimConnection(s)) return made as Tcb
  return makeSocket(s, CONNECTION_KIND, KIND_CONNECTION) as Tcb
}

/** The send variables before the SYN: RFC 9293, 3.10.1. */
export function initialiseSending(m: Arena, t: Tcb, iss: number): void {
  m.put32(t + ISS, iss)
  m.put32(t + SND_UNA, iss)
  m.put32(t + SND_NXT, iss)
  m.put32(t + SND_MAX, iss)
  m.put16(t + MSS, MSS_DEFAULT)
  m.put16(t + RTO, RTO_INITIAL)
  m.put32(t + SSTHRESH, SSTHRESH_INITIAL)
}

/** The MSS is known now, and with it the initial window. */
export function openWindow(m: Arena, t: Tcb, mss: number): void {
  m.put16(t + MSS, mss)
  m.put32(t + CWND, initialWindow(mss))
}

/** The connection is over, for `error` or in order (0): CLOSED, its buffers freed but for what can still be read. */
export function endConnection(s: Core, t: Tcb, error: 0 | Errno): void {
  const { m } = s
  // A child that nobody has accepted yet has no user who could give its handle back.
  if (leaveListener(m, t)) setFlag(m, t, FLAG_ORPHAN)
  s.features.fastOpen?.completed(s, t)
  if (error === 0 && stateOf(m, t) >= ESTABLISHED && stateOf(m, t) !== TIME_WAIT)
    s.features.metrics?.store(s, t)
  if (stateOf(m, t) === TIME_WAIT) leaveTimeWait(m, t)
  leaveLastWords(m, t)
  s.features.settings?.forget(s, t)
  stopClock(m, t)
  clearTimer(m, t)
  stopSending(m, t)
  clearFlag(m, t, FLAG_ACK_DELAYED)
  leaveTable(m, t)
  freePages(m, m.get32(t + SEND_HEAD))
  clear(m, t + SEND_HEAD)
  releaseFlight(m, t)
  m.put32(t + SEND_QUEUED, 0)
  dropOutOfOrder(m, t)
  const handleGone = hasFlag(m, t, FLAG_ORPHAN)
  if (error !== 0 || handleGone) {
    // Whoever has not read all must not take the peer's FIN for the end of it.
    if (m.get32(t + RECV_HEAD) !== 0) clearFlag(m, t, FLAG_FIN_RECEIVED)
    dropReceived(m, t)
  }
  if (error !== 0) m.put8(t + ERROR, -error)
  enterState(m, t, CLOSED)
  raise(m, t, Event.Closed | Event.Readable)
  if (handleGone) setFlag(m, t, FLAG_DEAD)
}

/** Frees a record whose handle is gone, now that its events were told. */
export function bury(s: Core, t: Tcb): void {
  const { m } = s
  s.features.settings?.forget(s, t)
  dropReceived(m, t)
  silence(m, t)
  freeRecord(m, CONNECTION_KIND, t)
}

/** Frees what waits to be read. */
export function dropReceived(m: Arena, t: Tcb): void {
  freePages(m, m.get32(t + RECV_HEAD))
  clear(m, t + RECV_HEAD)
  m.put32(t + RECV_QUEUED, 0)
}

/** Frees what waits for what comes before it; the peer will send it again. */
export function dropOutOfOrder(m: Arena, t: Tcb): void {
  freePages(m, m.get32(t + OUT_OF_ORDER))
  m.put32(t + OUT_OF_ORDER, 0)
}

// ---- a listener and its children ------------------------------------------------------------------------------

/** Hangs a new connection at the end of its listener's children. */
export function joinListener(m: Arena, listener: Tcb, child: Tcb): void {
  let link = listener + FAMILY
  for (let at = m.get32(link); at !== 0; at = m.get32(link)) link = at + SIBLING
  m.put32(link, child)
  m.put32(child + FAMILY, listener)
  m.put16(listener + CHILDREN, m.get16(listener + CHILDREN) + 1)
}

/** Whether a child may be accepted: its handshake is done, or it has text from its SYN. */
export const isReady = (m: Arena, child: Tcb): boolean =>
  stateOf(m, child) !== SYN_RECEIVED || hasFlag(m, child, FLAG_FAST_OPEN)

/** A child was accepted, or died. False: it is nobody's child. */
export function leaveListener(m: Arena, child: Tcb): boolean {
  const listener = m.get32(child + FAMILY)
  if (listener === 0 || stateOf(m, child) === LISTEN) return false
  let link = listener + FAMILY
  for (let at = m.get32(link); at !== child; at = m.get32(link)) link = at + SIBLING
  m.put32(link, m.get32(child + SIBLING))
  m.put32(child + FAMILY, 0)
  m.put16(listener + CHILDREN, m.get16(listener + CHILDREN) - 1)
  if (isReady(m, child)) m.put16(listener + READY, m.get16(listener + READY) - 1)
  return true
}

// ---- memory pressure ------------------------------------------------------------------------------------------

/** Gives up one connection: those whose events wait to be told, then TIME-WAIT, LAST-ACK, CLOSING, the oldest first. */
function reclaimConnection(s: Core): boolean {
  const { m } = s
  if (buryDead(s) || s.features.destinations?.makeRoom(s) === true) return true
  const oldest = oldestWaiting(m) || oldestLastWords(m)
  if (oldest === 0) return false
  countReclaimed(s, stateOf(m, oldest))
  endConnection(s, oldest, 0)
  bury(s, oldest)
  return true
}

function countReclaimed(s: Core, state: number): void {
  if (state === TIME_WAIT) count(s, tcpReclaimedTimeWait)
  else count(s, state === CLOSING ? tcpReclaimedClosing : tcpReclaimedLastAck)
}

function buryDead(s: Core): boolean {
  const { m } = s
  let found = false
  for (let t = m.get32(EVENTS_HEAD) as Tcb; t !== 0; ) {
    const next = m.get32(t + EVENTS_NEXT) as Tcb
    if (m.get8(t + RECORD_KIND) === KIND_CONNECTION && hasFlag(m, t, FLAG_DEAD)) {
      bury(s, t)
      found = true
    }
    t = next
  }
  return found
}

/**
 * Data wants a page and there is none: the oldest datagram that waits for its fragments gives way, else what is remembered
 * of destinations, else all data out of order, which the peers still have (RFC 2018, 8: a receiver may renege).
 */
export function reclaimPages(s: Core): void {
  if (s.features.fragments?.makeRoom(s) === true || s.features.destinations?.makeRoom(s) === true) return
  visitConnections(s.m, t => {
    if (s.m.get32(t + OUT_OF_ORDER) !== 0) count(s, tcpReclaimedOutOfOrder)
    dropOutOfOrder(s.m, t)
  })
}

/** Visits every TCB that is in the hash table. */
export function visitConnections(m: Arena, visit: (t: Tcb) => void): void {
  const first = m.get32(PAGES_AT)
  const count = m.get32(PAGE_COUNT)
  for (let i = 0; i < count; i++) {
    const page = first + i * PAGE
    if (ownerOf(m, page) !== POOL_CONNECTIONS) continue
    visitRecords(page, CONNECTION_KIND, at => {
      if (m.get8(at + RECORD_KIND) === KIND_CONNECTION && hasFlag(m, at, FLAG_IN_TABLE)) visit(at as Tcb)
    })
  }
}
