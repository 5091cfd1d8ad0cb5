/**
 * The transmission control block: RFC 9293, 3.3.1's variables at fixed offsets of a record in the arena, behind the
 * head that all sockets share (socket/socket.ts). A listener is a record of the same kind in state LISTEN.
 */
import type { Arena } from '../memory/arena.ts'
import { POOL_CONNECTIONS } from '../memory/layout.ts'
import type { RecordKind } from '../memory/slab.ts'
import { SOCKET_HEAD, STATE } from '../socket/record.ts'
import { raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'

declare const tcbBrand: unique symbol
/** The address of a TCB. */
export type Tcb = number & { readonly [tcbBrand]: true }

// States, RFC 9293, 3.3.2. From ESTABLISHED on they are "synchronized".
export const CLOSED = 0
export const LISTEN = 1
export const SYN_SENT = 2
export const SYN_RECEIVED = 3
export const ESTABLISHED = 4
export const FIN_WAIT_1 = 5
export const FIN_WAIT_2 = 6
export const CLOSE_WAIT = 7
export const CLOSING = 8
export const LAST_ACK = 9
export const TIME_WAIT = 10

/** The next in the list of those that have something to send. */
export const SENDERS_NEXT = SOCKET_HEAD
export const SND_UNA = SOCKET_HEAD + 4
export const SND_NXT = SOCKET_HEAD + 8
/** The highest sequence number sent so far, plus one: SND.NXT goes back to SND.UNA on a timeout, this does not. */
export const SND_MAX = SOCKET_HEAD + 12
export const SND_WND = SOCKET_HEAD + 16
export const SND_WL1 = SOCKET_HEAD + 20
export const SND_WL2 = SOCKET_HEAD + 24
/** The largest window the peer has ever offered: MAX.SND.WND of RFC 5961, 5, and of the sender's SWS avoidance. */
export const SND_WND_MAX = SOCKET_HEAD + 28
export const ISS = SOCKET_HEAD + 32
export const RCV_NXT = SOCKET_HEAD + 36
/** RCV.NXT + RCV.WND as it was last told to the peer: it never moves left. */
export const RCV_EDGE = SOCKET_HEAD + 40
export const IRS = SOCKET_HEAD + 44

/** Data to send and not yet acknowledged: a list of pages, the first byte of which is SND.UNA's. */
export const SEND_HEAD = SOCKET_HEAD + 48
export const SEND_TAIL = SOCKET_HEAD + 52
/** A page at or before SND.NXT, so that finding it takes no walk. */
export const SEND_CURSOR = SOCKET_HEAD + 56
export const SEND_QUEUED = SOCKET_HEAD + 60
/** Data in order that waits to be read, and data that waits for what comes before it. */
export const RECV_HEAD = SOCKET_HEAD + 64
export const RECV_TAIL = SOCKET_HEAD + 68
export const RECV_QUEUED = SOCKET_HEAD + 72
export const OUT_OF_ORDER = SOCKET_HEAD + 76

/** RFC 5681's variables, bytes. */
export const CWND = SOCKET_HEAD + 80
export const SSTHRESH = SOCKET_HEAD + 84
/** RFC 6582's `recover`. */
export const RECOVER = SOCKET_HEAD + 88

/** RFC 6298's variables: SRTT in eighths of a microsecond, RTTVAR in quarters, RTO in milliseconds. */
export const SRTT = SOCKET_HEAD + 92
export const RTTVAR = SOCKET_HEAD + 96
export const RTO = SOCKET_HEAD + 100
/** The segment that is being timed: the sequence number behind it, and when it left (µs). */
export const RTT_SEQ = SOCKET_HEAD + 104
export const RTT_AT = SOCKET_HEAD + 108

/** The largest segment to send, bytes of data: Eff.snd.MSS of RFC 9293, 3.7.1. */
export const MSS = SOCKET_HEAD + 112
export const DUP_ACKS = SOCKET_HEAD + 114
/** Timeouts in a row. */
export const RETRIES = SOCKET_HEAD + 115
/** When the delayed ACK is due (ms), while FLAG_ACK_DELAYED is set. */
export const ACK_AT = SOCKET_HEAD + 116
/** The clock that runs, one of CLOCK_…, and when it strikes (ms). */
export const CLOCK_AT = SOCKET_HEAD + 120
export const CLOCK = SOCKET_HEAD + 124
/** ACKs that must go out; more than one when each duplicate counts for the peer (RFC 5681, 4.2). */
export const ACKS_OWED = SOCKET_HEAD + 125
/** RFC 7323, 2: by how many bits the windows in segments are shifted: the peer's, and ours. 0 without the option. */
export const SND_SCALE = SOCKET_HEAD + 126
export const RCV_SCALE = SOCKET_HEAD + 127
/** When TS.Recent was taken, in steps of 2^16 ms. */
export const TS_RECENT_AT = SOCKET_HEAD + 128
/** Bytes of full segments since the last ACK we sent. */
export const UNACKED = SOCKET_HEAD + 130
/** Listener: the first child. Child: its listener, 0 once it was accepted or when it was opened from here. */
export const FAMILY = SOCKET_HEAD + 132
export const SIBLING = SOCKET_HEAD + 136
/** With FLAG_SETTINGS: the record of settings.ts. A child that was not accepted has no user who could set anything. */
export const SETTINGS = SIBLING
/** When a segment without text that was not acceptable was last answered (ms). */
export const REFUTED_AT = SOCKET_HEAD + 140
/** RFC 7323, 4.3: the timestamp to echo, and RCV.NXT as it stood in our last ACK. */
export const TS_RECENT = SOCKET_HEAD + 144
export const LAST_ACK_SENT = SOCKET_HEAD + 148
export const CONNECTION_KIND: RecordKind = { pool: POOL_CONNECTIONS, size: SOCKET_HEAD + 152, urgent: false }

/** Listener: how many children may wait, and how many do. It times no segment: the words of RTT_SEQ and RTT_AT are free. */
export const BACKLOG = RTT_SEQ
export const CHILDREN = RTT_AT

/** Listener: how many of its children have shaken hands, and when it last answered with a cookie (syn-cookies.ts). */
export const READY = BACKLOG + 2
export const OVERFLOW_AT = SRTT
/** Listener: how many may have text before their handshake is done (fast-open.ts). */
export const FAST_OPEN_QUEUE = RTTVAR

/** The clocks exclude each other: RFC 9293, 3.8. */
export const CLOCK_NONE = 0
export const CLOCK_RETRANSMISSION = 1
export const CLOCK_PERSIST = 2
export const CLOCK_TIME_WAIT = 3
export const CLOCK_FIN_WAIT_2 = 4

// Flags; the lower three bits are common to all sockets.
/** In the list of senders. */
export const FLAG_IN_SENDERS = 8
/** The user has no more to send: FIN stands behind the data. */
export const FLAG_FIN = 16
/** RFC 9293, 3.7.4: Nagle's algorithm is off. */
export const FLAG_NO_DELAY = 32
/** RFC 6582: between the fast retransmit and the ACK of `recover`. */
export const FLAG_RECOVERING = 64
/** The first unacknowledged segment is to be sent again, SND.NXT staying where it is. */
export const FLAG_RETRANSMIT = 128
/** RTT_SEQ and RTT_AT are valid. */
export const FLAG_TIMING = 256
export const FLAG_ACK_DELAYED = 512
/** One byte is to be sent into a closed window. */
export const FLAG_PROBE = 1024
/** The peer's FIN was taken: no more data comes. */
export const FLAG_FIN_RECEIVED = 2048
/** The record is to be freed as soon as its last event was told. */
export const FLAG_DEAD = 4096
/** Opened by an incoming SYN. */
export const FLAG_PASSIVE = 8192
/** RFC 6582, 3.2: a partial ACK has restarted the timer in this recovery. */
export const FLAG_PARTIAL_ACK = 16384

/** Our FIN has been sent, once at least. */
export const FLAG_FIN_SENT = 32768

/** RFC 7323: both sides have sent the option in their SYN. */
export const FLAG_SCALING = 65536
export const FLAG_TIMESTAMPS = 131072

/** In one of the lists of last-words.ts. */
export const FLAG_LAST_WORDS = 1 << 22
/** Fast Open: asked for, until the SYN,ACK comes; or text was taken from the SYN, until the handshake is done. */
export const FLAG_FAST_OPEN = 1 << 23
/** The SYN,ACK brings a cookie. */
export const FLAG_COOKIE_DUE = 1 << 24
/** SETTINGS is valid. */
export const FLAG_SETTINGS = 1 << 20
/** The ACK that is owed is a keep-alive: from before the peer's window. */
export const FLAG_KEEP_ALIVE = 1 << 21

/** "arbitrarily high" (RFC 5681, 3.1). */
export const SSTHRESH_INITIAL = 0x7fffffff

export const stateOf = (m: Arena, t: Tcb): number => m.get8(t + STATE)

export function enterState(m: Arena, t: Tcb, state: number): void {
  m.put8(t + STATE, state)
  raise(m, t, Event.State)
}

/** Bytes sent and not acknowledged, SYN and FIN counted: FlightSize of RFC 5681. */
export const flightSize = (m: Arena, t: Tcb): number => (m.get32(t + SND_MAX) - m.get32(t + SND_UNA)) | 0
