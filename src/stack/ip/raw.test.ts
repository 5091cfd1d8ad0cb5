import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EADDRNOTAVAIL, EAGAIN, EINVAL, EMSGSIZE, ENOPROTOOPT, EPROTONOSUPPORT } from '../errno.ts'
import { createStack as createClient } from '../profiles/client.ts'
import { Option, Protocol, type Socket } from '../stack.ts'
import { assemble } from '../testing/bpf.ts'
import { Dialogue, PEER } from '../testing/dialogue.ts'
import { checksum, ethernet, HOST_MAC, icmp, ipv4, PEER_IP, PEER_MAC, u16, udp } from '../testing/raw.ts'
import { Simulation } from '../testing/simulation.ts'

const frame = (packet: number[]) => ethernet(HOST_MAC, PEER_MAC, 0x0800, packet)
const raw = (d: Dialogue, protocol: number) => d.stack.socket(Protocol.Raw, protocol) as Socket
const from = { address: 0, port: 0 }

/** The next datagram that waits on a socket, byte by byte; the negative result when there is none. */
function read(d: Dialogue, socket: Socket, most = 70_000): number[] | number {
  const into = new Uint8Array(most)
  const length = d.stack.recvFrom(socket, into, from)
  return length < 0 ? length : [...into.subarray(0, length)]
}

describe('a raw socket receives', () => {
  test('a datagram of its protocol with its header, and nobody is told that the protocol is unknown', () => {
    const d = new Dialogue()
    const socket = raw(d, 99)
    const packet = ipv4(99, [1, 2, 3], { options: [1, 1, 1, 0] })
    expect(d.inFrame(frame(packet))).toBe(Drop.None)
    expect(read(d, socket)).toEqual(packet)
    expect(from).toEqual({ address: PEER, port: 0 })
    expect(d.others).toEqual([])
    d.stack.close(socket)
    expect(d.inFrame(frame(packet))).toBe(Drop.UnknownProtocol)
    expect(d.others.length).toBe(1)
  })

  test('a copy beside the protocol’s own handling and beside other raw sockets', () => {
    const d = new Dialogue()
    const [one, other] = [raw(d, 1), raw(d, 1)]
    const packet = ipv4(1, icmp(8, 0, [0, 1, 0, 1, 9]))
    expect(d.inFrame(frame(packet))).toBe(Drop.None)
    expect(d.others.length).toBe(1)
    expect(read(d, one)).toEqual(packet)
    expect(read(d, other)).toEqual(packet)
    for (const socket of [one, other]) d.stack.close(socket)
  })

  test('nothing of other protocols, and nothing that is broken', () => {
    const d = new Dialogue()
    const socket = raw(d, 99)
    d.inFrame(frame(ipv4(98, [1])))
    const broken = ipv4(99, [1])
    broken[8] = 1
    expect(d.inFrame(frame(broken))).toBe(Drop.BadIpChecksum)
    expect(read(d, socket)).toBe(EAGAIN)
    d.stack.close(socket)
  })

  test('only what was sent to the address that it is bound to', () => {
    const d = new Dialogue()
    const socket = raw(d, 17)
    expect(d.stack.bind(socket, 0x0a000009, 0)).toBe(EADDRNOTAVAIL)
    expect(d.stack.bind(socket, 0x0a000001, 0)).toBe(0)
    const toAll = ipv4(17, udp(1, 9, [1], PEER_IP, [255, 255, 255, 255]), { to: [255, 255, 255, 255] })
    d.inFrame(ethernet([255, 255, 255, 255, 255, 255], PEER_MAC, 0x0800, toAll))
    expect(read(d, socket)).toBe(EAGAIN)
    d.inFrame(frame(ipv4(17, udp(1, 9, [1]))))
    expect(read(d, socket)).toHaveLength(29)
    d.stack.close(socket)
  })

  test('a datagram that came in fragments, whole, of a known protocol and of one that nobody speaks', () => {
    const d = new Dialogue()
    for (const protocol of [17, 99]) {
      const socket = raw(d, protocol)
      const payload = udp(
        1,
        9,
        Array.from({ length: 4000 }, (_, i) => (i * 3) & 255),
      )
      for (let at = 0; at < payload.length; at += 1480) {
        const more = at + 1480 < payload.length ? 0x2000 : 0
        d.inFrame(frame(ipv4(protocol, payload.slice(at, at + 1480), { fragment: more | (at >> 3) })))
      }
      const got = read(d, socket) as number[]
      expect(got.slice(20)).toEqual(payload)
      expect(got.slice(2, 4)).toEqual(u16(20 + payload.length))
      expect(checksum(got.slice(0, 20))).toBe(0)
      d.stack.close(socket)
    }
    // The port that nobody has is unreachable; the protocol that somebody has is not.
    expect(d.others.map(reply => [reply[34], reply[35]])).toEqual([[3, 3]])
  })

  test('no more than an eighth of the pages hold; the rest is counted', () => {
    const d = new Dialogue()
    const socket = raw(d, 99)
    for (let i = 0; i < 100; i++) expect(d.inFrame(frame(ipv4(99, [i])))).toBe(Drop.None)
    let kept = 0
    while (read(d, socket) !== EAGAIN) kept++
    expect(kept).toBe(10)
    expect(d.stack.lost(socket)).toBe(90)
    expect(d.stack.lost(socket)).toBe(0)
    d.stack.close(socket)
  })

  test('what its filter wants, which begins at the IP header', () => {
    const d = new Dialogue()
    const socket = raw(d, 99)
    d.stack.attachFilter(socket, assemble('ldb [20]; jeq #7, y, n; y: ret #21; n: ret #0'))
    expect(d.inFrame(frame(ipv4(99, [6, 1])))).toBe(Drop.None)
    d.inFrame(frame(ipv4(99, [7, 1])))
    expect(read(d, socket)).toHaveLength(21)
    expect(read(d, socket)).toBe(EAGAIN)
    d.stack.close(socket)
  })
})

describe('a raw socket sends', () => {
  const sent = (d: Dialogue): number[] => {
    d.wait(10)
    return [...(d.others.shift() ?? [])]
  }

  test('a payload, behind a header of the stack’s making', () => {
    const d = new Dialogue()
    const socket = raw(d, 99)
    expect(d.stack.sendTo(socket, Uint8Array.of(1, 2, 3), PEER, 0)).toBe(3)
    const packet = sent(d).slice(14)
    expect([packet[9], ...packet.slice(12)]).toEqual([99, 10, 0, 0, 1, 10, 0, 0, 2, 1, 2, 3])
    d.stack.close(socket)
  })

  test('a payload larger than the link carries in fragments', () => {
    const d = new Dialogue()
    const socket = raw(d, 99)
    expect(d.stack.sendTo(socket, new Uint8Array(2000), PEER, 0)).toBe(2000)
    expect([sent(d).length, sent(d).length]).toEqual([1514, 14 + 20 + 520])
    d.stack.close(socket)
  })

  test('a whole datagram: length and checksum are filled in, source and identification where they are zero', () => {
    const d = new Dialogue()
    const socket = raw(d, 99)
    expect(d.stack.setOption(socket, Option.HeaderIncluded, 1)).toBe(0)
    const given = ipv4(50, [1, 2], {
      from: [0, 0, 0, 0],
      to: [10, 0, 0, 2],
      id: 0,
      ttl: 3,
      options: [1, 1, 1, 0],
    })
    given.splice(2, 2, 0, 0)
    given.splice(10, 2, 0xde, 0xad)
    expect(d.stack.sendTo(socket, Uint8Array.from(given), PEER, 0)).toBe(26)
    const packet = sent(d).slice(14)
    const id = packet.slice(4, 6)
    expect(id).not.toEqual([0, 0])
    const expected = ipv4(50, [1, 2], {
      from: [10, 0, 0, 1],
      to: [10, 0, 0, 2],
      id: ((id[0] ?? 0) << 8) | (id[1] ?? 0),
      ttl: 3,
      options: [1, 1, 1, 0],
    })
    expect(packet).toEqual(expected)
    d.stack.close(socket)
  })

  test('a whole datagram with its own source and identification', () => {
    const d = new Dialogue()
    const socket = raw(d, 255)
    const given = ipv4(50, [1, 2], { from: [10, 9, 9, 9], to: [10, 0, 0, 2], id: 77 })
    d.stack.sendTo(socket, Uint8Array.from(given), PEER, 0)
    expect(sent(d).slice(14)).toEqual(given)
    d.stack.close(socket)
  })

  test('no whole datagram whose header is impossible, or that the link does not carry', () => {
    const d = new Dialogue()
    const socket = raw(d, 255)
    const send = (bytes: number[]) => d.stack.sendTo(socket, Uint8Array.from(bytes), PEER, 0)
    const good = ipv4(50, [1, 2])
    expect(send([])).toBe(EINVAL)
    expect(send([0x46, ...good.slice(1, 20)])).toBe(EINVAL)
    expect(send([0x44, ...good.slice(1)])).toBe(EINVAL)
    expect(send([0x65, ...good.slice(1)])).toBe(EINVAL)
    expect(send([...good, ...new Array<number>(1479).fill(0)])).toBe(EMSGSIZE)
    expect(d.others).toEqual([])
    d.stack.close(socket)
  })
})

test('a raw socket has a protocol from 1 to 255', () => {
  const d = new Dialogue()
  for (const protocol of [0, 256, -1, 1.5])
    expect(d.stack.socket(Protocol.Raw, protocol)).toBe(EPROTONOSUPPORT)
  const socket = raw(d, 99)
  expect(d.stack.setOption(socket, Option.HeaderIncluded, 2)).toBe(EINVAL)
  expect(d.stack.setOption(socket, Option.NoDelay, 1)).toBe(ENOPROTOOPT)
  d.stack.close(socket)
})

test('where IP_PING is missing, a host pings by a raw socket', () => {
  const sim = new Simulation()
  const alice = sim.add('alice', { profile: createClient })
  const bob = sim.add('bob')
  sim.start()
  expect(alice.stack.socket(Protocol.Icmp)).toBe(EPROTONOSUPPORT)
  const socket = alice.stack.socket(Protocol.Raw, 1) as Socket
  alice.stack.sendTo(socket, Uint8Array.from(icmp(8, 0, [0x12, 0x34, 0, 1, 5, 6, 7])), bob.stack.address, 0)
  sim.run(100)
  const into = new Uint8Array(100)
  const length = alice.stack.recvFrom(socket, into, from)
  expect([...into.subarray(20, length)]).toEqual(icmp(0, 0, [0x12, 0x34, 0, 1, 5, 6, 7]))
  expect(from.address).toBe(bob.stack.address)
})
