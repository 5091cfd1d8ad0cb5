/**
 * What few connections need and none pays for who does not: the settings of a socket beyond Nagle's algorithm, in a record
 * of their own that the TCB points to. The record has a timer of its own, which fires lazily: a deadline that has moved
 * on is found not due and filed anew, so a segment that arrives costs two writes and no timer.
 */
import { type Core, KIND_SETTINGS, RECORD_KIND } from '../core.ts'
import { EINVAL, ENOBUFS, ENOPROTOOPT, type Errno } from '../errno.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { NOW_MS, POOL_SETTINGS } from '../memory/layout.ts'
import { freeRecord, type RecordKind, takeRecord } from '../memory/slab.ts'
import { clearTimer, setTimer, TIMER_AT, timerIsSet } from '../memory/wheel.ts'
import { clearFlag, hasFlag, setFlag } from '../socket/record.ts'
import { Option } from '../stack.ts'
import { keepAliveWait, probePeer } from './keep-alive.ts'
import { lingerWait } from './linger.ts'
import { seqGt } from './seq.ts'
import { FAMILY, FLAG_SETTINGS, LISTEN, SETTINGS, SND_UNA, stateOf, type Tcb } from './tcb.ts'
import { abortTcp } from './user.ts'
import { endUnheard, userTimeoutWait } from './user-timeout.ts'

/** Behind the timer node and the kind: the connection, and the settings by their options' names in stack.ts. */
export const OWNER = 20
/** Seconds, as Linux has them. */
export const KEEP_IDLE = 24
export const KEEP_INTERVAL = 26
export const KEEP_COUNT = 17
/** 1: keep-alives are sent. */
export const KEEP_ALIVE = 18
/** Probes in a row that nobody answered. */
export const PROBES = 19
/** Milliseconds, 0: RFC 1122's R2 (clock.ts). */
export const USER_TIMEOUT = 28
/** When the peer was last heard (ms), and when text first waited or was last acknowledged. */
export const HEARD_AT = 32
export const PROGRESS_AT = 36
/** Seconds and one: 0 is off. */
export const LINGER = 40
/** 1: the user has closed, and gave it until LINGER_UNTIL (ms). */
export const LINGERING = 42
export const LINGER_UNTIL = 44
/** Path MTU discovery (path-mtu.ts): the MSS before it was lowered, 0 if it was not; an MTU that an ICMP message claims. */
export const OFFERED_MSS = 48
export const CLAIMED_MTU = 50
export const CLAIMED_SEQ = 52
export const SETTINGS_KIND: RecordKind = { pool: POOL_SETTINGS, size: 56, urgent: false }

/** RFC 9293, 3.8.4 (MUST-28): the interval "MUST default to no less than two hours"; the other two are Linux's. */
const KEEP_IDLE_DEFAULT = 7200
const KEEP_INTERVAL_DEFAULT = 75
const KEEP_COUNT_DEFAULT = 9

/** What the rest of TCP asks of the settings. */
export interface SocketSettings {
  /** EINVAL out of range, ENOPROTOOPT for an option that is none of these, ENOBUFS when memory is full. */
  set(s: Core, t: Tcb, option: Option, value: number): 0 | Errno
  /** Text, SYN or FIN waits to be sent where nothing waited. */
  waiting(s: Core, t: Tcb): void
  /** An acceptable segment has arrived and is not acknowledged yet: it stands in `s.segment`. */
  heard(s: Core, t: Tcb): void
  /** The record's timer fired. */
  fired(s: Core, record: Address): void
  /** Whether the user said how long to try: R2 does not count. */
  hasTimeout(s: Core, t: Tcb): boolean
  /** The user closes. True: the connection is to be reset at once. */
  closing(s: Core, t: Tcb): boolean
  /** The connection is over. */
  forget(s: Core, t: Tcb): void
}

/** The connection's record; 0 without one. */
export const settingsOf = (m: Arena, t: Tcb): Address =>
  hasFlag(m, t, FLAG_SETTINGS) ? m.get32(t + SETTINGS) : 0

/** The connection's record, made when there is none; 0 when memory is full. */
export function wantSettings(m: Arena, t: Tcb): Address {
  const known = settingsOf(m, t)
  if (known !== 0) return known
  // A child that waits to be accepted has no user, and nothing to send; its word is its listener's.
  if (m.get32(t + FAMILY) !== 0 && stateOf(m, t) !== LISTEN) return 0
  const r = takeRecord(m, SETTINGS_KIND)
  if (r === 0) return 0
  m.put8(r + RECORD_KIND, KIND_SETTINGS)
  m.put32(r + OWNER, t)
  m.put16(r + KEEP_IDLE, KEEP_IDLE_DEFAULT)
  m.put16(r + KEEP_INTERVAL, KEEP_INTERVAL_DEFAULT)
  m.put8(r + KEEP_COUNT, KEEP_COUNT_DEFAULT)
  m.put32(r + HEARD_AT, m.get32(NOW_MS))
  m.put32(r + PROGRESS_AT, m.get32(NOW_MS))
  m.put32(t + SETTINGS, r)
  setFlag(m, t, FLAG_SETTINGS)
  return r
}

/** The bounds of a value, and where it stands: Linux's, whose idle time and interval are 32,767 s at most, the count 127. */
function rangeOf(option: Option): readonly [least: number, most: number] | undefined {
  switch (option) {
    case Option.KeepAlive:
      return [0, 1]
    case Option.KeepIdle:
    case Option.KeepInterval:
      return [1, 32_767]
    case Option.KeepCount:
      return [1, 127]
    case Option.UserTimeout:
      return [0, 0x7fffffff]
    case Option.Linger:
      return [-1, 32_767]
    default:
      return undefined
  }
}

function store(m: Arena, r: Address, option: Option, value: number): void {
  switch (option) {
    case Option.KeepAlive:
      return m.put8(r + KEEP_ALIVE, value)
    case Option.KeepIdle:
      return m.put16(r + KEEP_IDLE, value)
    case Option.KeepInterval:
      return m.put16(r + KEEP_INTERVAL, value)
    case Option.KeepCount:
      return m.put8(r + KEEP_COUNT, value)
    case Option.UserTimeout:
      return m.put32(r + USER_TIMEOUT, value)
    case Option.Linger:
      return m.put16(r + LINGER, value + 1)
  }
}

/** Twelve days. Times are compared modulo 2^32 ms, and a keep-alive's may be farther: its timer fires early, and is filed anew. */
const WAIT_MAX_MS = 2 ** 30

/** Files the timer for the nearest of the deadlines; one that is set for earlier fires, and finds this one. */
function arm(s: Core, t: Tcb, r: Address): void {
  const { m } = s
  const wait = Math.min(keepAliveWait(s, t, r), userTimeoutWait(s, t, r), lingerWait(s, t, r))
  if (wait === Infinity) return
  const at = (m.get32(NOW_MS) + Math.min(WAIT_MAX_MS, Math.max(0, wait))) | 0
  if (!timerIsSet(m, r) || ((m.get32(r + TIMER_AT) - at) | 0) > 0) setTimer(m, r, at)
}

/** Keep-alive, user timeout and linger: what SO_KEEPALIVE, TCP_KEEP…, TCP_USER_TIMEOUT and SO_LINGER are on Linux. */
export const socketSettings: SocketSettings = {
  set(s, t, option, value) {
    const range = rangeOf(option)
    if (range === undefined) return ENOPROTOOPT
    if (!(Number.isInteger(value) && value >= range[0] && value <= range[1])) return EINVAL
    const r = wantSettings(s.m, t)
    if (r === 0) return ENOBUFS
    store(s.m, r, option, value)
    arm(s, t, r)
    return 0
  },

  waiting(s, t) {
    const r = settingsOf(s.m, t)
    if (r === 0) return
    s.m.put32(r + PROGRESS_AT, s.m.get32(NOW_MS))
    arm(s, t, r)
  },

  heard(s, t) {
    const { m } = s
    const r = settingsOf(m, t)
    if (r === 0) return
    m.put32(r + HEARD_AT, m.get32(NOW_MS))
    // An answered probe brings the next one nearer, where the interval is longer than the idle time.
    const answered = m.get8(r + PROBES) > 0
    m.put8(r + PROBES, 0)
    if (seqGt(s.segment.ack, m.get32(t + SND_UNA))) m.put32(r + PROGRESS_AT, m.get32(NOW_MS))
    if (answered || !timerIsSet(m, r)) arm(s, t, r)
  },

  fired(s, r) {
    const t = s.m.get32(r + OWNER) as Tcb
    // Each of these may end the connection, and with it this record.
    if (lingerWait(s, t, r) <= 0) return abortTcp(s, t)
    if (userTimeoutWait(s, t, r) <= 0) return endUnheard(s, t)
    if (keepAliveWait(s, t, r) <= 0 && !probePeer(s, t, r)) return
    arm(s, t, r)
  },

  hasTimeout(s, t) {
    const r = settingsOf(s.m, t)
    return r !== 0 && s.m.get32(r + USER_TIMEOUT) !== 0
  },

  closing(s, t) {
    const { m } = s
    const r = settingsOf(m, t)
    const seconds = r === 0 ? -1 : m.get16(r + LINGER) - 1
    if (seconds <= 0) return seconds === 0
    m.put8(r + LINGERING, 1)
    m.put32(r + LINGER_UNTIL, (m.get32(NOW_MS) + seconds * 1000) | 0)
    arm(s, t, r)
    return false
  },

  forget(s, t) {
    const { m } = s
    const r = settingsOf(m, t)
    if (r === 0) return
    clearFlag(m, t, FLAG_SETTINGS)
    clearTimer(m, r)
    freeRecord(m, SETTINGS_KIND, r)
  },
}
