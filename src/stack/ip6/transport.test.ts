import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  ECONNREFUSED,
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  EPROTONOSUPPORT,
} from '../errno.ts'
import { inspectConnection } from '../inspect/inspect.ts'
import { Arena } from '../memory/arena.ts'
import { createStack as createClient } from '../profiles/client.ts'
import { REMOTE_ADDRESS } from '../socket/record.ts'
import { addressOf } from '../socket/socket.ts'
import { Option, type Socket } from '../stack.ts'
import { assemble } from '../testing/bpf.ts'
import { ALL_NODES, bytes, Dialogue6, PEER6 } from '../testing/dialogue6.ts'
import { ethernet, HOST_IP, HOST_MAC, icmp, ipv4, PEER_MAC, type Tcp, u32, udp } from '../testing/raw.ts'
import { fragment6, icmp6, ip6, ipv6, type Packet6, tcp6, text6, udp6 } from '../testing/raw6.ts'
import { environment } from '../testing/simulation.ts'

const [SYN, RST, ACK] = [2, 4, 16]

/** A host that knows the peer. */
function met(): Dialogue6 {
  const d = new Dialogue6()
  know(d)
  return d
}
function know(d: Dialogue6): void {
  d.icmp(135, 0, [0, 0, 0, 0, ...d.linkLocal, 1, 1, 2, 0, 0, 0, 0, 2])
  d.take()
}

const segment = (d: Dialogue6, fields: Partial<Tcp>, from = PEER6, to = d.linkLocal, traffic = 0): Drop =>
  d.in(
    ipv6(
      6,
      tcp6(
        {
          from: 4000,
          to: 7,
          seq: 1000,
          ack: 0,
          flags: SYN,
          window: 60_000,
          options: [],
          data: [],
          ...fields,
        },
        from,
        to,
      ),
      { from, to, traffic },
    ),
  )

/** A segment that the host sent. */
function read({ payload, traffic }: Packet6) {
  const word = (at: number) => payload.slice(at, at + 4).reduce((sum, byte) => sum * 256 + byte, 0)
  const header = ((payload[12] ?? 0) >> 4) * 4
  const port = (at: number) => (payload[at] ?? 0) * 256 + (payload[at + 1] ?? 0)
  const mss = payload[20] === 2 ? port(22) : undefined
  return {
    from: port(0),
    seq: word(4),
    ack: word(8),
    flags: payload[13] ?? 0,
    length: payload.length - header,
    options: payload.slice(20, header),
    ecn: traffic & 3,
    mss,
  }
}
const segments = (d: Dialogue6) =>
  d
    .take()
    .filter(({ next }) => next === 6)
    .map(read)

function listen(d: Dialogue6, port = 7): Socket {
  const listener = d.socket(6)
  expect(d.stack.bind(listener, 0, port)).toBe(0)
  expect(d.stack.listen(listener, 4)).toBe(0)
  return listener
}

/** A connection that the peer opened, with an MSS of `mss`. */
function established(mss = 1440): { d: Dialogue6; socket: Socket; iss: number } {
  const d = met()
  const listener = listen(d)
  segment(d, { options: [2, 4, mss >> 8, mss & 255] })
  const [answer] = segments(d)
  const iss = answer?.seq ?? 0
  segment(d, { flags: ACK, seq: 1001, ack: (iss + 1) >>> 0 })
  const socket = d.stack.accept(listener) as Socket
  d.sockets.push(socket)
  return { d, socket, iss }
}

describe('TCP', () => {
  test('a listener without an address takes both versions, and tells the ends in their own', () => {
    const { d, socket } = established()
    const end = { address: 1, address6: new Uint8Array(16), port: 0 }
    d.stack.name(socket, 'remote', end)
    expect([end.address, text6(end.address6), end.port]).toEqual([0, text6(PEER6), 4000])
    d.stack.name(socket, 'local', end)
    expect([end.address, text6(end.address6), end.port]).toEqual([0, text6(d.linkLocal), 7])
    const seen = inspectConnection(d.stack.arena, socket)
    expect([seen?.remoteAddress, seen?.state]).toEqual(['fe80::2', 'ESTABLISHED'])
    const old = { address: 1, port: 0 }
    expect(d.stack.name(socket, 'remote', old)).toBe(true)
    expect(old).toEqual({ address: 0, port: 4000 })
  })

  test('a SYN offers what the link carries less 60, and a segment carries no more', () => {
    const { d, socket } = established()
    d.stack.send(socket, new Uint8Array(5_000))
    expect(segments(d).map(({ length }) => length)).toEqual([1440, 1440, 1440])
    const near = d.socket(6)
    expect(d.stack.connect(near, bytes(PEER6), 80)).toBe(0)
    expect(segments(d)[0]?.mss).toBe(1440)
  })

  test('what is for no connection is refused, from the address that it was sent to', () => {
    const d = met()
    expect(segment(d, {})).toBe(Drop.NoPort)
    const [reset] = d.take()
    expect([reset?.from, reset?.to]).toEqual([text6(d.linkLocal), text6(PEER6)])
    expect(read(reset as Packet6)).toMatchObject({ flags: RST | ACK, ack: 1001, from: 7 })
    expect(
      d.in(
        ipv6(
          6,
          tcp6(
            { from: 1, to: 7, seq: 0, ack: 0, flags: SYN, window: 0, options: [], data: [] },
            PEER6,
            ALL_NODES,
          ),
          { from: PEER6, to: ALL_NODES },
        ),
      ),
    ).toBe(Drop.WrongDestination)
    d.quiet()
  })

  test('a segment with a wrong checksum is dropped: it covers the addresses', () => {
    const d = met()
    const packet = ipv6(
      6,
      tcp6(
        { from: 4000, to: 7, seq: 0, ack: 0, flags: SYN, window: 0, options: [], data: [] },
        PEER6,
        ip6('fe80::5'),
      ),
      { from: PEER6, to: d.linkLocal },
    )
    expect(d.in(packet)).toBe(Drop.BadTcpChecksum)
  })

  test('acknowledgements say that the neighbour is there, RFC 4861, 7.3.1: it is asked once they stop', () => {
    const { d, socket, iss } = established()
    let sent = 1
    const speak = (acknowledged: boolean) => {
      d.stack.send(socket, new Uint8Array(10))
      sent += 10
      d.wait(1)
      const types = d.take().map(({ type }) => type)
      if (acknowledged) segment(d, { flags: ACK, seq: 1001, ack: (iss + sent) >>> 0 })
      return types
    }
    for (let i = 0; i < 20; i++) {
      expect(speak(true)).toEqual([-1])
      expect(
        d
          .wait(10_000)
          .take()
          .map(({ type }) => type),
      ).toEqual([])
    }
    d.wait(50_000)
    expect(speak(false)).toEqual([-1])
    d.wait(5_000)
    expect(d.take().map(({ type }) => type)).toContain(135)
  })

  test('a listener that is bound to one address takes that alone', () => {
    const d = met()
    const own = ip6('2001:db8::1')
    d.stack.addAddress6(bytes(own), 64)
    d.wait(2_500)
    d.take()
    const listener = d.socket(6)
    expect(d.stack.bind(listener, bytes(ip6('2001:db8::9')), 7)).toBe(EADDRNOTAVAIL)
    expect(d.stack.bind(listener, bytes(own), 7)).toBe(0)
    expect(d.stack.listen(listener, 4)).toBe(0)
    expect(segment(d, {})).toBe(Drop.NoPort)
    expect(segment(d, {}, PEER6, own)).toBe(Drop.None)
    d.stack.removeAddress6(bytes(own))
    d.advertise([
      0,
      0,
      0,
      0,
      ...u32(0),
      ...u32(0),
      3,
      4,
      64,
      0x80,
      ...u32(0),
      ...u32(0),
      ...u32(0),
      ...ip6('2001:db8::'),
    ])
  })

  test('connections end with the address that they are from', () => {
    const { d, socket } = established()
    expect(d.stack.removeAddress6(bytes(d.linkLocal))).toBe(0)
    expect(segments(d).map(({ flags }) => flags)).toEqual([RST])
    expect(d.stack.error(socket)).toBe(EADDRNOTAVAIL)
    const end = { address: 1, address6: new Uint8Array(16), port: 0 }
    d.wait(200_000)
    d.stack.name(socket, 'local', end)
    expect(text6(end.address6)).toMatch(/^fe80:/)
  })

  test('“port unreachable” refuses an attempt, when it quotes a segment that is in flight', () => {
    const d = met()
    const socket = d.socket(6)
    d.stack.connect(socket, bytes(PEER6), 80)
    const [syn] = d.take()
    const quote = (payload: number[]) => [0, 0, 0, 0, ...ipv6(6, payload, { from: d.linkLocal, to: PEER6 })]
    const forged = [...(syn?.payload ?? [])]
    forged.splice(4, 4, 0, 0, 0, 0)
    expect(d.icmp(1, 4, quote(forged))).toBe(Drop.OutsideWindow)
    expect(d.stack.error(socket)).toBe(0)
    expect(d.icmp(1, 4, quote(syn?.payload ?? []))).toBe(Drop.None)
    expect(d.stack.error(socket)).toBe(ECONNREFUSED)
  })

  test('a host that has left ends its connections', () => {
    const { d, socket } = established()
    // No number names it, not even the one that its record has.
    const record = addressOf(socket)
    d.stack.hostGone(new Arena(d.stack.arena).get32(record + REMOTE_ADDRESS))
    expect(d.stack.error(socket)).toBe(0)
    d.stack.hostGone(bytes(PEER6))
    expect(d.stack.error(socket)).toBeLessThan(0)
  })

  test('a flood of SYNs from a thousand addresses takes no more than the backlog lets it', () => {
    const d = met()
    listen(d)
    for (let i = 0; i < 1_000; i++) segment(d, {}, ip6(`fe80::7:${i.toString(16)}`))
    const { pools, size } = d.stack.memory
    const peak = (pool: string) => pools.find(({ name }) => name === pool)?.peak
    expect(peak('connections')).toBeLessThanOrEqual(1600)
    expect(peak('ipv6')).toBeLessThan(size / 7)
    d.wait(200_000)
    d.take()
  })
})

describe('what TCP does beside, over IPv6 as over IPv4', () => {
  const [ECE, CWR] = [64, 128]

  test('a full backlog answers with a cookie, and its ACK makes the connection', () => {
    const d = met()
    const listener = d.socket(6)
    d.stack.bind(listener, 0, 7)
    d.stack.listen(listener, 1)
    segment(d, {})
    segments(d)
    const used = () => d.stack.memory.pools.find(({ name }) => name === 'connections')?.used
    const before = used()
    segment(d, { from: 4001, options: [2, 4, 5, 70] })
    const [answer] = segments(d)
    expect(answer).toMatchObject({ flags: SYN | ACK, ack: 1001, mss: 1440 })
    expect(used()).toBe(before)
    const ack = ((answer?.seq ?? 0) + 1) >>> 0
    // Nobody else’s, and no other.
    segment(d, { from: 4001, flags: ACK, seq: 1001, ack }, ip6('fe80::3'))
    segment(d, { from: 4001, flags: ACK, seq: 1001, ack: ack ^ 1 })
    expect(used()).toBe(before)
    segment(d, { from: 4001, flags: ACK, seq: 1001, ack, data: [1, 2, 3] })
    const socket = d.stack.accept(listener) as Socket
    d.sockets.push(socket)
    const seen = inspectConnection(d.stack.arena, socket)
    expect([seen?.state, seen?.mss]).toEqual(['ESTABLISHED', 1300])
    expect(d.stack.recv(socket, new Uint8Array(9))).toBe(3)
  })

  test('a server gives a cookie, and takes text from the SYN that brings it', () => {
    const d = met()
    const listener = listen(d)
    d.stack.setOption(listener, Option.FastOpen, 4)
    segment(d, { options: [34, 2, 1, 1] })
    const [given] = segments(d)
    const at = given?.options.indexOf(34) ?? -1
    expect(given?.options[at + 1]).toBe(10)
    const cookie = given?.options.slice(at, at + 10) ?? []
    segment(d, { from: 4001, options: cookie, data: [1, 2, 3] }, ip6('fe80::3'))
    d.answer(ip6('fe80::3'))
    expect(segments(d)[0]?.ack).toBe(1001)
    segment(d, { from: 4002, options: cookie, data: [1, 2, 3] })
    expect(segments(d)[0]?.ack).toBe(1004)
    const socket = d.stack.accept(listener) as Socket
    d.sockets.push(socket)
    expect(d.stack.recv(socket, new Uint8Array(9))).toBe(3)
  })

  /** Connects with text, or without; the SYN. */
  function open(d: Dialogue6, text: Uint8Array) {
    const socket = d.socket(6)
    expect(d.stack.sendTo(socket, text, bytes(PEER6), 80)).toBe(text.length)
    const [syn] = segments(d)
    if (syn === undefined) throw new Error('There is no SYN.')
    const peer = { from: 80, to: syn.from }
    const answer = (options: number[] = []) =>
      segment(d, { ...peer, flags: SYN | ACK, ack: syn.seq + 1 + syn.length, options })
    return { socket, syn, peer, answer }
  }

  test('a client keeps the cookie, and what it has learnt of the path, for four minutes', () => {
    const d = met()
    const { socket, syn, peer, answer } = open(d, new Uint8Array(0))
    d.wait(150)
    answer([2, 4, 5, 160, 34, 6, 1, 2, 3, 4])
    d.stack.close(socket)
    d.take()
    segment(d, { ...peer, flags: ACK | 1, seq: 1001, ack: syn.seq + 2 })
    d.wait(200_000)
    d.take()
    know(d)
    const second = open(d, Uint8Array.of(7))
    expect(second.syn.length).toBe(1)
    expect(second.syn.options.slice(-6)).toEqual([34, 6, 1, 2, 3, 4])
    second.answer([2, 4, 5, 160])
    expect(inspectConnection(d.stack.arena, second.socket)?.srtt).toBeGreaterThan(120)
    d.stack.abort(second.socket)
    d.stack.hostGone(bytes(PEER6))
    know(d)
    expect(open(d, Uint8Array.of(7)).syn.length).toBe(0)
    d.stack.hostGone(bytes(PEER6))
  })

  test('text is marked as ECN-capable, and a mark that it got on the way is told back', () => {
    const d = met()
    const listener = listen(d)
    segment(d, { flags: SYN | ECE | CWR })
    const [answer] = segments(d)
    expect(answer).toMatchObject({ flags: SYN | ACK | ECE, ecn: 0 })
    const ack = ((answer?.seq ?? 0) + 1) >>> 0
    segment(d, { flags: ACK, seq: 1001, ack })
    const socket = d.stack.accept(listener) as Socket
    d.sockets.push(socket)
    d.stack.send(socket, new Uint8Array(10))
    expect(segments(d)[0]).toMatchObject({ ecn: 2, length: 10 })
    segment(d, { flags: ACK, seq: 1001, ack: ack + 10, data: [1] }, PEER6, d.linkLocal, 3)
    d.wait(50)
    expect(segments(d)[0]).toMatchObject({ flags: ACK | ECE, ecn: 0 })
    segment(d, { flags: ACK | CWR, seq: 1002, ack: ack + 10, data: [1] }, PEER6, d.linkLocal, 2)
    d.wait(50)
    expect(segments(d)[0]).toMatchObject({ flags: ACK })
  })

  test('a path that swallows full segments gets smaller ones, but none below the least MTU of IPv6 (RFC 8201, 4)', () => {
    const { d, socket } = established()
    d.stack.send(socket, new Uint8Array(1440))
    for (let i = 0; i < 6; i++) d.wait(20_000)
    const lengths = segments(d).map(({ length }) => length)
    expect(lengths).toContain(1220)
    expect(lengths.every(length => length >= 1220 || length === 220)).toBe(true)
    d.stack.hostGone(bytes(PEER6))
  })
})

describe('path MTU, RFC 8201', () => {
  const tooBig = (d: Dialogue6, mtu: number, packet: number[]) =>
    d.icmp(2, 0, [...u32(mtu), ...packet.slice(0, 1200)], { from: ip6('fe80::9'), hops: 64 })
  const quote = (d: Dialogue6, { next, payload }: Packet6) =>
    ipv6(next, payload, { from: d.linkLocal, to: PEER6 })

  test('makes segments smaller, and what was lost goes again at once', () => {
    const { d, socket } = established()
    d.stack.send(socket, new Uint8Array(4_320))
    const sent = d.take()
    expect(tooBig(d, 1_300, quote(d, sent[0] as Packet6))).toBe(Drop.None)
    expect(segments(d).map(({ length }) => length)).toEqual([1240, 1240, 1240, 600])
    // The next connection knows it from the start.
    const near = d.socket(6)
    d.stack.connect(near, bytes(PEER6), 80)
    const [syn] = segments(d)
    expect(
      segment(d, {
        from: 80,
        to: syn?.from ?? 0,
        flags: SYN | ACK,
        ack: ((syn?.seq ?? 0) + 1) >>> 0,
        options: [2, 4, 5, 160],
      }),
    ).toBe(Drop.None)
    d.stack.send(near, new Uint8Array(2_000))
    expect(segments(d).map(({ length }) => length)).toEqual([0, 1240])
  })

  test.each([
    ['of less than 1,280 bytes', 1_279, Drop.Duplicate],
    ['that is no decrease', 1_500, Drop.Duplicate],
  ])('a report %s changes nothing', (_, mtu, drop) => {
    const { d, socket } = established()
    d.stack.send(socket, new Uint8Array(1_440))
    expect(tooBig(d, mtu, quote(d, d.take()[0] as Packet6))).toBe(drop)
    d.quiet()
  })

  test('a report about a segment that is not in flight, from an address that is not ours, or to nobody we know is dropped', () => {
    const { d, socket } = established()
    d.stack.send(socket, new Uint8Array(1_440))
    const [sent] = d.take()
    const forged = { ...(sent as Packet6), payload: [...(sent?.payload ?? [])] }
    forged.payload.splice(4, 4, 9, 9, 9, 9)
    expect(tooBig(d, 1_300, quote(d, forged))).toBe(Drop.OutsideWindow)
    expect(tooBig(d, 1_300, ipv6(6, sent?.payload ?? [], { from: PEER6, to: d.linkLocal }))).toBe(
      Drop.BadSource,
    )
    expect(tooBig(d, 1_300, ipv6(6, sent?.payload ?? [], { from: d.linkLocal, to: ip6('fe80::44') }))).toBe(
      Drop.NoConnection,
    )
    d.quiet()
  })

  test('makes datagrams go in smaller fragments, for ten minutes', () => {
    const d = met()
    const socket = d.socket(17)
    const send = () => {
      d.stack.sendTo(socket, new Uint8Array(1_400), bytes(PEER6), 9)
      return d.take().filter(({ next }) => next !== 58)
    }
    const [first] = send()
    expect(tooBig(d, 1_280, quote(d, first as Packet6))).toBe(Drop.None)
    expect(send().map(({ payload }) => payload.length)).toEqual([1240, 1400 + 8 - 1232 + 8])
    for (let minutes = 0; minutes < 11; minutes++) {
      send()
      d.wait(60_000)
    }
    know(d)
    expect(send().map(({ next }) => next)).toEqual([17])
  })
})

describe('UDP and ping', () => {
  test('a datagram needs its checksum: none is none of ours (RFC 8200, 8.1)', () => {
    const d = met()
    const socket = d.socket(17)
    d.stack.bind(socket, 0, 5)
    const packet = udp6(9, 5, [1, 2, 3], PEER6, d.linkLocal)
    packet.splice(6, 2, 0, 0)
    expect(d.in(ipv6(17, packet, { from: PEER6, to: d.linkLocal }))).toBe(Drop.BadUdpChecksum)
    expect(d.in(ipv6(17, [0, 9, 0, 5, 0, 99, 0, 0], { from: PEER6, to: d.linkLocal }))).toBe(
      Drop.BadUdpLength,
    )
    expect(d.in(ipv6(17, [0, 9, 0, 5], { from: PEER6, to: d.linkLocal }))).toBe(Drop.BadUdpLength)
    expect(d.stack.recvFrom(socket, new Uint8Array(9), { address: 0, port: 0 })).toBe(EAGAIN)
  })

  test('one socket speaks both versions', () => {
    const d = met()
    const socket = d.socket(17)
    d.stack.bind(socket, bytes(ip6('::')), 5)
    expect(d.in(ipv6(17, udp6(9, 5, [1, 2, 3], PEER6, d.linkLocal), { from: PEER6, to: d.linkLocal }))).toBe(
      Drop.None,
    )
    const from = { address: 7, address6: new Uint8Array(16), port: 0 }
    expect(d.stack.recvFrom(socket, new Uint8Array(9), from)).toBe(3)
    expect([from.address, text6(from.address6), from.port]).toEqual([0, text6(PEER6), 9])
    expect(d.stack.sendTo(socket, new Uint8Array(2), from.address6, from.port)).toBe(2)
    expect(d.next(-1).payload.slice(0, 6)).toEqual([0, 5, 0, 9, 0, 10])
    expect(d.stack.sendTo(socket, new Uint8Array(2), 0x0a000002, 9)).toBe(2)
  })

  test('errors are told to the connected socket that sent what they are about, and to no other', () => {
    for (const [type, code, error] of [
      [1, 4, ECONNREFUSED],
      [4, 1, ECONNREFUSED],
      [1, 0, EHOSTUNREACH],
      [3, 0, EHOSTUNREACH],
    ] as const) {
      const d = met()
      const socket = d.socket(17)
      d.stack.bind(socket, 0, 5000)
      d.stack.sendTo(socket, Uint8Array.of(1), bytes(PEER6), 9)
      const [sent] = d.take()
      const quote = [0, 0, 0, 0, ...ipv6(17, sent?.payload ?? [], { from: d.linkLocal, to: PEER6 })]
      expect(d.icmp(type, code, quote)).toBe(Drop.NoPort)
      expect(d.stack.error(socket)).toBe(0)
      d.stack.connect(socket, bytes(PEER6), 9)
      expect(d.icmp(type, code, quote)).toBe(Drop.None)
      expect(d.stack.error(socket)).toBe(error)
      // Too short to say of which socket.
      expect(d.icmp(type, code, quote.slice(0, 48))).toBe(Drop.None)
      expect(d.stack.error(socket)).toBe(0)
    }
  })

  test('an error of IPv4 about what only looks like the peer’s address to a socket is dropped', () => {
    const d = met()
    const socket = d.socket(17)
    d.stack.bind(socket, 0, 5000)
    d.stack.connect(socket, bytes(PEER6), 9)
    const word = new Arena(d.stack.arena).get32(addressOf(socket) + REMOTE_ADDRESS)
    const quoted = ipv4(17, udp(5000, 9, [1]), { from: HOST_IP, to: u32(word) })
    const error = ipv4(1, icmp(3, 3, [0, 0, 0, 0, ...quoted]))
    expect(d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, error))).toBe(Drop.NoConnection)
    expect(d.stack.error(socket)).toBe(0)
  })

  test('a socket’s filter is asked, also about what came in fragments', () => {
    const d = met()
    const socket = d.socket(17)
    d.stack.bind(socket, 0, 5)
    d.stack.attachFilter(socket, assemble('ldh [0]; jeq #9, y, n; y: ret #10; n: ret #0'))
    const arrive = (port: number) =>
      d.in(ipv6(17, udp6(port, 5, [1, 2, 3], PEER6, d.linkLocal), { from: PEER6, to: d.linkLocal }))
    expect([arrive(8), arrive(9)]).toEqual([Drop.Filtered, Drop.None])
    const into = new Uint8Array(4000)
    expect(d.stack.recvFrom(socket, into, { address: 0, port: 0 })).toBe(2)
    const inPieces = (port: number): Drop | undefined => {
      const packet = udp6(port, 5, Array<number>(3000).fill(7), PEER6, d.linkLocal)
      const pieces = [0, 1008, 2016].map(at =>
        d.in(
          ipv6(44, fragment6(17, at, at < 2016, port, packet.slice(at, at + 1008)), {
            from: PEER6,
            to: d.linkLocal,
          }),
        ),
      )
      return pieces.at(-1)
    }
    expect([inPieces(8), inPieces(9)]).toEqual([Drop.Filtered, Drop.None])
    expect(d.stack.recvFrom(socket, into, { address: 0, port: 0 })).toBe(2)
    expect(d.stack.recvFrom(socket, into, { address: 0, port: 0 })).toBe(EAGAIN)
  })

  test('an echo request’s reply comes back to who asked', () => {
    const d = met()
    const socket = d.socket(58)
    expect(d.stack.sendTo(socket, Uint8Array.of(5, 6), bytes(PEER6), 3)).toBe(2)
    const request = d.next(128)
    const reply = icmp6(129, 0, request.message.slice(4), PEER6, d.linkLocal)
    expect(d.in(ipv6(58, reply, { from: PEER6, to: d.linkLocal }))).toBe(Drop.None)
    const from = { address: 7, address6: new Uint8Array(16), port: 0 }
    expect(d.stack.recvFrom(socket, new Uint8Array(9), from)).toBe(2)
    expect([text6(from.address6), from.port]).toEqual([text6(PEER6), 3])
    expect(
      d.in(ipv6(58, icmp6(129, 0, [9, 9, 0, 0], PEER6, d.linkLocal), { from: PEER6, to: d.linkLocal })),
    ).toBe(Drop.NoPort)
  })
})

test('addresses that nobody can be sent to are refused', () => {
  const d = met()
  for (const to of [ip6('::'), ALL_NODES, d.linkLocal, ip6('2001:db8::1')])
    expect(d.stack.connect(d.socket(6), bytes(to), 7)).toBe(ENETUNREACH)
  expect(d.stack.connect(d.socket(6), new Uint8Array(4), 7)).toBe(EINVAL)
  // A number in 0.0.0.0/8 names no address of either version, least of all a record of ours.
  for (const to of [0x5000, 0x00ffffff]) {
    expect(d.stack.connect(d.socket(6), to, 7)).toBe(ENETUNREACH)
    expect(d.stack.sendTo(d.socket(17), new Uint8Array(1), to, 7)).toBe(ENETUNREACH)
  }
})

test('a profile without it says so', () => {
  const stack = createClient(
    { memory: 128 * 1024, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/24' },
    environment(1),
  )
  const socket = stack.socket(6) as Socket
  expect(stack.connect(socket, bytes(PEER6), 7)).toBe(EAFNOSUPPORT)
  expect(stack.bind(socket, bytes(PEER6), 7)).toBe(EAFNOSUPPORT)
  expect(stack.sendTo(stack.socket(17) as Socket, new Uint8Array(1), bytes(PEER6), 7)).toBe(EAFNOSUPPORT)
  expect(stack.socket(58)).toBe(EPROTONOSUPPORT)
  expect(stack.addAddress6(bytes(PEER6), 64)).toBe(EAFNOSUPPORT)
  expect(stack.ipv6).toBeUndefined()
})
