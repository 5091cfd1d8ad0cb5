/** DHCP messages written and read the plain way, byte by byte, without the stack's own code: a second opinion in tests. */
import { BROADCAST_MAC, ethernet, HOST_MAC, ipv4, PEER_IP, PEER_MAC, u16, u32, udp } from './raw.ts'

export const TYPES = ['', 'DISCOVER', 'OFFER', 'REQUEST', 'DECLINE', 'ACK', 'NAK', 'RELEASE', 'INFORM']

export interface DhcpMessage {
  readonly op: number
  readonly xid: number
  readonly flags: number
  readonly ciaddr: string
  readonly yiaddr: string
  readonly giaddr: string
  readonly chaddr: number[]
  readonly options: ReadonlyMap<number, number[]>
  /** By option 53. */
  readonly type: string
  /** The datagram's. */
  readonly from: string
  readonly to: string
}

export const octets = (text: string): number[] => text.split('.').map(Number)
export const dotted = (bytes: ArrayLike<number>): string => Array.from(bytes).join('.')

export interface DhcpFields {
  readonly op?: number
  readonly type?: string
  readonly xid?: number
  readonly flags?: number
  readonly ciaddr?: string
  readonly yiaddr?: string
  readonly giaddr?: string
  readonly chaddr?: number[]
  readonly sname?: number[]
  readonly file?: number[]
  readonly options?: readonly (readonly [code: number, bytes: readonly number[]])[]
}

const filled = (bytes: readonly number[], length: number): number[] =>
  Array.from({ length }, (_, i) => bytes[i] ?? 0)

export function dhcpBytes(d: DhcpFields): number[] {
  const { op = 2, xid = 0, flags = 0x8000, chaddr = HOST_MAC, options = [] } = d
  const addresses = [d.ciaddr, d.yiaddr, undefined, d.giaddr].flatMap(text => octets(text ?? '0.0.0.0'))
  const type = TYPES.indexOf(d.type ?? 'OFFER')
  return [
    op,
    1,
    6,
    0,
    ...u32(xid),
    ...u16(0),
    ...u16(flags),
    ...addresses,
    ...filled(chaddr, 16),
    ...filled(d.sname ?? [], 64),
    ...filled(d.file ?? [], 128),
    99,
    130,
    83,
    99,
    53,
    1,
    type,
    ...options.flatMap(([code, bytes]) => [code, bytes.length, ...bytes]),
    255,
  ]
}

/** From the peer's port 67 to everybody's 68. */
export function dhcpFrame(d: DhcpFields, from = PEER_IP, to = [255, 255, 255, 255]): Uint8Array {
  const payload = udp(67, 68, dhcpBytes(d), from, to)
  return ethernet(BROADCAST_MAC, PEER_MAC, 0x0800, ipv4(17, payload, { from, to }))
}

/** The DHCP message in a frame; undefined when it holds none. */
export function readDhcp(frame: Uint8Array): DhcpMessage | undefined {
  if (frame[12] !== 8 || frame[13] !== 0 || frame[23] !== 17) return undefined
  const port = (at: number) => (frame[at] ?? 0) * 256 + (frame[at + 1] ?? 0)
  if (![67, 68].includes(port(36)) || ![67, 68].includes(port(34))) return undefined
  const d = frame.subarray(42)
  const word = (at: number) => [...d.subarray(at, at + 4)]
  const options = new Map<number, number[]>()
  for (let at = 240; at < d.length && d[at] !== 255; ) {
    const code = d[at] ?? 0
    const length = d[at + 1] ?? 0
    options.set(code, [...d.subarray(at + 2, at + 2 + length)])
    at += 2 + length
  }
  return {
    op: d[0] ?? 0,
    xid: word(4).reduce((sum, byte) => sum * 256 + byte, 0),
    flags: port(52),
    ciaddr: dotted(word(12)),
    yiaddr: dotted(word(16)),
    giaddr: dotted(word(24)),
    chaddr: [...d.subarray(28, 34)],
    options,
    type: TYPES[options.get(53)?.[0] ?? 0] ?? '?',
    from: dotted(frame.subarray(26, 30)),
    to: dotted(frame.subarray(30, 34)),
  }
}
