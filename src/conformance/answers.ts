/** What the peer answers by itself, so that scripts need not say it: who asks for a MAC address is told the peer's. */
import { decodePacket, encodePacket } from './packets/codec.ts'
import type { Packet } from './packets/packet.ts'
import type { Ends } from './packets/protocol.ts'

const isArp = (bytes: Uint8Array): boolean => bytes[12] === 0x08 && bytes[13] === 0x06

/** No connection: questions and answers have no numbers that count from one. */
const NOBODY = { peerAddress: '', peerPort: 0, hostPort: 0, hostIss: 0, peerIss: 0, stamp: 0 }

/** The answer's frame; 'silence' to a question that nobody answers, undefined where nothing was asked. */
export function answerTo(question: Uint8Array, ends: Ends): Uint8Array | 'silence' | undefined {
  if (!isArp(question)) return undefined
  const asked = decodePacket(question, () => NOBODY)
  if (asked.kind !== 'arp' || asked.operation !== 'who-has') return 'silence'
  // A host that asks for itself asks whether the address is free.
  if (asked.other === '0.0.0.0' || asked.other === asked.subject) return 'silence'
  const answer: Packet = { ...asked, operation: 'is-at', mac: ends.peerMac, fields: new Map() }
  return encodePacket(answer, ends, NOBODY, 0)
}
