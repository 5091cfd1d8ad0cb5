/**
 * IPv6 frames written and read the plain way, byte by byte, without the stack's own code: a second opinion in tests.
 */
import { checksum, ethernet, HOST_MAC, PEER_MAC, type Tcp, u16, u32 } from './raw.ts'

/** '2001:db8::1' as 16 numbers. */
export function ip6(text: string): number[] {
  const [head = '', tail] = text.split('::')
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const middle = new Array<number>(8 - front.length - back.length).fill(0)
  return [...front, ...middle, ...back].flatMap(u16)
}

/** The address as eight groups without any shortening. */
export const text6 = (bytes: ArrayLike<number>): string =>
  Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  ).join(':')

export const solicitedNode = (address: number[]): number[] => [
  ...ip6('ff02::1:ff00:0').slice(0, 13),
  ...address.slice(13),
]
export const groupMac = (group: number[]): number[] => [0x33, 0x33, ...group.slice(12)]

export interface Ipv6Fields {
  readonly from: number[]
  readonly to: number[]
  readonly hops?: number
  readonly traffic?: number
  /** Says another payload length than there is. */
  readonly length?: number
}

/** `next`: the number of what the payload begins with. */
export const ipv6 = (
  next: number,
  payload: number[],
  { from, to, hops = 64, traffic = 0, length }: Ipv6Fields,
): number[] => [
  0x60 | (traffic >> 4),
  (traffic & 15) << 4,
  0,
  0,
  ...u16(length ?? payload.length),
  next,
  hops,
  ...from,
  ...to,
  ...payload,
]

/** A packet to the host, in a frame from the peer; to a group's MAC when it is for a group. */
export const frame6 = (packet: number[], mac = HOST_MAC, source = PEER_MAC): Uint8Array =>
  ethernet(packet[24] === 0xff ? groupMac(packet.slice(24, 40)) : mac, source, 0x86dd, packet)

const pseudo6 = (next: number, length: number, from: number[], to: number[]): number[] => [
  ...from,
  ...to,
  ...u32(length),
  0,
  0,
  0,
  next,
]

/** The bytes with their checksum, which stands at `at`, put right. */
function summed(next: number, bytes: number[], at: number, from: number[], to: number[]): number[] {
  const packet = [...bytes]
  packet.splice(at, 2, 0, 0)
  packet.splice(at, 2, ...u16(checksum([...pseudo6(next, packet.length, from, to), ...packet]) || 0xffff))
  return packet
}

export const icmp6 = (type: number, code: number, rest: number[], from: number[], to: number[]): number[] =>
  summed(58, [type, code, 0, 0, ...rest], 2, from, to)

export const udp6 = (port: number, toPort: number, data: number[], from: number[], to: number[]): number[] =>
  summed(17, [...u16(port), ...u16(toPort), ...u16(8 + data.length), 0, 0, ...data], 6, from, to)

export function tcp6(t: Tcp, from: number[], to: number[]): number[] {
  const options = [...t.options]
  while (options.length % 4 !== 0) options.push(1)
  const header = [
    ...u16(t.from),
    ...u16(t.to),
    ...u32(t.seq),
    ...u32(t.ack),
    (5 + options.length / 4) << 4,
    t.flags,
  ]
  return summed(6, [...header, ...u16(t.window), 0, 0, 0, 0, ...options, ...t.data], 16, from, to)
}

/** Neighbour discovery's option with a link-layer address: 1 the source's, 2 the target's. */
export const macOption = (type: number, mac: number[]): number[] => [type, 1, ...mac]

export interface Prefix {
  readonly prefix: string
  readonly bits?: number
  /** L and A; both by default. */
  readonly flags?: number
  readonly valid?: number
  readonly preferred?: number
}

export const prefixOption = ({
  prefix,
  bits = 64,
  flags = 0xc0,
  valid = 86_400,
  preferred = 14_400,
}: Prefix): number[] => [3, 4, bits, flags, ...u32(valid), ...u32(preferred), ...u32(0), ...ip6(prefix)]

/** The rest of a router advertisement, behind type, code and checksum. */
export const advertisement = (
  options: number[],
  { hops = 0, lifetime = 1800, reachable = 0, retrans = 0 } = {},
): number[] => [hops, 0, ...u16(lifetime), ...u32(reachable), ...u32(retrans), ...options]

/** A fragment header and a piece, `offset` in bytes. */
export const fragment6 = (
  next: number,
  offset: number,
  more: boolean,
  id: number,
  piece: number[],
): number[] => [next, 0, ...u16(offset | (more ? 1 : 0)), ...u32(id), ...piece]

/** An IPv6 packet that a host sent. */
export interface Packet6 {
  readonly mac: number[]
  readonly from: string
  readonly to: string
  readonly hops: number
  /** The traffic class. */
  readonly traffic: number
  readonly next: number
  readonly payload: number[]
  /** ICMPv6: its type, also behind a hop-by-hop header, and the message; -1 and empty otherwise. */
  readonly type: number
  readonly message: number[]
}

/** Reads a frame; undefined when it holds no IPv6. Throws when a length or a checksum is wrong. */
export function readIpv6(frame: Uint8Array): Packet6 | undefined {
  if (frame[12] !== 0x86 || frame[13] !== 0xdd) return undefined
  const packet = [...frame.slice(14)]
  const length = ((packet[4] ?? 0) << 8) | (packet[5] ?? 0)
  if (packet.length !== 40 + length)
    throw new Error(`IPv6 says ${length} bytes, the frame has ${packet.length - 40}`)
  const [from, to] = [packet.slice(8, 24), packet.slice(24, 40)]
  const payload = packet.slice(40)
  let [next, rest] = [packet[6] ?? 0, payload]
  if (next === 0) [next, rest] = [rest[0] ?? 0, rest.slice(((rest[1] ?? 0) + 1) * 8)]
  if ([6, 17, 58].includes(next) && checksum([...pseudo6(next, rest.length, from, to), ...rest]) !== 0)
    throw new Error(`a bad checksum in a packet of protocol ${next}`)
  return {
    mac: [...frame.slice(0, 6)],
    from: text6(from),
    to: text6(to),
    hops: packet[7] ?? 0,
    traffic: (((packet[0] ?? 0) << 4) | ((packet[1] ?? 0) >> 4)) & 0xff,
    next: packet[6] ?? 0,
    payload,
    type: next === 58 ? (rest[0] ?? -1) : -1,
    message: next === 58 ? rest : [],
  }
}
