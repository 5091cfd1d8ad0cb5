import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { ALL_NODES, Dialogue6, PEER6 } from '../testing/dialogue6.ts'
import { fragment6, frame6, icmp6, ip6, ipv6, udp6 } from '../testing/raw6.ts'

/** An echo request from the peer, of so many bytes. */
const echo = (d: Dialogue6, size = 4, from = PEER6, to = d.linkLocal) =>
  icmp6(128, 0, [0, 7, 0, 1, ...Array.from({ length: size }, (_, i) => i & 255)], from, to)

/** The host knows the peer, so that what it answers goes at once. */
function met(): Dialogue6 {
  const d = new Dialogue6()
  d.icmp(135, 0, [0, 0, 0, 0, ...d.linkLocal, 1, 1, 2, 0, 0, 0, 0, 2])
  d.take()
  return d
}

const packet = (d: Dialogue6, next: number, payload: number[], fields = {}) =>
  d.in(ipv6(next, payload, { from: PEER6, to: d.linkLocal, ...fields }))

/** The one answer: type, code, the word behind them. */
function error(d: Dialogue6) {
  const sent = d.take()
  expect(sent.length).toBeLessThan(2)
  const { message } = sent[0] ?? { message: [] }
  return sent.length === 0 ? undefined : [message[0], message[1], (message[6] ?? 0) * 256 + (message[7] ?? 0)]
}

describe('the header', () => {
  const cases: readonly [string, Drop, (d: Dialogue6) => Drop][] = [
    [
      'cut short',
      Drop.Truncated,
      d => d.inFrame(frame6(ipv6(58, [], { from: PEER6, to: d.linkLocal })).slice(0, 53)),
    ],
    [
      'of version 4',
      Drop.BadIpVersion,
      d => d.in([0x40, ...ipv6(58, echo(d), { from: PEER6, to: d.linkLocal }).slice(1)]),
    ],
    ['with more payload than there is', Drop.BadIpLength, d => packet(d, 58, echo(d), { length: 100 })],
    ['from a group', Drop.BadSource, d => packet(d, 58, echo(d), { from: ALL_NODES })],
    ['from ::1', Drop.BadSource, d => packet(d, 58, echo(d), { from: ip6('::1') })],
    [
      'from an IPv4 address in disguise',
      Drop.BadSource,
      d => packet(d, 58, echo(d), { from: ip6('::ffff:a00:1') }),
    ],
    ['from ourselves', Drop.BadSource, d => packet(d, 58, echo(d), { from: d.linkLocal })],
    ['to another host', Drop.WrongDestination, d => packet(d, 58, echo(d), { to: ip6('fe80::77') })],
    ['to ::1', Drop.WrongDestination, d => packet(d, 58, echo(d), { to: ip6('::1') })],
    [
      'to a group that nobody here joined',
      Drop.NotAMember,
      d => packet(d, 58, echo(d), { to: ip6('ff02::77') }),
    ],
    ['to a group of this interface', Drop.NotAMember, d => packet(d, 58, echo(d), { to: ip6('ff01::1') })],
  ]
  test.each(cases)('%s', (_, drop, say) => {
    const d = met()
    expect(say(d)).toBe(drop)
    d.quiet()
  })

  test('padding of the link behind the payload is no part of it', () => {
    const d = met()
    expect(d.in([...ipv6(58, echo(d), { from: PEER6, to: d.linkLocal }), 0, 0, 0, 0])).toBe(Drop.None)
    expect(d.next(129).payload.length).toBe(12)
  })

  test('a hop limit of zero is no reason to drop what has arrived (RFC 8200, 3)', () => {
    const d = met()
    expect(packet(d, 58, echo(d), { hops: 0 })).toBe(Drop.None)
    d.next(129)
  })
})

describe('extension headers', () => {
  /** An options header: what comes next, its options, padded to 8 bytes. */
  const options = (next: number, ...bytes: number[]): number[] => {
    const size = Math.ceil((2 + bytes.length) / 8) * 8
    return [next, size / 8 - 1, ...bytes, ...new Array<number>(size - 2 - bytes.length).fill(0)]
  }

  test('are passed through in their order: hop-by-hop, destination, routing, an atomic fragment', () => {
    const d = met()
    const routing = [60, 0, 0, 0, 0, 0, 0, 0]
    const all = [
      ...options(60, 5, 2, 0, 0),
      ...options(43, 1, 3, 0, 0, 0),
      ...routing,
      ...options(44),
      ...fragment6(58, 0, false, 9, echo(d)),
    ]
    expect(packet(d, 0, all)).toBe(Drop.None)
    d.next(129)
  })

  test('hop-by-hop stands first or is an unknown header: the error points to who named it', () => {
    const d = met()
    expect(packet(d, 60, [...options(0), ...options(58), ...echo(d)])).toBe(Drop.BadExtension)
    expect(error(d)).toEqual([4, 1, 40])
  })

  test('an unknown header, or protocol, is reported', () => {
    const d = met()
    expect(packet(d, 99, [1, 2, 3, 4])).toBe(Drop.UnknownProtocol)
    expect(error(d)).toEqual([4, 1, 6])
    expect(packet(d, 60, [...options(50), 1, 2, 3, 4])).toBe(Drop.UnknownProtocol)
    expect(error(d)).toEqual([4, 1, 40])
    expect(packet(d, 59, [1, 2, 3])).toBe(Drop.None)
    d.quiet()
  })

  test('a routing header with segments left is refused, type 0 above all (RFC 5095)', () => {
    const d = met()
    const via = (type: number, left: number) =>
      packet(d, 43, [58, 2, type, left, 0, 0, 0, 0, ...ip6('fe80::5'), ...echo(d)])
    for (const type of [0, 3, 200]) {
      expect(via(type, 1)).toBe(Drop.BadExtension)
      expect(error(d)).toEqual([4, 0, 42])
    }
    expect(via(0, 0)).toBe(Drop.None)
    d.next(129)
  })

  /** RFC 8200, 4.2: by the two highest bits of the type; to a host, and to a group. */
  test.each([
    [0x1e, Drop.None, 'answered', 'taken'],
    [0x5e, Drop.BadExtension, undefined, undefined],
    [0x9e, Drop.BadExtension, [4, 2, 42], [4, 2, 42]],
    [0xde, Drop.BadExtension, [4, 2, 42], undefined],
  ] as const)('an unknown option of type %i', (type, drop, toHost, toGroup) => {
    const d = met()
    expect(packet(d, 60, [...options(58, type, 1, 0), ...echo(d)])).toBe(drop)
    if (toHost === 'answered') d.next(129)
    else expect(error(d)).toEqual(toHost)
    const group = ipv6(60, [...options(17, type, 1, 0), ...udp6(9, 9, [], PEER6, ALL_NODES)], {
      from: PEER6,
      to: ALL_NODES,
    })
    expect(d.in(group)).toBe(drop === Drop.None ? Drop.NoPort : drop)
    if (toGroup === 'taken') d.quiet()
    else expect(error(d)).toEqual(toGroup)
  })

  test('an option, or a header, that ends beyond its end is dropped', () => {
    const d = met()
    expect(packet(d, 60, [58, 0, 1, 9, 0, 0, 0, 0, ...echo(d)])).toBe(Drop.BadExtension)
    expect(packet(d, 60, [58, 0, 0, 0, 0, 0, 0, 1, ...echo(d)])).toBe(Drop.BadExtension)
    expect(packet(d, 60, [58, 200, 0, 0, 0, 0, 0, 0])).toBe(Drop.Truncated)
    expect(packet(d, 60, [58, 0, 0])).toBe(Drop.Truncated)
    expect(packet(d, 60, [])).toBe(Drop.Truncated)
    d.quiet()
  })

  test('a chain of more than eight is dropped', () => {
    const d = met()
    const chain = (length: number) =>
      Array.from({ length }, (_, i) => options(i === length - 1 ? 58 : 60)).flat()
    expect(packet(d, 60, [...chain(8), ...echo(d)])).toBe(Drop.None)
    d.next(129)
    expect(packet(d, 60, [...chain(9), ...echo(d)])).toBe(Drop.BadExtension)
    d.quiet()
  })
})

describe('errors are never sent', () => {
  test('about an error, however deep it stands, nor about a redirect', () => {
    const d = met()
    for (const type of [1, 2, 3, 4, 100, 137])
      expect(
        packet(d, 60, [58, 0, 0x9e, 4, 0, 0, 0, 0, ...icmp6(type, 0, [0, 0, 0, 0], PEER6, d.linkLocal)]),
      ).toBe(Drop.BadExtension)
    d.quiet()
  })

  test('to nobody, or about what came by a multicast frame', () => {
    const d = met()
    expect(packet(d, 99, [], { from: ip6('::') })).toBe(Drop.UnknownProtocol)
    const frame = frame6(
      ipv6(17, udp6(9, 9, [], PEER6, d.linkLocal), { from: PEER6, to: d.linkLocal }),
      [0x33, 0x33, 0, 0, 0, 1],
    )
    expect(d.inFrame(frame)).toBe(Drop.NoPort)
    d.quiet()
  })

  test('faster than their bucket fills: twenty at once, then fifty a second, by and large', () => {
    const d = met()
    const flood = () => {
      for (let i = 0; i < 100; i++) packet(d, 17, udp6(9, 9, [], PEER6, d.linkLocal))
      return d.take().length
    }
    const bursts = Array.from({ length: 10 }, () => {
      d.wait(400)
      return flood()
    })
    expect(new Set(bursts).size).toBeGreaterThan(3)
    const average = bursts.reduce((sum, burst) => sum + burst) / 10
    expect(Math.abs(average - 20)).toBeLessThan(4)
    d.wait(20)
    expect(flood()).toBeLessThan(5)
  })
})

test('an error quotes what fits in 1,280 bytes', () => {
  const d = met()
  packet(d, 17, udp6(9, 9, new Array(1400).fill(7), PEER6, d.linkLocal))
  const unreachable = d.next(1)
  expect([unreachable.message[1], unreachable.payload.length]).toEqual([4, 1240])
  expect(unreachable.message.slice(8, 48)).toEqual(
    ipv6(17, new Array(1408).fill(0), { from: PEER6, to: d.linkLocal }).slice(0, 40),
  )
})

test('an echo request is answered with all its data; one to a group, or with a bad checksum, is not', () => {
  const d = met()
  expect(packet(d, 58, echo(d, 1000))).toBe(Drop.None)
  const reply = d.next(129)
  expect(reply.message.slice(4)).toEqual(echo(d, 1000).slice(4))
  const all = echo(d, 4, PEER6, ALL_NODES)
  expect(d.in(ipv6(58, all, { from: PEER6, to: ALL_NODES }))).toBe(Drop.WrongDestination)
  expect(packet(d, 58, [...echo(d).slice(0, 9), 0xee])).toBe(Drop.BadIcmpChecksum)
  expect(packet(d, 58, [128, 0, 0, 0])).toBe(Drop.BadIcmpLength)
  expect(packet(d, 58, icmp6(200, 0, [0, 0, 0, 0], PEER6, d.linkLocal))).toBe(Drop.UnknownIcmpType)
  d.quiet()
})
