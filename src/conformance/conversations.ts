/** Who speaks with whom in a script: every flow has its numbers, from which those of its segments are counted. */
import type { Packet } from './packets/packet.ts'
import type { RawNumbers } from './packets/protocol.ts'
import type { Flow } from './packets/tcp.ts'

export const PEER_PORT = 4000
export const HOST_PORT = 7

export interface Conversation {
  readonly peerAddress: string
  readonly peerPort: number
  hostPort: number
  hostIss: number
  readonly peerIss: number
  /** The host's timestamp as it was last seen. */
  stamp: number
}

export class Conversations {
  private readonly known = new Map<string, Conversation>()
  private first: Flow = { address: undefined, port: PEER_PORT, hostPort: HOST_PORT }

  constructor(
    private readonly peer: string,
    private readonly peerIss: number,
  ) {}

  /** The host begins a connection: the script's first flow, if there is none. */
  connecting(address: string, port: number): void {
    if (this.known.size === 0) this.first = { address, port, hostPort: undefined }
  }

  /** Those who have spoken with the host. */
  *peers(): Iterable<string> {
    for (const { peerAddress } of this.known.values()) yield peerAddress
  }

  /** A flow's numbers, the first flow's if undefined; a flow that is new begins with none of the host's. */
  of(flow: Flow | undefined): Conversation {
    const { address = this.peer, port, hostPort } = flow ?? this.first
    const key = `${address}:${port}${hostPort === undefined || hostPort === HOST_PORT ? '' : `>${hostPort}`}`
    const found = this.known.get(key) ?? this.begin(address, port, hostPort)
    this.known.set(key, found)
    return found
  }

  /** What a packet of no connection may be about: the first flow, which it does not begin. */
  spokenOf(): Conversation {
    const [first] = this.known.values()
    return first ?? this.begin(this.peer, PEER_PORT, HOST_PORT)
  }

  private begin(peerAddress: string, peerPort: number, hostPort = HOST_PORT): Conversation {
    return { peerAddress, peerPort, hostPort, hostIss: 0, peerIss: this.peerIss, stamp: 0 }
  }

  /** A segment of the host's, before its numbers are read: a SYN brings its flow's. */
  ofSegment(raw: RawNumbers): Conversation {
    const found = this.find(raw)
    if ((raw.flags & 2) !== 0) found.hostIss = raw.seq
    return found
  }

  private find(raw: RawNumbers): Conversation {
    for (const one of this.known.values())
      if (
        one.peerAddress === raw.peerAddress &&
        one.peerPort === raw.peerPort &&
        one.hostPort === raw.hostPort
      )
        return one
    const found = this.of({ address: raw.peerAddress, port: raw.peerPort, hostPort: undefined })
    found.hostPort = raw.hostPort
    return found
  }

  /** A packet of the host's as a script writes it: its flow is named where it is not the script's first. */
  seen(packet: Packet): Packet {
    if (packet.kind !== 'tcp' || packet.flow === undefined) return packet
    const stamp = packet.options?.find(option => option.name === 'TS')
    const numbers = this.of({ ...packet.flow, hostPort: undefined })
    if (stamp?.name === 'TS' && typeof stamp.value === 'number') numbers.stamp = stamp.value
    return { ...packet, flow: numbers === this.of(undefined) ? undefined : packet.flow }
  }

  stampOf(packet: Packet): number {
    return packet.kind === 'tcp' ? this.of(packet.flow).stamp : 0
  }

  /** Whom a packet goes to: two of one flow give the same text. */
  flowText(packet: Packet): string {
    if (packet.kind !== 'tcp') return ''
    const { peerAddress, peerPort } = this.of(packet.flow && { ...packet.flow, hostPort: undefined })
    return `${peerAddress}:${peerPort}`
  }
}
