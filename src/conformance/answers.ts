/**
 * What the peer answers by itself, so that scripts need not say it: who asks for a MAC address is told the peer's. What a
 * host says to keep IPv6 going (the test of an address, its groups, its calls for routers) is heard, and not shown.
 */
import { decodePacket, encodePacket } from './packets/codec.ts'
import type { Packet } from './packets/packet.ts'
import type { Ends } from './packets/protocol.ts'

const isArp = (frame: Uint8Array): boolean => frame[12] === 0x08 && frame[13] === 0x06
/** IPv6, and ICMPv6 at once or behind a hop-by-hop header. */
const mayBeNd = (frame: Uint8Array): boolean =>
  frame[12] === 0x86 && frame[13] === 0xdd && (frame[20] === 58 || frame[20] === 0)

/** No connection: questions and answers have no numbers that count from one. */
const NOBODY = { peerAddress: '', peerPort: 0, hostPort: 0, hostIss: 0, peerIss: 0, stamp: 0 }

/** The answer's frame; 'silence' to what is not answered and not shown, undefined to what the script sees. */
export function answerTo(
  frame: Uint8Array,
  ends: Ends,
  answering: { readonly arp: boolean; readonly nd: boolean },
): Uint8Array | 'silence' | undefined {
  if (answering.arp && isArp(frame)) return answerArp(frame, ends)
  return answering.nd && mayBeNd(frame) ? answerNd(frame, ends) : undefined
}

function answerArp(question: Uint8Array, ends: Ends): Uint8Array | 'silence' {
  const asked = decodePacket(question, () => NOBODY)
  if (asked.kind !== 'arp' || asked.operation !== 'who-has') return 'silence'
  // A host that asks for itself asks whether the address is free.
  if (asked.other === '0.0.0.0' || asked.other === asked.subject) return 'silence'
  const answer: Packet = { ...asked, operation: 'is-at', mac: ends.peerMac, fields: new Map() }
  return encodePacket(answer, ends, NOBODY, 0)
}

function answerNd(frame: Uint8Array, ends: Ends): Uint8Array | 'silence' | undefined {
  const said = decodePacket(frame, () => NOBODY)
  if (said.kind === 'mld') return 'silence'
  if (said.kind !== 'nd' || said.message === 'advertise') return undefined
  const asker = said.fields.get('from') ?? '::'
  if (said.message !== 'solicit' || asker === '::') return 'silence'
  const answer: Packet = {
    kind: 'nd',
    message: 'advertise',
    target: said.target,
    hop: '',
    flags: said.target === ends.router ? 'RSO' : 'SO',
    options: [{ name: 'target', mac: said.target === ends.router ? ends.routerMac : ends.peerMac }],
    fields: new Map([['to', asker]]),
  }
  return encodePacket(answer, ends, NOBODY, 0)
}
