/**
 * Frames written and read the plain way, byte by byte, without the stack's own code: a second opinion in tests.
 */

export const HOST_MAC = [2, 0, 0, 0, 0, 1]
export const PEER_MAC = [2, 0, 0, 0, 0, 2]
export const HOST_IP = [10, 0, 0, 1]
export const PEER_IP = [10, 0, 0, 2]
export const BROADCAST_MAC = [255, 255, 255, 255, 255, 255]

export const u16 = (n: number): number[] => [(n >>> 8) & 255, n & 255]
export const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n)]
const get16 = (bytes: ArrayLike<number>, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
const get32 = (bytes: ArrayLike<number>, at: number): number =>
  get16(bytes, at) * 65536 + get16(bytes, at + 2)

/** RFC 1071, 4.1, as it stands there. */
export function checksum(bytes: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += get16(bytes, i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

export const ethernet = (to: number[], from: number[], type: number, payload: number[]): Uint8Array =>
  Uint8Array.from([...to, ...from, ...u16(type), ...payload])

export interface Ipv4Fields {
  readonly from?: number[]
  readonly to?: number[]
  readonly ttl?: number
  readonly id?: number
  readonly fragment?: number
  readonly options?: number[]
  readonly tos?: number
}

export function ipv4(protocol: number, payload: number[], fields: Ipv4Fields = {}): number[] {
  const { from = PEER_IP, to = HOST_IP, ttl = 64, id = 1, fragment = 0, options = [], tos = 0 } = fields
  const words = 5 + options.length / 4
  const header = [
    0x40 | words,
    tos,
    ...u16(words * 4 + payload.length),
    ...u16(id),
    ...u16(fragment),
    ttl,
    protocol,
    0,
    0,
    ...from,
    ...to,
    ...options,
  ]
  header.splice(10, 2, ...u16(checksum(header)))
  return [...header, ...payload]
}

const pseudo = (protocol: number, length: number, from: number[], to: number[]): number[] => [
  ...from,
  ...to,
  0,
  protocol,
  ...u16(length),
]

export function udp(
  from: number,
  to: number,
  data: number[],
  source = PEER_IP,
  destination = HOST_IP,
): number[] {
  const packet = [...u16(from), ...u16(to), ...u16(8 + data.length), 0, 0, ...data]
  packet.splice(
    6,
    2,
    ...u16(checksum([...pseudo(17, packet.length, source, destination), ...packet]) || 0xffff),
  )
  return packet
}

export function icmp(type: number, code: number, rest: number[]): number[] {
  const packet = [type, code, 0, 0, ...rest]
  packet.splice(2, 2, ...u16(checksum(packet)))
  return packet
}

export interface Arp {
  readonly operation: number
  readonly senderMac: number[]
  readonly senderIp: number[]
  readonly targetMac: number[]
  readonly targetIp: number[]
}

export const arp = (a: Arp): number[] => [
  ...u16(1),
  ...u16(0x0800),
  6,
  4,
  ...u16(a.operation),
  ...a.senderMac,
  ...a.senderIp,
  ...a.targetMac,
  ...a.targetIp,
]

export function readArp(frame: Uint8Array): Arp | undefined {
  if (get16(frame, 12) !== 0x0806) return undefined
  return {
    operation: get16(frame, 20),
    senderMac: [...frame.slice(22, 28)],
    senderIp: [...frame.slice(28, 32)],
    targetMac: [...frame.slice(32, 38)],
    targetIp: [...frame.slice(38, 42)],
  }
}

export interface Tcp {
  readonly from: number
  readonly to: number
  readonly seq: number
  readonly ack: number
  readonly flags: number
  readonly window: number
  readonly options: number[]
  readonly data: number[]
}

export function tcp(t: Tcp, source = PEER_IP, destination = HOST_IP): number[] {
  const options = [...t.options]
  while (options.length % 4 !== 0) options.push(1)
  const packet = [
    ...u16(t.from),
    ...u16(t.to),
    ...u32(t.seq),
    ...u32(t.ack),
    (5 + options.length / 4) << 4,
    t.flags,
    ...u16(t.window),
    0,
    0,
    0,
    0,
    ...options,
    ...t.data,
  ]
  packet.splice(16, 2, ...u16(checksum([...pseudo(6, packet.length, source, destination), ...packet])))
  return packet
}

/** The TCP segment in a frame; undefined when it holds none. Throws when a checksum or a length is wrong. */
export function readTcp(frame: Uint8Array): Tcp | undefined {
  if (get16(frame, 12) !== 0x0800 || frame[23] !== 6) return undefined
  const ip = [...frame.slice(14)]
  if (get16(ip, 2) !== ip.length) throw new Error(`IP says ${get16(ip, 2)} bytes, the frame has ${ip.length}`)
  if (checksum(ip.slice(0, 20)) !== 0) throw new Error('bad IP checksum')
  const segment = ip.slice(20)
  if (checksum([...pseudo(6, segment.length, ip.slice(12, 16), ip.slice(16, 20)), ...segment]) !== 0) {
    throw new Error('bad TCP checksum')
  }
  const header = ((segment[12] ?? 0) >> 4) * 4
  return {
    from: get16(segment, 0),
    to: get16(segment, 2),
    seq: get32(segment, 4),
    ack: get32(segment, 8),
    flags: segment[13] ?? 0,
    window: get16(segment, 14),
    options: segment.slice(20, header),
    data: segment.slice(header),
  }
}
