/**
 * Initial sequence numbers, RFC 6528, 3: ISN = M + F(localip, localport, remoteip, remoteport, secretkey), where M
 * ticks every 4 µs and F is SipHash-2-4 of the four numbers, so that whoever sees his own connections' numbers learns
 * nothing of another's. 64-bit words are kept as pairs of 32-bit halves.
 */
import type { Core } from '../core.ts'
import { ipv6For } from '../ip6/word.ts'
import type { Arena } from '../memory/arena.ts'
import { NOW, SECRET } from '../memory/layout.ts'

/** The ISS of a connection between these ends at the present time: 32 bits, signed. Addresses are words (ip6/word.ts). */
export function initialSequence(
  s: Core,
  localIp: number,
  remoteIp: number,
  localPort: number,
  remotePort: number,
): number {
  const { m } = s
  // Four microseconds are 1/250 ms; from the whole clock, so that M runs through all of its 32 bits.
  const clock = m.view.getFloat64(NOW, true) * 250
  const hash = keyedHash(m, keyOf(s, localIp), keyOf(s, remoteIp), (localPort << 16) | remotePort)
  return (clock + hash) | 0
}

/** An address as a word of what is hashed: an IPv6 one by its own hash, since where it stands changes. */
export const keyOf = (s: Core, address: number): number => ipv6For(s, address)?.digest(s, address) ?? address

/** The state of SipHash: v0 … v3, low halves at even indexes. Filled anew by each call; zero allocation. */
const v = new Int32Array(8)

/** The low 32 bits of SipHash-2-4 over twelve bytes, keyed with the host's secret. */
export function keyedHash(m: Arena, a: number, b: number, c: number): number {
  const k0 = m.get32(SECRET)
  const k1 = m.get32(SECRET + 4)
  const k2 = m.get32(SECRET + 8)
  const k3 = m.get32(SECRET + 12)
  v[0] = k0 ^ 0x70736575
  v[1] = k1 ^ 0x736f6d65
  v[2] = k2 ^ 0x6e646f6d
  v[3] = k3 ^ 0x646f7261
  v[4] = k0 ^ 0x6e657261
  v[5] = k1 ^ 0x6c796765
  v[6] = k2 ^ 0x79746573
  v[7] = k3 ^ 0x74656462
  compress(a, b)
  // The last word: four bytes of message and the length, 12, in its highest byte.
  compress(c, 12 << 24)
  flip(4, 0xff)
  for (let i = 0; i < 4; i++) round()
  return word(0) ^ word(2) ^ word(4) ^ word(6)
}

const word = (i: number): number => v[i] as number
const flip = (i: number, by: number): void => {
  v[i] = word(i) ^ by
}

function compress(low: number, high: number): void {
  flip(6, low)
  flip(7, high)
  round()
  round()
  flip(0, low)
  flip(1, high)
}

function round(): void {
  add(0, 2)
  rotate(2, 13)
  xor(2, 0)
  rotate(0, 32)
  add(4, 6)
  rotate(6, 16)
  xor(6, 4)
  add(0, 6)
  rotate(6, 21)
  xor(6, 0)
  add(4, 2)
  rotate(2, 17)
  xor(2, 4)
  rotate(4, 32)
}

function add(to: number, from: number): void {
  const low = (word(to) >>> 0) + (word(from) >>> 0)
  v[to] = low
  v[to + 1] = word(to + 1) + word(from + 1) + (low > 0xffffffff ? 1 : 0)
}

function xor(to: number, from: number): void {
  flip(to, word(from))
  flip(to + 1, word(from + 1))
}

function rotate(at: number, by: number): void {
  const low = word(at)
  const high = word(at + 1)
  if (by === 32) {
    v[at] = high
    v[at + 1] = low
    return
  }
  v[at] = (low << by) | (high >>> (32 - by))
  v[at + 1] = (high << by) | (low >>> (32 - by))
}
