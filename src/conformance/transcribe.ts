/**
 * Frames that a host has met, as lines of a script. A line is as short as it can be: what the runner would make of it is the frame
 * that came, but for what the peer says and where its numbers begin, which are the script's own. What no notation gives
 * exactly stands there byte by byte.
 */
import { Conversations } from './conversations.ts'
import { checksum, get16, get32, macText, text, u16, u32 } from './packets/bytes.ts'
import { decodePacket, encodePacket } from './packets/codec.ts'
import { HEARD_NOTHING } from './packets/heard.ts'
import { formatPacket, type Packet, parsePacket } from './packets/packet.ts'
import type { Ends } from './packets/protocol.ts'
import { FLAGS, type TcpPacket } from './packets/tcp.ts'
import { decodeOptions } from './packets/tcp-options.ts'

const ETHERNET = 14
const TCP = 6
const SYN = 2

const flagsOf = (bits: number): string =>
  FLAGS.filter(([, bit]) => (bits & bit) !== 0)
    .map(([letter]) => letter)
    .join('') || '-'

/** Where a frame's TCP segment is, and between whom. */
interface Segment {
  readonly at: number
  readonly end: number
  readonly from: string
  readonly to: string
  readonly pseudo: number[]
}

/** No connection: what is read by these numbers is thrown away. */
const NOBODY = { peerAddress: '', peerPort: 0, hostPort: 0, hostIss: 0, peerIss: 0, stamp: 0 }

const dotted = (bytes: Uint8Array, at: number): string => [...bytes.subarray(at, at + 4)].join('.')

/** Of IPv4, whole, and with a checksum that is right. */
function segmentIn(frame: Uint8Array): Segment | undefined {
  const isWhole = frame[12] === 8 && frame[13] === 0 && (get16(frame, 20) & 0x3fff) === 0
  if (!isWhole || frame[14] !== 0x45 || frame[23] !== TCP) return undefined
  const [at, end] = [ETHERNET + 20, ETHERNET + get16(frame, 16)]
  if (end > frame.length || end - at < 20) return undefined
  const pseudo = [...frame.subarray(26, 34), 0, TCP, ...u16(end - at)]
  if (checksum([...pseudo, ...frame.subarray(at, end)]) !== 0) return undefined
  return { at, end, from: dotted(frame, 26), to: dotted(frame, 30), pseudo }
}

export class Transcriber {
  private readonly conversations: Conversations
  /** The first number that each peer's flow was seen with: a script's peer counts from its own. */
  private readonly begins = new Map<string, number>()
  private readonly iss: number
  private readonly window: number
  private readonly ends: (link: number) => Ends

  constructor(peer: string, iss: number, window: number, ends: (link: number) => Ends) {
    this.iss = iss
    this.window = window
    this.ends = ends
    this.conversations = new Conversations(peer, iss)
  }

  /** A frame that the host has sent: its numbers are what the peer's are about. As a script would write it; '' where none can. */
  said(frame: Uint8Array): string {
    const segment = segmentIn(frame)
    if (segment !== undefined) return this.spoken(frame, segment)
    try {
      const packet = decodePacket(frame, () => NOBODY)
      return formatPacket(packet, [])
    } catch {
      return ''
    }
  }

  private spoken(frame: Uint8Array, { at, end, to }: Segment): string {
    const flow = { address: to, port: get16(frame, at + 2), hostPort: get16(frame, at) }
    const bits = frame[at + 13] ?? 0
    const numbers = this.conversations.of(flow)
    if ((bits & SYN) !== 0) numbers.hostIss = get32(frame, at + 4)
    const from = (get32(frame, at + 4) - numbers.hostIss) | 0
    const header = ((frame[at + 12] ?? 0) >> 4) * 4
    const first = this.begins.get(`${to}:${flow.port}>${flow.hostPort}`) ?? this.iss
    const fields = new Map([['win', String(get16(frame, at + 14))]])
    if ((bits & 16) !== 0) fields.set('ack', String((get32(frame, at + 8) - first) | 0))
    return formatPacket({
      kind: 'tcp',
      flow,
      flags: flagsOf(bits),
      from,
      to: from + end - at - header,
      options: undefined,
      message: undefined,
      fields,
    })
  }

  /** A frame that came to the host. */
  heard(frame: Uint8Array, link: number): string {
    const segment = segmentIn(frame)
    const wanted = segment === undefined ? frame : this.ownText(frame, segment)
    for (const packet of [segment && this.segment(frame, segment), this.plain(wanted)]) {
      const line = packet && this.shortest(packet, wanted, link)
      if (line !== undefined) return line
    }
    return this.whole(
      { kind: 'raw', etherType: get16(frame, 12), bytes: [...frame.subarray(14)], fields: this.macs(frame) },
      link,
    )
  }

  private macs(frame: Uint8Array): Map<string, string> {
    return new Map([
      ['link-to', macText(frame, 0)],
      ['link-from', macText(frame, 6)],
    ])
  }

  /** The first number of the script's peer of this flow, less that of the peer that was. */
  private shift(frame: Uint8Array, { at, from }: Segment): number {
    const key = `${from}:${get16(frame, at)}>${get16(frame, at + 2)}`
    const first = this.begins.get(key) ?? get32(frame, at + 4)
    this.begins.set(key, first)
    return (this.iss - first) | 0
  }

  /** The frame as it would be if the peer spoke as a script's does. */
  private ownText(frame: Uint8Array, segment: Segment): Uint8Array {
    const { at, end, pseudo } = segment
    const bytes = frame.slice()
    const seq = (get32(frame, at + 4) + this.shift(frame, segment)) | 0
    const body = at + ((frame[at + 12] ?? 0) >> 4) * 4
    const isSyn = ((frame[at + 13] ?? 0) & SYN) !== 0
    bytes.set(u32(seq), at + 4)
    bytes.set(text('peer', ((seq - this.iss) | 0) - (isSyn ? 0 : 1), end - body), body)
    bytes.set([0, 0], at + 16)
    bytes.set(u16(checksum([...pseudo, ...bytes.subarray(at, end)])), at + 16)
    return bytes
  }

  private segment(frame: Uint8Array, segment: Segment): TcpPacket {
    const { at, end, from, to } = segment
    const flow = { address: from, port: get16(frame, at), hostPort: get16(frame, at + 2) }
    const numbers = this.conversations.of(flow)
    const header = ((frame[at + 12] ?? 0) >> 4) * 4
    const bits = frame[at + 13] ?? 0
    const first = (get32(frame, at + 4) + this.shift(frame, segment) - this.iss) | 0
    const fields = new Map<string, string>()
    if ((bits & 16) !== 0) fields.set('ack', String((get32(frame, at + 8) - numbers.hostIss) | 0))
    fields.set('win', String(get16(frame, at + 14)))
    fields.set('urg', String(get16(frame, at + 18)))
    for (const [word, value] of this.ip(frame)) fields.set(word, value)
    fields.set('to', to)
    const mirrored = { ...numbers, peerIss: numbers.hostIss }
    return {
      kind: 'tcp',
      flow,
      flags: flagsOf(bits),
      from: first,
      to: first + end - at - header,
      options: header > 20 ? decodeOptions([...frame.subarray(at + 20, at + header)], mirrored) : undefined,
      message: undefined,
      fields,
    }
  }

  private ip(frame: Uint8Array): [string, string][] {
    const df: [string, string][] = (get16(frame, 20) & 0x4000) === 0 ? [] : [['df', '']]
    return [
      ['ttl', String(frame[22])],
      ['tos', String(frame[15])],
      ['id', String(get16(frame, 18))],
      ...df,
      ...this.macs(frame),
    ]
  }

  /** Any other protocol, as if it were the host's own. */
  private plain(frame: Uint8Array): Packet | undefined {
    try {
      return decodePacket(frame, () => NOBODY)
    } catch {
      return undefined
    }
  }

  /** The packet with no more words than it takes to get this frame; undefined when it takes more than there are. */
  private shortest(packet: Packet, frame: Uint8Array, link: number): string | undefined {
    if (!this.gives(packet, frame, link)) return undefined
    let least = packet
    for (const word of packet.fields.keys()) {
      const fields = new Map(least.fields)
      fields.delete(word)
      const tried = { ...least, fields } as Packet
      if (this.gives(tried, frame, link)) least = tried
    }
    return this.whole(least, link)
  }

  private whole(packet: Packet, link: number): string {
    const on: [string, string][] = link === 0 ? [] : [['on', String(link)]]
    return formatPacket({ ...packet, fields: new Map([...packet.fields, ...on]) } as Packet)
  }

  private gives(packet: Packet, frame: Uint8Array, link: number): boolean {
    try {
      const read = parsePacket(this.whole(packet, link))
      const numbers = read.kind === 'tcp' ? this.conversations.of(read.flow) : this.conversations.spokenOf()
      const bytes = encodePacket(read, this.ends(link), numbers, this.window, HEARD_NOTHING)
      return bytes.length === frame.length && bytes.every((byte, i) => byte === frame[i])
    } catch {
      // A NotationError, or what nobody can write: then not in these words.
      return false
    }
  }
}
