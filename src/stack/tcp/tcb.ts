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
/** Sequence numbers are 32 bits and compare by their difference (seq.ts); windows are bytes, not shifted. */
export const SND_UNA = SOCKET_HEAD + 4
export const SND_NXT = SOCKET_HEAD + 8
/** The highest sequence number sent so far, plus one: SND.NXT goes back to SND.UNA on a timeout, this does not. */
export const SND_MAX = SOCKET_HEAD + 12
export const SND_WND = SOCKET_HEAD + 16
/**
 * SND.WL1. SND.WL2 is not kept: a segment may move the window only if it acknowledges SND.UNA at least, and SND.UNA is never
 * behind SND.WL2, so that SND.WL2 =< SEG.ACK always holds.
 */
export const SND_WL1 = SOCKET_HEAD + 20
/** The largest window the peer has ever offered: MAX.SND.WND of RFC 5961, 5, and of the sender's SWS avoidance. */
export const SND_WND_MAX = SOCKET_HEAD + 24
/** The initial sequence numbers: ours, and IRS the peer's. */
export const ISS = SOCKET_HEAD + 28
export const RCV_NXT = SOCKET_HEAD + 32
/** RCV.NXT + RCV.WND as it was last told to the peer: it never moves left. */
export const RCV_EDGE = SOCKET_HEAD + 36
export const IRS = SOCKET_HEAD + 40

/** Data to send and not yet acknowledged: a list of pages, the first byte of which is SND.UNA's. */
export const SEND_HEAD = SOCKET_HEAD + 44
export const SEND_TAIL = SOCKET_HEAD + 48
/** What matters only while something is under way (flight.ts); 0 while nothing is. */
export const FLIGHT = SOCKET_HEAD + 52
/** Bytes of text in that list. */
export const SEND_QUEUED = SOCKET_HEAD + 56
/** Data in order that waits to be read, and data that waits for what comes before it. */
export const RECV_HEAD = SOCKET_HEAD + 60
export const RECV_TAIL = SOCKET_HEAD + 64
export const RECV_QUEUED = SOCKET_HEAD + 68
export const OUT_OF_ORDER = SOCKET_HEAD + 72

/** RFC 5681's variables, bytes. */
export const CWND = SOCKET_HEAD + 76
export const SSTHRESH = SOCKET_HEAD + 80

/** RFC 6298's variables: SRTT in eighths of a microsecond, RTTVAR in quarters, RTO in milliseconds (16 bits). */
export const SRTT = SOCKET_HEAD + 84
export const RTTVAR = SOCKET_HEAD + 88
export const RTO = SOCKET_HEAD + 92

/** The largest segment to send, bytes of data: Eff.snd.MSS of RFC 9293, 3.7.1. */
export const MSS = SOCKET_HEAD + 94
/** Duplicate ACKs in a row, RFC 5681, 2. */
export const DUP_ACKS = SOCKET_HEAD + 96
/** Timeouts in a row. */
export const RETRIES = SOCKET_HEAD + 97
/** ACKs that must go out; more than one when each duplicate counts for the peer (RFC 5681, 4.2). */
export const ACKS_OWED = SOCKET_HEAD + 98
/** The clock that runs, one of CLOCK_…, and when it strikes (ms). */
export const CLOCK = SOCKET_HEAD + 99
export const CLOCK_AT = SOCKET_HEAD + 100
/** When the delayed ACK is due (ms modulo 2^16), while FLAG_ACK_DELAYED is set. */
export const ACK_AT = SOCKET_HEAD + 104
/** When a segment without text that was not acceptable was last answered (ms modulo 2^16). */
export const REFUTED_AT = SOCKET_HEAD + 106
/** RFC 7323, 2: by how many bits the windows in segments are shifted: the peer's, and ours. 0 without the option. */
export const SND_SCALE = SOCKET_HEAD + 108
export const RCV_SCALE = SOCKET_HEAD + 109
/** When TS.Recent was taken, in steps of 2^16 ms. */
export const TS_RECENT_AT = SOCKET_HEAD + 110
/** Listener: the first child. Child: its listener, 0 once it was accepted or when it was opened from here. */
export const FAMILY = SOCKET_HEAD + 112
export const SIBLING = SOCKET_HEAD + 116
/** With FLAG_SETTINGS: the record of settings.ts. A child that was not accepted has no user who could set anything. */
export const SETTINGS = SIBLING
/** RFC 7323, 4.3: the timestamp to echo, and RCV.NXT as it stood in our last ACK. */
export const TS_RECENT = SOCKET_HEAD + 120
export const LAST_ACK_SENT = SOCKET_HEAD + 124
/** RCV.UP: the octet behind the urgent data, while FLAG_URGENT is set (urgent.ts). */
export const RCV_UP = SOCKET_HEAD + 128
/** 176 bytes: as many as nine in a page can have. */
export const CONNECTION_KIND: RecordKind = { pool: POOL_CONNECTIONS, size: SOCKET_HEAD + 132, urgent: false }

/** Listener: how many children may wait, and how many do. It sends nothing: the words of CWND and SSTHRESH are free. */
export const BACKLOG = CWND
export const CHILDREN = SSTHRESH
/** TIME-WAIT (time-wait.ts): its place in the list. All that was sent is acknowledged: the same words are free. */
export const WAITING_NEXT = CWND
export const WAITING_PREVIOUS = SSTHRESH

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
/** All is acknowledged and nothing waits: after an RTO of that the connection is idle (flight.ts). */
export const CLOCK_REST = 5
/** RFC 8985, 8: in the place of the retransmission timer: a reordering window ends; a tail loss probe is due. */
export const CLOCK_REORDERING = 6
export const CLOCK_TAIL_PROBE = 7

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
/** ACK_AT is valid. */
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
/** RFC 2018, 2: both sides have said in their SYN that SACK is permitted. */
export const FLAG_SACK = 1 << 18
/** RFC 8985, 7.3: a tail loss probe is to be sent. */
export const FLAG_TAIL_PROBE = 1 << 19
/** RFC 3168: both sides have said in their SYN that they know ECN. */
export const FLAG_ECN = 1 << 27
/** CE has come, and no CWR since: ACKs carry ECE. */
export const FLAG_ECN_ECHO = 1 << 28
/** The window was reduced: the next new text carries CWR. */
export const FLAG_CWR = 1 << 25
/** There is urgent data that was not read yet. */
export const FLAG_URGENT = 1 << 29
/** NewReno was chosen where CUBIC is the default. */
export const FLAG_RENO = 1 << 26

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

/** RFC 9293, 3.3.2: CLOSED … TIME_WAIT, 0 … 10. */
export const stateOf = (m: Arena, t: Tcb): number => m.get8(t + STATE)

/** Puts a connection into a state of RFC 9293, 3.3.2, and raises Event.State. */
export function enterState(m: Arena, t: Tcb, state: number): void {
  m.put8(t + STATE, state)
  raise(m, t, Event.State)
}

/** Bytes sent and not acknowledged, SYN and FIN counted: FlightSize of RFC 5681. */
export const flightSize = (m: Arena, t: Tcb): number => (m.get32(t + SND_MAX) - m.get32(t + SND_UNA)) | 0
