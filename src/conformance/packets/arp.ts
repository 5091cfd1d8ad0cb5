/** ARP, RFC 826. */
import { type Fields, LINK_WORDS, parseFields, type Words, wrong } from '../notation.ts'
import { get16, macBytes, macText, u16 } from './bytes.ts'
import { addressBytes, addressText, ETHERTYPE_IPV4 } from './ipv4.ts'
import { numberIn, type Protocol, type Seen, type Sending } from './protocol.ts'

export interface ArpPacket {
  readonly kind: 'arp'
  readonly operation: 'who-has' | 'is-at'
  /** Who is asked for, or who answers. */
  readonly subject: string
  /** Who asks, or who is answered. */
  readonly other: string
  /** The answer's MAC address. */
  readonly mac: string | undefined
  readonly fields: Fields
}

const ARP_WORDS: Words = { ...LINK_WORDS, mac: 'word', hardware: 'number', operation: 'number' }

/** 'who-has A tell B', 'A is-at MAC to B' */
function parse(tokens: readonly string[]): ArpPacket {
  const [a = '', b = '', c = '', d = '', e = ''] = tokens
  if (a === 'who-has' && c === 'tell')
    return {
      kind: 'arp',
      operation: a,
      subject: b,
      other: d,
      mac: undefined,
      fields: parseFields(tokens.slice(4), ARP_WORDS),
    }
  if (b === 'is-at' && d === 'to')
    return {
      kind: 'arp',
      operation: b,
      subject: a,
      other: e,
      mac: c,
      fields: parseFields(tokens.slice(5), ARP_WORDS),
    }
  return wrong(
    "ARP is written like 'who-has 192.0.2.1 tell 192.0.2.2' or '192.0.2.1 is-at 02:00:00:00:00:01 to 192.0.2.2'.",
  )
}

function encode(packet: ArpPacket, { ends }: Sending): number[] {
  const asks = packet.operation === 'who-has'
  const [senderIp, targetIp] = asks ? [packet.other, packet.subject] : [packet.subject, packet.other]
  const sender = packet.fields.get('mac') ?? packet.mac ?? ends.peerMac
  return [
    ...u16(numberIn(packet, 'hardware') ?? 1),
    ...u16(ETHERTYPE_IPV4),
    6,
    4,
    ...u16(numberIn(packet, 'operation') ?? (asks ? 1 : 2)),
    ...macBytes(sender),
    ...addressBytes(senderIp),
    ...macBytes(asks ? '0:0:0:0:0:0' : ends.hostMac),
    ...addressBytes(targetIp),
  ]
}

function decode(arp: number[], { fields }: Seen): ArpPacket {
  const asks = get16(arp, 6) === 1
  const [sender, target] = [addressText(arp.slice(14, 18)), addressText(arp.slice(24, 28))]
  fields.set('operation', String(get16(arp, 6)))
  fields.set('mac', macText(arp, 8))
  return {
    kind: 'arp',
    operation: asks ? 'who-has' : 'is-at',
    subject: asks ? target : sender,
    other: asks ? sender : target,
    mac: asks ? undefined : macText(arp, 8),
    fields,
  }
}

export const arp: Protocol<ArpPacket> = {
  etherType: 0x0806,
  parse,
  head: packet =>
    packet.operation === 'who-has'
      ? `arp who-has ${packet.subject} tell ${packet.other}`
      : `arp ${packet.subject} is-at ${packet.mac} to ${packet.other}`,
  encode,
  decode,
}
