/** When a host would choose a wanted initial sequence number, for a script about numbers that wrap. */
import type { Socket, Stack } from '../stack/stack.ts'
import { HOST_PORT, PEER_PORT } from './conversations.ts'
import { decodePacket, encodePacket } from './packets/codec.ts'
import { type Packet, parsePacket } from './packets/packet.ts'
import type { Ends } from './packets/protocol.ts'

/**
 * How long until then, ms: a copy of the host is asked for the number that it would choose now, and RFC 6528's clock
 * ticks 250 times a millisecond.
 */
export function untilIss(copy: Stack, ends: Ends, now: number, wanted: number): number {
  const listener = copy.socket(6) as Socket
  copy.bind(listener, 0, HOST_PORT)
  copy.listen(listener, 1)
  const numbers = {
    peerAddress: ends.peer,
    peerPort: PEER_PORT,
    hostPort: HOST_PORT,
    hostIss: 0,
    peerIss: 0,
    stamp: 0,
  }
  let iss = 0
  const take = (bytes: Uint8Array): boolean => {
    decodePacket(bytes, raw => {
      iss = raw.seq
      return numbers
    })
    return true
  }
  const tell = (packet: Packet): void => {
    copy.input(encodePacket(packet, ends, numbers, 1000), now)
    copy.output(take)
  }
  tell(parsePacket('S 0:0(0)'))
  tell(parsePacket(`arp ${ends.peer} is-at ${ends.peerMac} to ${ends.host}`))
  return Math.floor(((wanted - iss) >>> 0) / 250)
}
