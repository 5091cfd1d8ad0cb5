/** What a page's capture says of a connection to one of its ports: where its text begins, and how far it was acknowledged. */
import type { Page } from '@playwright/test'
import { readPcapng } from '../src/link/pcapng.ts'
import { ETH_HEADER, ETH_TYPE, ETHERTYPE_IPV4 } from '../src/stack/wire/ethernet.ts'
import { IP_PROTOCOL, ipv4HeaderLength, PROTOCOL_TCP } from '../src/stack/wire/ipv4.ts'
import {
  ACK,
  SYN,
  TCP_ACKNOWLEDGMENT,
  TCP_DESTINATION_PORT,
  TCP_FLAGS,
  TCP_SEQUENCE,
  TCP_SOURCE_PORT,
} from '../src/stack/wire/tcp.ts'
import { exportCapture } from './pages.ts'

interface Segment {
  readonly from: number
  readonly to: number
  readonly flags: number
  readonly sequence: number
  readonly acknowledgment: number
}

/** The TCP segments over IPv4 that the page still has, the oldest first. */
async function segments(page: Page): Promise<Segment[]> {
  return readPcapng(await exportCapture(page)).packets.flatMap(({ bytes }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (view.getUint16(ETH_TYPE) !== ETHERTYPE_IPV4) return []
    if (view.getUint8(ETH_HEADER + IP_PROTOCOL) !== PROTOCOL_TCP) return []
    const at = ETH_HEADER + ipv4HeaderLength(view, ETH_HEADER)
    return {
      from: view.getUint16(at + TCP_SOURCE_PORT),
      to: view.getUint16(at + TCP_DESTINATION_PORT),
      flags: view.getUint8(at + TCP_FLAGS),
      sequence: view.getUint32(at + TCP_SEQUENCE),
      acknowledgment: view.getUint32(at + TCP_ACKNOWLEDGMENT),
    }
  })
}

/** The sequence number of the first byte of the connection that was last opened to a port. */
export async function firstByte(page: Page, port: number): Promise<number> {
  const syn = (await segments(page)).findLast(({ to, flags }) => to === port && (flags & SYN) !== 0)
  if (syn === undefined) throw new Error(`The capture has no SYN to port ${port}.`)
  return (syn.sequence + 1) >>> 0
}

/** The last acknowledgment that a port has sent: they only grow. */
export async function highestAck(page: Page, port: number): Promise<number> {
  const last = (await segments(page)).findLast(({ from, flags }) => from === port && (flags & ACK) !== 0)
  if (last === undefined) throw new Error(`The capture has no acknowledgment of port ${port}.`)
  return last.acknowledgment
}
