import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { Protocol, type Socket } from '../stack.ts'
import { Dialogue } from '../testing/dialogue.ts'
import { BROADCAST_MAC, ethernet, HOST_MAC, icmp, ipv4, PEER_MAC, u16, udp } from '../testing/raw.ts'

const frame = (packet: number[], to = HOST_MAC) => ethernet(to, PEER_MAC, 0x0800, packet)
const echo = (data: number[] = [1, 2, 3]) => icmp(8, 0, [0x12, 0x34, 0, 1, ...data])
const replyTo = (d: Dialogue) => d.others.shift()

describe('a datagram that arrives', () => {
  test('an echo request is answered with all of its data', () => {
    const d = new Dialogue()
    const data = Array.from({ length: 1472 }, (_, i) => i & 255)
    expect(d.inFrame(frame(ipv4(1, echo(data))))).toBe(Drop.None)
    const expected = ipv4(1, icmp(0, 0, [0x12, 0x34, 0, 1, ...data]), {
      from: [10, 0, 0, 1],
      to: [10, 0, 0, 2],
    })
    expect([...(replyTo(d)?.slice(34) ?? [])]).toEqual(expected.slice(20))
  })

  const faults: [string, Drop, (packet: number[]) => number[]][] = [
    ['of another version', Drop.BadIpVersion, p => [0x65, ...p.slice(1)]],
    ['whose header is too short', Drop.BadIpHeaderLength, p => [0x44, ...p.slice(1)]],
    ['whose header is longer than the frame', Drop.BadIpHeaderLength, p => [0x4f, ...p.slice(1, 40)]],
    [
      'whose length is beyond the frame',
      Drop.BadIpLength,
      p => [...p.slice(0, 2), ...u16(p.length + 1), ...p.slice(4)],
    ],
    ['whose length is less than its header', Drop.BadIpLength, p => [...p.slice(0, 2), 0, 19, ...p.slice(4)]],
    ['whose checksum is wrong', Drop.BadIpChecksum, p => [...p.slice(0, 8), 63, ...p.slice(9)]],
    ['of fewer than 20 bytes', Drop.Truncated, p => p.slice(0, 19)],
  ]
  for (const [name, drop, spoil] of faults) {
    test(`one ${name} is dropped`, () => {
      const d = new Dialogue()
      expect(d.inFrame(frame(spoil(ipv4(1, echo()))))).toBe(drop)
      expect(d.others).toEqual([])
    })
  }

  test('options are skipped', () => {
    const d = new Dialogue()
    expect(d.inFrame(frame(ipv4(1, echo(), { options: [1, 1, 1, 0] })))).toBe(Drop.None)
    expect(replyTo(d)).toBeDefined()
  })

  test('trailing bytes behind the datagram are ignored', () => {
    const d = new Dialogue()
    expect(d.inFrame(frame([...ipv4(1, echo()), 9, 9, 9, 9]))).toBe(Drop.None)
    expect(replyTo(d)?.length).toBe(14 + 20 + 8 + 3)
  })

  for (const source of [
    [127, 0, 0, 1],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
    [10, 0, 0, 255],
    [10, 0, 0, 1],
    [0, 0, 0, 0],
  ]) {
    test(`the source ${source.join('.')} is refused`, () => {
      const d = new Dialogue()
      expect(d.inFrame(frame(ipv4(1, echo(), { from: source })))).toBe(Drop.BadSource)
    })
  }

  test('one for another host, or for us by broadcast, is not taken', () => {
    const d = new Dialogue()
    expect(d.inFrame(frame(ipv4(1, echo(), { to: [10, 0, 0, 9] })))).toBe(Drop.WrongDestination)
    expect(d.inFrame(frame(ipv4(1, echo()), BROADCAST_MAC))).toBe(Drop.WrongDestination)
  })

  test('an echo request to all is not answered', () => {
    const d = new Dialogue()
    expect(d.inFrame(frame(ipv4(1, echo(), { to: [10, 0, 0, 255] }), BROADCAST_MAC))).toBe(
      Drop.WrongDestination,
    )
    expect(d.others).toEqual([])
  })

  test('an unknown protocol is answered with protocol unreachable', () => {
    const d = new Dialogue()
    expect(d.inFrame(frame(ipv4(99, [1, 2, 3, 4, 5, 6, 7, 8, 9])))).toBe(Drop.UnknownProtocol)
    const reply = replyTo(d)
    expect([reply?.[34], reply?.[35]]).toEqual([3, 2])
  })
})

describe('UDP', () => {
  test('a datagram reaches the socket bound to its port, with its source', () => {
    const d = new Dialogue()
    const socket = d.stack.socket(Protocol.Udp) as Socket
    expect(d.stack.bind(socket, 0, 53)).toBe(0)
    expect(d.inFrame(frame(ipv4(17, udp(4000, 53, [1, 2, 3]))))).toBe(Drop.None)
    const into = new Uint8Array(10)
    const from = { address: 0, port: 0 }
    expect(d.stack.recvFrom(socket, into, from)).toBe(3)
    expect([...into.subarray(0, 3)]).toEqual([1, 2, 3])
    expect(from).toEqual({ address: 0x0a000002, port: 4000 })
    d.stack.close(socket)
  })

  test('one for a port that nobody has is answered with port unreachable, some twenty of them in a burst', () => {
    const d = new Dialogue()
    for (let i = 0; i < 100; i++) expect(d.inFrame(frame(ipv4(17, udp(4000, 53, []))))).toBe(Drop.NoPort)
    // What each costs is drawn: none, one or two of twenty.
    const sent = d.others.length
    expect(sent).toBeGreaterThan(10)
    expect(sent).toBeLessThan(40)
    expect([d.others[0]?.[34], d.others[0]?.[35]]).toEqual([3, 3])
    d.wait(1000)
    d.inFrame(frame(ipv4(17, udp(4000, 53, []))))
    expect(d.others.length).toBe(sent + 1)
  })

  test('to all, it is not answered', () => {
    const d = new Dialogue()
    d.inFrame(
      frame(
        ipv4(17, udp(4000, 53, [], [10, 0, 0, 2], [10, 0, 0, 255]), { to: [10, 0, 0, 255] }),
        BROADCAST_MAC,
      ),
    )
    expect(d.others).toEqual([])
  })

  test('a wrong checksum or length is dropped, a checksum of zero is none', () => {
    const d = new Dialogue()
    const socket = d.stack.socket(Protocol.Udp) as Socket
    d.stack.bind(socket, 0, 53)
    const good = udp(4000, 53, [1, 2, 3])
    expect(d.inFrame(frame(ipv4(17, [...good.slice(0, -1), 9])))).toBe(Drop.BadUdpChecksum)
    expect(d.inFrame(frame(ipv4(17, [...good.slice(0, 4), 0, 99, ...good.slice(6)])))).toBe(Drop.BadUdpLength)
    expect(d.inFrame(frame(ipv4(17, [...good.slice(0, 4), 0, 7, ...good.slice(6)])))).toBe(Drop.BadUdpLength)
    expect(d.inFrame(frame(ipv4(17, good.slice(0, 7))))).toBe(Drop.BadUdpLength)
    expect(d.inFrame(frame(ipv4(17, [...good.slice(0, 6), 0, 0, ...good.slice(8)])))).toBe(Drop.None)
    d.stack.close(socket)
  })

  test('a queue that nobody reads is bounded', () => {
    const d = new Dialogue()
    const socket = d.stack.socket(Protocol.Udp) as Socket
    d.stack.bind(socket, 0, 53)
    const results = Array.from({ length: 100 }, () => d.inFrame(frame(ipv4(17, udp(4000, 53, [1])))))
    expect(results.at(-1)).toBe(Drop.QueueFull)
    expect(results.filter(r => r === Drop.None).length).toBeLessThan(20)
    d.stack.close(socket)
  })
})

describe('ping', () => {
  test('a socket sends echo requests and reads the replies', () => {
    const d = new Dialogue()
    const socket = d.stack.socket(Protocol.Icmp) as Socket
    expect(d.stack.sendTo(socket, Uint8Array.of(7, 8), 0x0a000002, 5)).toBe(2)
    d.wait(0)
    const request = d.others.shift() as Uint8Array
    expect([request[34], request[40], request[41]]).toEqual([8, 0, 5])
    d.inFrame(frame(ipv4(1, icmp(0, 0, [...request.slice(38)]))))
    const from = { address: 0, port: 0 }
    expect(d.stack.recvFrom(socket, new Uint8Array(10), from)).toBe(2)
    expect(from).toEqual({ address: 0x0a000002, port: 5 })
    d.stack.close(socket)
  })

  test('a reply that nobody asked for is dropped', () => {
    const d = new Dialogue()
    expect(d.inFrame(frame(ipv4(1, icmp(0, 0, [1, 1, 0, 1]))))).toBe(Drop.NoPort)
  })

  test('bad ICMP is dropped', () => {
    const d = new Dialogue()
    expect(d.inFrame(frame(ipv4(1, [...echo().slice(0, -1), 99])))).toBe(Drop.BadIcmpChecksum)
    expect(d.inFrame(frame(ipv4(1, echo().slice(0, 7))))).toBe(Drop.BadIcmpLength)
    expect(d.inFrame(frame(ipv4(1, icmp(15, 0, [0, 0, 0, 0]))))).toBe(Drop.UnknownIcmpType)
  })
})

describe('destination unreachable', () => {
  /** The ICMP error about the SYN that was just heard. */
  const about = (d: Dialogue, code: number, seq: number) => {
    const { iss, localPort, remotePort } = d.connection
    const segment = [...u16(localPort), ...u16(remotePort), ...u16((iss + seq) >>> 16), ...u16(iss + seq)]
    const returned = ipv4(6, segment, { from: [10, 0, 0, 1], to: [10, 0, 0, 2] })
    return frame(ipv4(1, icmp(3, code, [0, 0, 0, 0, ...returned])))
  }

  test('about our SYN refuses the connection', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    expect(d.inFrame(about(d, 3, 0))).toBe(Drop.None)
    expect(d.state).toBe('CLOSED')
  })

  test('with a number that is not in flight it is forged, and ignored', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    expect(d.inFrame(about(d, 3, 1000))).toBe(Drop.OutsideWindow)
    expect(d.state).toBe('SYN-SENT')
  })

  test('does not end a connection that is established', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1')
    d.send(10)
    d.skip()
    expect(d.inFrame(about(d, 3, 1))).toBe(Drop.None)
    expect(d.state).toBe('ESTABLISHED')
  })

  test('too short to say what it is about, it is dropped', () => {
    const d = new Dialogue()
    expect(d.inFrame(frame(ipv4(1, icmp(3, 3, [0, 0, 0, 0, 0x45, 0, 0]))))).toBe(Drop.BadIcmpLength)
  })
})
