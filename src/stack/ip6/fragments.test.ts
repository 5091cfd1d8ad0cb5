import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { bytes, Dialogue6, PEER6 } from '../testing/dialogue6.ts'
import { fragment6, icmp6, ip6, ipv6, type Packet6, udp6 } from '../testing/raw6.ts'

const PORT = 5
const OTHER = ip6('fe80::3')

/** A host that knows the peer and has a socket on PORT. */
function met() {
  const d = new Dialogue6()
  for (const [from, low] of [
    [PEER6, 2],
    [OTHER, 3],
  ] as const)
    d.icmp(135, 0, [0, 0, 0, 0, ...d.linkLocal, 1, 1, 2, 0, 0, 0, 0, low], { from })
  d.take()
  const socket = d.socket(17)
  d.stack.bind(socket, 0, PORT)
  const receive = () => {
    const into = new Uint8Array(70_000)
    const from = { address: 1, port: 0, address6: new Uint8Array(16) }
    const length = d.stack.recvFrom(socket, into, from)
    return length < 0
      ? undefined
      : { data: [...into.subarray(0, length)], from: [...from.address6], port: from.port, ipv4: from.address }
  }
  return { d, receive }
}

const counted = (length: number) => Array.from({ length }, (_, i) => (i * 7) & 255)
const datagram = (d: Dialogue6, size: number, from = PEER6) => udp6(9, PORT, counted(size), from, d.linkLocal)

/** Sends a piece of a whole, from byte to byte. */
function piece(
  d: Dialogue6,
  whole: number[],
  from: number,
  to: number,
  fields: { id?: number; source?: number[]; next?: number } = {},
): Drop {
  const { id = 1, source = PEER6, next = 17 } = fields
  const fragment = fragment6(next, from, to < whole.length, id, whole.slice(from, to))
  return d.in(ipv6(44, fragment, { from: source, to: d.linkLocal }))
}

describe('fragments become a packet', () => {
  test('in any order, small enough for a frame or not', () => {
    for (const size of [200, 4_000]) {
      const { d, receive } = met()
      const whole = datagram(d, size)
      const cuts = [0, 64, 136, Math.min(whole.length - 8, 1400) & ~7, whole.length]
      if (size > 1400) cuts.splice(4, 0, 2800 & ~7)
      const pieces = cuts.slice(1).map((to, i) => [cuts[i] ?? 0, to] as const)
      for (const [from, to] of [...pieces].reverse()) {
        expect(receive()).toBeUndefined()
        expect(piece(d, whole, from, to)).toBe(Drop.None)
      }
      expect(receive()).toEqual({ data: counted(size), from: PEER6, port: 9, ipv4: 0 })
    }
  })

  test('told apart by source, and by identification', () => {
    const { d, receive } = met()
    const [one, two] = [datagram(d, 100), datagram(d, 100, OTHER)]
    piece(d, one, 0, 64)
    piece(d, two, 0, 64, { source: OTHER })
    piece(d, one, 64, 108, { id: 2 })
    expect(receive()).toBeUndefined()
    piece(d, two, 64, 108, { source: OTHER })
    expect(receive()?.from).toEqual(OTHER)
    piece(d, one, 64, 108)
    expect(receive()?.from).toEqual(PEER6)
  })

  test('behind other extension headers, and with options that came in the fragments', () => {
    const { d, receive } = met()
    const whole = [17, 0, 1, 4, 0, 0, 0, 0, ...datagram(d, 100)]
    const hop = [44, 0, 5, 2, 0, 0, 1, 0]
    for (const [from, to] of [
      [0, 64],
      [64, whole.length],
    ] as const)
      d.in(
        ipv6(0, [...hop, ...fragment6(60, from, to < whole.length, 1, whole.slice(from, to))], {
          from: PEER6,
          to: d.linkLocal,
        }),
      )
    expect(receive()?.data).toEqual(counted(100))
  })

  test('a doubled one does no harm; one that overlaps ends the packet, silently (RFC 5722)', () => {
    const { d, receive } = met()
    const whole = datagram(d, 200)
    piece(d, whole, 0, 64)
    expect(piece(d, whole, 0, 64)).toBe(Drop.Duplicate)
    expect(piece(d, whole, 56, 128)).toBe(Drop.FragmentOverlap)
    expect(piece(d, whole, 64, 208)).toBe(Drop.FragmentOverlap)
    expect(receive()).toBeUndefined()
    d.wait(61_000)
    d.answer()
    expect(d.take().filter(({ type }) => type !== 135)).toEqual([])
  })

  test('an atomic one is taken by itself, whatever else has its identification (RFC 6946)', () => {
    const { d, receive } = met()
    const whole = datagram(d, 100)
    piece(d, whole, 0, 64)
    expect(d.in(ipv6(44, fragment6(17, 0, false, 1, datagram(d, 5)), { from: PEER6, to: d.linkLocal }))).toBe(
      Drop.None,
    )
    expect(receive()?.data.length).toBe(5)
    piece(d, whole, 64, 108)
    expect(receive()?.data.length).toBe(100)
  })

  test('what was put together is not put together again', () => {
    const { d } = met()
    const inner = fragment6(17, 8, true, 3, counted(48))
    expect(d.in(ipv6(44, fragment6(44, 0, false, 2, inner), { from: PEER6, to: d.linkLocal }))).toBe(
      Drop.BadExtension,
    )
  })
})

describe('fragments that cannot be right', () => {
  const error = (sent: Packet6[]) => sent.map(({ message }) => [message[0], message[1], message[7]])

  test('not the last, and no multiple of 8 long: the sender is pointed to the payload length', () => {
    const { d } = met()
    const whole = datagram(d, 100)
    expect(piece(d, whole, 0, 63)).toBe(Drop.BadFragmentLength)
    expect(error(d.take())).toEqual([[4, 0, 4]])
  })

  test('beyond 65,535 bytes: he is pointed to the offset', () => {
    const { d } = met()
    const far = fragment6(17, 65_528, false, 1, counted(100))
    expect(d.in(ipv6(44, far, { from: PEER6, to: d.linkLocal }))).toBe(Drop.FragmentBeyondEnd)
    expect(error(d.take())).toEqual([[4, 0, 42]])
  })

  test('the first, without the protocol’s header: code 3 (RFC 8200, 4.5)', () => {
    const { d } = met()
    for (const [next, size] of [
      [6, 16],
      [60, 8],
    ] as const) {
      const tiny = fragment6(next, 0, true, 1, [17, 1, ...new Array<number>(size - 2).fill(0)])
      expect(d.in(ipv6(44, tiny, { from: PEER6, to: d.linkLocal }))).toBe(Drop.TinyFragment)
      expect(error(d.take())).toEqual([[4, 3, 0]])
    }
  })

  test('an empty one', () => {
    const { d } = met()
    expect(d.in(ipv6(44, fragment6(17, 64, true, 1, []), { from: PEER6, to: d.linkLocal }))).toBe(
      Drop.BadFragmentLength,
    )
  })
})

test('after a minute the sender is told, if his first fragment came', () => {
  const { d } = met()
  const whole = datagram(d, 200)
  piece(d, whole, 0, 64)
  piece(d, whole, 64, 128, { id: 2 })
  d.wait(59_999)
  expect(d.take().filter(({ type }) => type === 3)).toEqual([])
  d.wait(1)
  // The host has lost sight of him in the meantime, and looks for him.
  d.answer()
  const told = d.take().filter(({ type }) => type === 3)
  expect(told.map(({ message }) => [message[1], message.length])).toEqual([[1, 8 + 40 + 8 + 64]])
})

test('an echo of 4,000 bytes comes back in fragments, and a datagram too large for the link goes out in some', () => {
  const { d } = met()
  const request = icmp6(128, 0, [0, 1, 0, 2, ...counted(4_000)], PEER6, d.linkLocal)
  for (let at = 0; at < request.length; at += 1_400)
    piece(d, request, at, Math.min(request.length, at + 1_400), { next: 58 })
  expect(joined(d.take()).slice(4)).toEqual(request.slice(4))
  const socket = d.socket(17)
  expect(d.stack.sendTo(socket, Uint8Array.from(counted(3_000)), bytes(PEER6), 9)).toBe(3_000)
  expect(joined(d.take()).slice(8)).toEqual(counted(3_000))
})

/** What fragments carry, which must be as large as the link allows and in order. */
function joined(sent: Packet6[]): number[] {
  const whole: number[] = []
  sent.forEach(({ next, payload }, i) => {
    const last = i === sent.length - 1
    expect([next, ((payload[2] ?? 0) * 256 + (payload[3] ?? 0)) & 0xfff8, (payload[3] ?? 0) & 1]).toEqual([
      44,
      whole.length,
      last ? 0 : 1,
    ])
    if (!last) expect(payload.length).toBe(1456)
    expect(payload.slice(4, 8)).toEqual(sent[0]?.payload.slice(4, 8))
    whole.push(...payload.slice(8))
  })
  return whole
}
