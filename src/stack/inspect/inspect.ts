/**
 * Reading a host from outside: everything the page shows of a host is read from its arena, by the record layouts
 * of src/stack and without the stack's help. A profile that lacks INET_DIAG still shows its connections here, and
 * a copied arena can be read like a core dump. Nothing here is part of a profile.
 */

/** RFC 9293, 3.3.2: the states by their names. */
export type TcpState =
  | 'CLOSED'
  | 'LISTEN'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'

/** One TCP connection or listener as it stands in the arena. Sequence numbers are unsigned 32-bit, windows in bytes. */
export interface ConnectionRecord {
  /** The socket's handle. */
  readonly socket: number
  readonly state: TcpState
  /** Dotted decimal. */
  readonly localAddress: string
  readonly localPort: number
  /** '0.0.0.0' and 0 for a listener. */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly iss: number
  readonly irs: number
  readonly sndUna: number
  readonly sndNxt: number
  readonly sndWnd: number
  readonly rcvNxt: number
  readonly rcvWnd: number
  /** The largest segment we may send, bytes of data (RFC 9293, 3.7.1). */
  readonly mss: number
  readonly cwnd: number
  /** Infinity until the first loss (RFC 5681, 3.1: "arbitrarily high"). */
  readonly ssthresh: number
  /** Milliseconds; undefined before the first measurement. */
  readonly srtt: number | undefined
  readonly rttvar: number | undefined
  /** Milliseconds. */
  readonly rto: number
  /** Which of the exclusive timers runs, and when it fires on the host's clock (ms). */
  readonly timer: 'none' | 'retransmission' | 'persist' | 'time-wait' | 'fin-wait-2' | 'keepalive'
  readonly timerAt: number | undefined
  /** When the delayed ACK is due, if one is owed. */
  readonly delayedAckAt: number | undefined
  /** Consecutive retransmissions of the same data. */
  readonly retransmits: number
  readonly duplicateAcks: number
  /** Whether fast recovery is on (RFC 6582). */
  readonly recovering: boolean
  /** Bytes that wait to be sent or acknowledged, to be read, or to be put in order. */
  readonly sendQueued: number
  readonly receiveQueued: number
  readonly outOfOrder: number
}

/** RFC 826 neighbours. */
export interface NeighbourRecord {
  readonly address: string
  readonly mac: string
  readonly state: 'incomplete' | 'reachable' | 'stale'
}

/** Who holds a page of the arena: its pool's name, for a map. */
export interface PageOwner {
  readonly pool: string
}
