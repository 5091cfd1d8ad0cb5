/**
 * What passed on a wire, for those who read captures. Of a TCP connection the first frames are kept, none behind a gap: a capture
 * that lacks frames in the middle accuses both ends of what neither did.
 */
import { ETH_HEADER, ETH_TYPE, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../stack/wire/ethernet.ts'
import {
  IP_FRAGMENT,
  IP_FRAGMENT_OFFSET,
  IP_HEADER,
  IP_MORE_FRAGMENTS,
  IP_PROTOCOL,
  PROTOCOL_TCP,
} from '../stack/wire/ipv4.ts'
import { IP6_HEADER, IP6_NEXT_HEADER } from '../stack/wire/ipv6.ts'
import { SYN, TCP_DESTINATION_PORT, TCP_FLAGS, TCP_HEADER, TCP_SOURCE_PORT } from '../stack/wire/tcp.ts'

/** A frame that passed, when (ms since 1970), during which check its connection began, and whether on a wire that lost others. */
export interface Passed {
  readonly at: number
  readonly bytes: Uint8Array
  readonly during: string
  readonly badWire: boolean
}

/** Frames of one connection. */
const CONNECTION_MOST = 1_000
/** Frames in all. */
const MOST = 200_000

export class Tape {
  readonly frames: Passed[] = []
  /** What is under way: the sentence of a check. */
  during = 'the bench is set up'
  /** By the two ports of a connection. */
  readonly #connections = new Map<number, Connection>()

  /** Keeps a copy. */
  keep(frame: Uint8Array, badWire: boolean): void {
    const connection = this.#connectionOf(frame, badWire) ?? { frames: 0, during: this.during, badWire }
    if (this.frames.length >= MOST || connection.frames > CONNECTION_MOST) return
    const at = performance.timeOrigin + performance.now()
    const { during } = connection
    this.frames.push({ at, bytes: frame.slice(), during, badWire: badWire || connection.badWire })
  }

  /** The one more frame is counted. */
  #connectionOf(frame: Uint8Array, badWire: boolean): Connection | undefined {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    const tcp = tcpHeader(view)
    if (tcp === undefined) return undefined
    const ports = [view.getUint16(tcp + TCP_SOURCE_PORT), view.getUint16(tcp + TCP_DESTINATION_PORT)] as const
    const key = Math.min(...ports) * 65_536 + Math.max(...ports)
    const known = this.#connections.get(key)
    const begins = (view.getUint8(tcp + TCP_FLAGS) & SYN) !== 0
    if (known !== undefined && !begins) {
      known.frames++
      return known
    }
    const made = { frames: 1, during: this.during, badWire }
    this.#connections.set(key, made)
    return made
  }
}

interface Connection {
  /** So many have passed. */
  frames: number
  readonly during: string
  readonly badWire: boolean
}

/** Where the TCP header of a frame is; undefined when it has none, or is a fragment. */
function tcpHeader(view: DataView): number | undefined {
  if (view.byteLength < ETH_HEADER + IP_HEADER + TCP_HEADER) return undefined
  const type = view.getUint16(ETH_TYPE)
  if (type === ETHERTYPE_IPV6) {
    const fits = view.byteLength >= ETH_HEADER + IP6_HEADER + TCP_HEADER
    return fits && view.getUint8(ETH_HEADER + IP6_NEXT_HEADER) === PROTOCOL_TCP
      ? ETH_HEADER + IP6_HEADER
      : undefined
  }
  const piece = view.getUint16(ETH_HEADER + IP_FRAGMENT) & (IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET)
  const isTcp = type === ETHERTYPE_IPV4 && view.getUint8(ETH_HEADER + IP_PROTOCOL) === PROTOCOL_TCP
  // Nobody here sends IP options with TCP.
  return isTcp && piece === 0 ? ETH_HEADER + IP_HEADER : undefined
}
