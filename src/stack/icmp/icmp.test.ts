import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { ECONNREFUSED, EHOSTUNREACH, ENOTCONN } from '../errno.ts'
import { Option, Protocol, type Socket } from '../stack.ts'
import { BROADCAST_MAC, checksum, icmp, ipv4, u16, udp } from '../testing/raw.ts'
import { numberOf, readIpv4, Wires } from '../testing/wires.ts'

const HOST = [10, 0, 0, 1]
const PEER = [10, 0, 0, 2]
const ROUTER = [10, 0, 0, 254]
const host = () => new Wires(['10.0.0.1/24'], { gateway: '10.0.0.254' })
const udpSocket = (w: Wires, port: number): Socket => {
  const socket = w.stack.socket(Protocol.Udp) as Socket
  expect(w.stack.bind(socket, 0, port)).toBe(0)
  return socket
}
/** An error about a datagram of ours to `to`, port 9, from our port 5000. */
const about = (to: number[], type: number, code: number, rest = [0, 0, 0, 0], from = HOST) =>
  icmp(type, code, [...rest, ...ipv4(17, [...u16(5000), ...u16(9), 0, 8, 0, 0], { from, to })])

describe('errors that arrive', () => {
  test('are told to the connected UDP socket that sent what they are about, and to no other', () => {
    for (const [type, code, error] of [
      [3, 3, ECONNREFUSED],
      [3, 2, ECONNREFUSED],
      [3, 1, EHOSTUNREACH],
      [11, 0, EHOSTUNREACH],
      [12, 0, EHOSTUNREACH],
    ] as const) {
      const w = host()
      const socket = udpSocket(w, 5000)
      expect(w.stack.send(socket, Uint8Array.of(1))).toBe(ENOTCONN)
      expect(w.in(1, about(PEER, type, code), { from: PEER })).toBe(Drop.NoPort)
      expect(w.stack.error(socket)).toBe(0)
      expect(w.stack.connect(socket, numberOf(PEER), 9)).toBe(0)
      expect(w.stack.send(socket, Uint8Array.of(1))).toBe(1)
      expect(w.in(1, about(PEER, type, code), { from: PEER })).toBe(Drop.None)
      expect(w.stack.error(socket)).toBe(error)
      expect(w.stack.error(socket)).toBe(0)
      // Connected to another, or not at all, it is not meant.
      w.stack.connect(socket, numberOf(ROUTER), 9)
      expect(w.in(1, about(PEER, type, code), { from: PEER })).toBe(Drop.NoPort)
      w.stack.connect(socket, 0, 0)
      expect(w.in(1, about(PEER, type, code), { from: PEER })).toBe(Drop.NoPort)
      w.stack.close(socket)
    }
  })

  test('about what we never sent, and too short ones, are dropped', () => {
    const w = host()
    expect(w.in(1, about(PEER, 3, 3, [0, 0, 0, 0], [10, 0, 0, 7]), { from: PEER })).toBe(Drop.NoConnection)
    for (const type of [3, 5, 11, 12])
      expect(w.in(1, icmp(type, 0, [0, 0, 0, 0, ...Array(27).fill(0x45)]), { from: PEER })).toBe(
        Drop.BadIcmpLength,
      )
  })

  test('source quench is not acted on (RFC 6633), a mask is not told', () => {
    const w = host()
    expect(w.in(1, about(PEER, 4, 0), { from: PEER })).toBe(Drop.SourceQuench)
    expect(w.in(1, icmp(17, 0, [0, 1, 0, 1, 0, 0, 0, 0]), { from: PEER })).toBe(Drop.UnknownIcmpType)
    expect(w.sent).toEqual([])
  })

  test('a connected socket hears its peer alone', () => {
    const w = host()
    const socket = udpSocket(w, 5000)
    w.stack.connect(socket, numberOf(PEER), 9)
    expect(w.in(17, udp(9, 5000, [1], PEER), { from: PEER })).toBe(Drop.None)
    expect(w.in(17, udp(8, 5000, [1], PEER), { from: PEER })).toBe(Drop.NoPort)
    w.stack.close(socket)
  })
})

describe('errors are never sent', () => {
  const nobody = udp(1, 2, [1, 2, 3])
  const cases: [string, Drop, (w: Wires) => Drop][] = [
    [
      'about broadcasts',
      Drop.UnknownProtocol,
      w => w.in(99, [1], { from: PEER, to: [10, 0, 0, 255] }, 0, BROADCAST_MAC),
    ],
    [
      'about groups',
      Drop.UnknownProtocol,
      w => w.in(99, [1], { from: PEER, to: [224, 0, 0, 1] }, 0, [1, 0, 0x5e, 0, 0, 1]),
    ],
    [
      'to who has no address',
      Drop.NoPort,
      w =>
        w.in(
          17,
          udp(1, 2, [], [0, 0, 0, 0], [255, 255, 255, 255]),
          { from: [0, 0, 0, 0], to: [255, 255, 255, 255] },
          0,
          BROADCAST_MAC,
        ),
    ],
    [
      'to a reserved address',
      Drop.NoPort,
      w => w.in(17, udp(1, 2, [], [240, 0, 0, 1]), { from: [240, 0, 0, 1] }),
    ],
  ]
  for (const [name, drop, hear] of cases)
    test(name, () => {
      const w = host()
      expect(hear(w)).toBe(drop)
      expect(w.sent).toEqual([])
      // The same from a host that may be told.
      w.in(17, nobody, { from: PEER })
      expect(w.skip()).toBe(1)
    })

  test('about an error whose options are wrong, or a later fragment', () => {
    const w = host()
    const options = [7, 99, 4, 0]
    for (const type of [3, 4, 5, 11, 12])
      expect(w.in(1, about(PEER, type, 0), { from: PEER, options })).toBe(Drop.BadIpOptions)
    expect(w.in(17, nobody, { from: PEER, options, fragment: 1 })).toBe(Drop.BadIpOptions)
    expect(w.sent).toEqual([])
    w.in(17, nobody, { from: PEER, options })
    expect(w.skip()).toBe(1)
  })
})

describe('options', () => {
  const wrong: [string, number[], number][] = [
    ['without a length', [1, 1, 1, 7], 23],
    ['of length 0', [7, 0, 4, 0], 21],
    ['of length 1', [9, 1, 0, 0], 21],
    ['longer than the header', [7, 5, 4, 0], 21],
    ['a route whose pointer is too small', [7, 3, 3, 0], 22],
    ['a route with room for half an address', [7, 5, 4, 0, 0, 0, 0, 0], 22],
    ['a timestamp too short for its flags', [68, 3, 5, 0], 21],
    ['a timestamp whose pointer is too small', [68, 4, 4, 0], 22],
    ['a timestamp of an unknown kind', [68, 8, 5, 2, 0, 0, 0, 0], 23],
    ['a timestamp with room for half of one', [68, 8, 5, 1, 0, 0, 0, 0], 22],
  ]
  for (const [name, options, pointer] of wrong)
    test(`${name}: parameter problem, pointing at it`, () => {
      const w = host()
      expect(w.in(1, icmp(8, 0, [0, 1, 0, 1]), { from: PEER, options })).toBe(Drop.BadIpOptions)
      const { payload } = readIpv4(w.next().bytes)
      expect(payload.slice(0, 2)).toEqual([12, 0])
      expect(payload[4]).toBe(pointer)
    })

  test('that nobody knows are skipped; a source route is refused', () => {
    const w = host()
    expect(w.in(1, icmp(8, 0, [0, 1, 0, 1]), { from: PEER, options: [0x94, 4, 0, 0, 200, 3, 9, 0] })).toBe(
      Drop.None,
    )
    expect(readIpv4(w.next().bytes).options).toEqual([])
    for (const kind of [131, 137])
      expect(w.in(1, icmp(8, 0, [0, 1, 0, 1]), { from: PEER, options: [kind, 7, 8, 9, 9, 9, 9, 0] })).toBe(
        Drop.SourceRoute,
      )
    expect(w.sent).toEqual([])
  })

  test('an echo reply brings the route and the times of its request back, and ours (RFC 1122, 3.2.2.6)', () => {
    const w = host()
    const request = icmp(8, 0, [0, 1, 0, 1, 5, 6, 7])
    const options = [0x94, 4, 0, 0, 7, 11, 8, 9, 9, 9, 9, 0, 0, 0, 0, 68, 8, 5, 0, 0, 0, 0, 0, 0]
    expect(w.in(1, request, { from: PEER, options })).toBe(Drop.None)
    const reply = readIpv4(w.next().bytes)
    expect(reply.options.slice(0, 11)).toEqual([7, 11, 12, 9, 9, 9, 9, ...HOST])
    expect(reply.options.slice(11, 15)).toEqual([68, 8, 9, 0])
    expect(reply.options.length).toBe(20)
    expect(checksum(reply.header)).toBe(0)
    expect(reply.payload).toEqual(icmp(0, 0, [0, 1, 0, 1, 5, 6, 7]))
    expect({ from: reply.from, to: reply.to }).toEqual({ from: HOST, to: PEER })
  })
})

test('a timestamp request is answered with a time that is not Universal Time (RFC 792)', () => {
  const w = host()
  const request = icmp(13, 0, [0, 1, 0, 2, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0])
  expect(w.in(1, request, { from: PEER })).toBe(Drop.None)
  const { payload } = readIpv4(w.next().bytes)
  expect(payload.slice(4, 12)).toEqual([0, 1, 0, 2, 1, 2, 3, 4])
  expect(payload[0]).toBe(14)
  expect(checksum(payload)).toBe(0)
  expect((payload[12] ?? 0) & 0x80).toBe(0x80)
  expect(payload.slice(12, 16)).toEqual(payload.slice(16, 20))
  expect(w.in(1, icmp(13, 0, [0, 1, 0, 2, 1, 2, 3, 4]), { from: PEER })).toBe(Drop.BadIcmpLength)
  expect(w.in(1, request, { from: PEER, to: [10, 0, 0, 255] }, 0, BROADCAST_MAC)).toBe(Drop.WrongDestination)
})

test('the time to live is what the socket says', () => {
  const w = host()
  const socket = udpSocket(w, 5000)
  w.stack.setOption(socket, Option.Ttl, 7)
  w.stack.sendTo(socket, Uint8Array.of(1), numberOf(PEER), 9)
  w.wait(0)
  expect(readIpv4(w.next().bytes).ttl).toBe(7)
  const ping = w.stack.socket(Protocol.Icmp) as Socket
  w.stack.setOption(ping, Option.Ttl, 2)
  w.stack.sendTo(ping, Uint8Array.of(1), numberOf(PEER), 1)
  w.wait(0)
  expect(readIpv4(w.next().bytes).ttl).toBe(2)
  w.stack.close(ping)
  const tcp = w.stack.socket(Protocol.Tcp) as Socket
  w.stack.setOption(tcp, Option.Ttl, 9)
  w.stack.connect(tcp, numberOf(PEER), 80)
  w.wait(0)
  expect(readIpv4(w.next().bytes).ttl).toBe(9)
  w.stack.abort(tcp)
  w.stack.close(socket)
})

describe('a redirect', () => {
  const FAR = [9, 9, 9, 9]
  const BETTER = [10, 0, 0, 253]
  const redirect = (w: Wires, gateway: number[], fields = {}, to = FAR) =>
    w.in(1, about(to, 5, 1, gateway), { from: ROUTER, ...fields })
  const gateways = (w: Wires) =>
    w.stack.routes.filter(({ prefixLength }) => prefixLength === 32).map(({ gateway }) => gateway)

  test('from the router in use, to another on the link, is followed for that host', () => {
    const w = host()
    expect(redirect(w, BETTER)).toBe(Drop.None)
    expect(gateways(w)).toEqual([numberOf(BETTER)])
    // The new router may send it on in its turn; the old one has no say any more.
    expect(redirect(w, [10, 0, 0, 252])).toBe(Drop.BadRedirect)
    const socket = udpSocket(w, 5000)
    const sent = () => {
      w.stack.sendTo(socket, Uint8Array.of(1), numberOf(FAR), 9)
      w.wait(0)
      return w.skip()
    }
    expect(sent()).toBe(1)
    expect(redirect(w, [10, 0, 0, 252], { from: BETTER })).toBe(Drop.None)
    expect(gateways(w)).toEqual([numberOf([10, 0, 0, 252])])
    // The next datagram already waits for the newest one's address.
    w.everybodyAnswers = false
    expect(sent()).toBe(0)
    w.stack.close(socket)
  })

  test('from anybody else, to elsewhere, to us, or about what we did not send is not (RFC 1122, 3.2.2.2)', () => {
    const w = host()
    expect(redirect(w, BETTER, { from: PEER })).toBe(Drop.BadRedirect)
    expect(redirect(w, [10, 0, 1, 253])).toBe(Drop.BadRedirect)
    expect(redirect(w, HOST)).toBe(Drop.BadRedirect)
    expect(redirect(w, [10, 0, 0, 255])).toBe(Drop.BadRedirect)
    expect(w.in(1, about(FAR, 5, 7, BETTER), { from: ROUTER })).toBe(Drop.BadRedirect)
    expect(w.in(1, about(FAR, 5, 1, BETTER, PEER), { from: ROUTER })).toBe(Drop.NoConnection)
    expect(gateways(w)).toEqual([])
  })

  test('is kept for 16 hosts at most, and forgotten when its router does not answer', () => {
    const w = host()
    const before = w.stack.memory.used
    for (let i = 0; i < 20; i++) expect(redirect(w, BETTER, {}, [9, 9, 9, i])).toBe(Drop.None)
    expect(gateways(w).length).toBe(16)
    const socket = udpSocket(w, 5000)
    w.everybodyAnswers = false
    w.stack.sendTo(socket, Uint8Array.of(1), numberOf([9, 9, 9, 19]), 9)
    w.wait(5_000)
    expect(gateways(w)).toEqual([])
    w.stack.close(socket)
    w.wait(100_000)
    expect(w.stack.memory.used).toBe(before)
  })

  test('does not change a route that a program made; one that it made goes with removeRoute', () => {
    const w = host()
    expect(redirect(w, BETTER)).toBe(Drop.None)
    expect(w.stack.removeRoute(numberOf(FAR), 32, 0)).toBe(0)
    const route = {
      destination: numberOf(FAR),
      prefixLength: 32,
      gateway: numberOf(ROUTER),
      link: 0,
      metric: 0,
    }
    expect(w.stack.addRoute(route)).toBe(0)
    expect(redirect(w, BETTER)).toBe(Drop.None)
    expect(gateways(w)).toEqual([numberOf(ROUTER)])
  })
})
