/** IPv4, RFC 791, the plain way: its header around a payload, right in all fields but those that a test wants wrong. */
import { NotationError } from './packet.ts'

export const u16 = (n: number): number[] => [(n >>> 8) & 255, n & 255]
export const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n)]

/** RFC 1071, 4.1, as it stands there. */
export function checksum(bytes: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

export function addressBytes(text: string): number[] {
  const bytes = text.split('.').map(Number)
  if (bytes.length !== 4 || bytes.some(byte => !(byte >= 0 && byte <= 255)))
    throw new NotationError(`'${text}' is not an IPv4 address.`)
  return bytes
}

export const addressText = (bytes: readonly number[]): string => bytes.join('.')

/** What the transports' checksums cover beside themselves (RFC 9293, 3.1). */
export const pseudoHeader = (from: number[], to: number[], protocol: number, length: number): number[] => [
  ...from,
  ...to,
  0,
  protocol,
  ...u16(length),
]

export interface Ipv4 {
  readonly from: number[]
  readonly to: number[]
  readonly payload: number[]
  readonly protocol: number
  readonly ttl?: number
  readonly tos?: number
  readonly id?: number
  readonly dontFragment?: boolean
  readonly moreFragments?: boolean
  /** Of a fragment, bytes. */
  readonly offset?: number
  readonly options?: number[]
  readonly version?: number
  /** In words; what it is if undefined. */
  readonly headerLength?: number | undefined
  readonly totalLength?: number | undefined
  readonly badChecksum?: boolean
}

export function ipv4Packet(p: Ipv4): number[] {
  const options = p.options ?? []
  const words = 5 + options.length / 4
  const flags = (p.dontFragment ? 0x4000 : 0) | (p.moreFragments ? 0x2000 : 0)
  const header = [
    ((p.version ?? 4) << 4) | (p.headerLength ?? words),
    p.tos ?? 0,
    ...u16(p.totalLength ?? words * 4 + p.payload.length),
    ...u16(p.id ?? 1),
    ...u16(flags | ((p.offset ?? 0) >> 3)),
    p.ttl ?? 64,
    p.protocol,
    0,
    0,
    ...p.from,
    ...p.to,
    ...options,
  ]
  header.splice(10, 2, ...u16(checksum(header) ^ (p.badChecksum ? 0x5555 : 0)))
  return [...header, ...p.payload]
}
