import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EBADF, EINVAL, ENOBUFS, EOPNOTSUPP } from '../errno.ts'
import { createStack as createMinimal } from '../profiles/minimal.ts'
import { Option, Protocol, type Socket } from '../stack.ts'
import { checksum, u16, udp } from '../testing/raw.ts'
import { numberOf, readIpv4, Wires } from '../testing/wires.ts'

const GROUP = [224, 1, 2, 3]
const OTHER = [224, 1, 2, 4]
const ALL_HOSTS = [224, 0, 0, 1]
const ALL_ROUTERS = [224, 0, 0, 2]
const HOST = [10, 0, 0, 1]
const ROUTER = [10, 0, 0, 9]
const [QUERY, V1_REPORT, V2_REPORT, LEAVE] = [0x11, 0x12, 0x16, 0x17]

const macOf = (group: number[]) => [1, 0, 0x5e, (group[1] ?? 0) & 0x7f, group[2] ?? 0, group[3] ?? 0]
const igmp = (type: number, response: number, group: number[]) => {
  const message = [type, response, 0, 0, ...group]
  message.splice(2, 2, ...u16(checksum(message)))
  return message
}
const host = () => new Wires(['10.0.0.1/24'])
const udpSocket = (w: Wires, port = 0): Socket => {
  const socket = w.stack.socket(Protocol.Udp) as Socket
  if (port !== 0) expect(w.stack.bind(socket, 0, port)).toBe(0)
  return socket
}
const joined = (w: Wires, group = GROUP, port = 5000): Socket => {
  const socket = udpSocket(w, port)
  expect(w.stack.joinGroup(socket, numberOf(group))).toBe(0)
  return socket
}
/** What the host has said in IGMP since it was last asked: time, type, group. */
const said = (w: Wires) =>
  w
    .wait(0)
    .sent.splice(0)
    .map(({ at, bytes }) => ({ at, ...readIpv4(bytes) }))
    .filter(({ protocol }) => protocol === 2)
    .map(({ at, payload }) => [at, payload[0], payload.slice(4)])
const query = (w: Wires, response: number, group = [0, 0, 0, 0], to = ALL_HOSTS) =>
  w.in(2, igmp(QUERY, response, group), { from: ROUTER, to, ttl: 1 }, 0, macOf(to))
/** A report of another host. */
const report = (w: Wires, type: number, group = GROUP) =>
  w.in(2, igmp(type, 0, group), { from: [10, 0, 0, 7], to: group, ttl: 1 }, 0, macOf(group))
/** A datagram to the group's port 5000. */
const say = (w: Wires, data: number[], to = GROUP, mac = macOf(to)) =>
  w.in(17, udp(4000, 5000, data, ROUTER, to), { from: ROUTER, to, ttl: 1 }, 0, mac)
const heard = (w: Wires, socket: Socket) => {
  const into = new Uint8Array(3000)
  const length = w.stack.recvFrom(socket, into, { address: 0, port: 0 })
  return length < 0 ? length : [...into.subarray(0, length)]
}

describe('joining', () => {
  test('is reported at once and once more within 10 s: TTL 1, Router Alert, to the group (RFC 2236, 2 and 3)', () => {
    const w = host()
    const socket = joined(w)
    w.wait(0)
    const { bytes } = w.next()
    const { mac, from, to, ttl, protocol, options, payload, header } = readIpv4(bytes)
    expect({ mac, from, to, ttl, protocol }).toEqual({
      mac: macOf(GROUP),
      from: HOST,
      to: GROUP,
      ttl: 1,
      protocol: 2,
    })
    expect(options).toEqual([0x94, 4, 0, 0])
    expect(checksum(header)).toBe(0)
    expect(payload).toEqual(igmp(V2_REPORT, 0, GROUP))
    w.wait(10_000)
    expect(said(w).map(([, type]) => type)).toEqual([V2_REPORT])
    w.wait(100_000)
    expect(said(w)).toEqual([])
    w.stack.close(socket)
  })

  test('a second socket is not reported again, and the last that leaves is told to all routers', () => {
    const w = host()
    const first = joined(w)
    const second = joined(w, GROUP, 5001)
    w.wait(20_000)
    expect(said(w).length).toBe(2)
    w.stack.close(first)
    expect(said(w)).toEqual([])
    expect(w.stack.leaveGroup(second, numberOf(GROUP))).toBe(0)
    w.wait(0)
    expect(readIpv4(w.sent[0]?.bytes ?? new Uint8Array()).to).toEqual(ALL_ROUTERS)
    expect(said(w)).toEqual([[w.now, LEAVE, GROUP]])
    w.stack.close(second)
  })

  test('what is no group, no such link, a membership that is or is not there is refused', () => {
    const w = host()
    const socket = joined(w)
    expect(w.stack.joinGroup(socket, numberOf(GROUP))).toBe(EADDRINUSE)
    expect(w.stack.joinGroup(socket, numberOf([10, 0, 0, 9]))).toBe(EINVAL)
    expect(w.stack.joinGroup(socket, numberOf(OTHER), 1)).toBe(EINVAL)
    expect(w.stack.leaveGroup(socket, numberOf(OTHER))).toBe(EADDRNOTAVAIL)
    const tcp = w.stack.socket(Protocol.Tcp) as Socket
    expect(w.stack.joinGroup(tcp, numberOf(GROUP))).toBe(EOPNOTSUPP)
    w.stack.close(tcp)
    w.stack.close(socket)
    expect(w.stack.joinGroup(socket, numberOf(GROUP))).toBe(EBADF)
  })

  test('20 groups a socket and 64 a host are the most; closing gives all memory back', () => {
    const w = host()
    const before = w.stack.memory.used
    const results: number[] = []
    const sockets = [0, 1, 2, 3].map(() => udpSocket(w))
    sockets.forEach((socket, i) => {
      for (let g = 0; g < 21; g++) results.push(w.stack.joinGroup(socket, numberOf([239, 0, i, g])))
    })
    expect(results.filter(result => result === 0).length).toBe(64)
    expect(results.slice(0, 21)).toEqual([...Array(20).fill(0), ENOBUFS])
    expect(results.at(-1)).toBe(ENOBUFS)
    for (const socket of sockets) w.stack.close(socket)
    w.wait(1_000)
    expect(w.stack.memory.used).toBe(before)
  })

  test('the group of all hosts needs no report (RFC 1112, 7.2)', () => {
    const w = host()
    const socket = joined(w, ALL_HOSTS)
    query(w, 10)
    w.wait(20_000)
    w.stack.close(socket)
    expect(said(w)).toEqual([])
  })

  test('without the feature is EINVAL, and nothing that is sent to groups arrives', () => {
    const w = new Wires(['10.0.0.1/24'], {}, createMinimal)
    const socket = udpSocket(w, 5000)
    expect(w.stack.joinGroup(socket, numberOf(GROUP))).toBe(EINVAL)
    expect(say(w, [1])).toBe(Drop.NotAMember)
    w.stack.close(socket)
  })

  test('before the host has an address is reported as soon as it has one', () => {
    const w = host()
    w.stack.removeAddress(0x0a000001)
    const socket = joined(w)
    w.wait(20_000)
    expect(said(w)).toEqual([])
    w.stack.setAddress(0x0a000003, 24, 0)
    w.wait(20_000)
    expect(said(w).map(([, type]) => type)).toEqual([V2_REPORT, V2_REPORT])
    w.stack.close(socket)
  })
})

describe('a query', () => {
  /** A member whose own reports are behind it. */
  const member = () => {
    const w = host()
    const socket = joined(w)
    w.wait(20_000)
    w.skip()
    return { w, socket }
  }

  test('is answered at random within the time that it gives', () => {
    const { w, socket } = member()
    const times = new Set<number>()
    for (let i = 0; i < 20; i++) {
      const asked = w.now
      expect(query(w, 5)).toBe(Drop.None)
      w.wait(1_000)
      const [answer, ...more] = said(w)
      expect(more).toEqual([])
      expect(answer?.slice(1)).toEqual([V2_REPORT, GROUP])
      const waited = Number(answer?.[0]) - asked
      expect(waited > 0 && waited <= 500).toBe(true)
      times.add(waited)
    }
    expect(times.size).toBeGreaterThan(10)
    w.stack.close(socket)
  })

  test('for one group is answered by its members alone', () => {
    const { w, socket } = member()
    query(w, 5, OTHER, ALL_HOSTS)
    w.wait(1_000)
    expect(said(w)).toEqual([])
    query(w, 5, GROUP, GROUP)
    w.wait(1_000)
    expect(said(w).map(([, type]) => type)).toEqual([V2_REPORT])
    w.stack.close(socket)
  })

  test('that another host answers first is not answered again, and leaving is then silent', () => {
    for (const type of [V1_REPORT, V2_REPORT]) {
      const { w, socket } = member()
      query(w, 100)
      expect(report(w, type)).toBe(Drop.None)
      w.wait(20_000)
      expect(said(w)).toEqual([])
      w.stack.close(socket)
      expect(said(w)).toEqual([])
    }
  })

  test('that gives less time than a running timer has left starts it anew; one that gives more does not', () => {
    const { w, socket } = member()
    query(w, 250)
    query(w, 1)
    w.wait(100)
    expect(said(w).length).toBe(1)
    query(w, 1)
    query(w, 250)
    w.wait(100)
    expect(said(w).length).toBe(1)
    w.wait(30_000)
    expect(said(w)).toEqual([])
    w.stack.close(socket)
  })

  test('of version 1 is answered within 10 s by version 1, for 400 s, and nobody is told of a leave (RFC 2236, 4)', () => {
    const { w, socket } = member()
    query(w, 0)
    w.wait(10_000)
    expect(said(w).map(([, type]) => type)).toEqual([V1_REPORT])
    w.wait(389_000)
    query(w, 1)
    w.wait(500)
    expect(said(w).map(([, type]) => type)).toEqual([V1_REPORT])
    const other = joined(w, OTHER, 5001)
    expect(said(w).map(([, type]) => type)).toEqual([V1_REPORT])
    w.stack.close(other)
    expect(said(w)).toEqual([])
    w.wait(1_000)
    query(w, 1)
    w.wait(500)
    expect(said(w).map(([, type]) => type)).toEqual([V2_REPORT])
    w.stack.close(socket)
    expect(said(w).map(([, type]) => type)).toEqual([LEAVE])
  })

  test('too short, with a wrong checksum or for what is no group is dropped', () => {
    const { w, socket } = member()
    const all = { from: ROUTER, to: ALL_HOSTS, ttl: 1 }
    const good = igmp(QUERY, 1, [0, 0, 0, 0])
    expect(w.in(2, good.slice(0, 7), all, 0, macOf(ALL_HOSTS))).toBe(Drop.BadIgmp)
    expect(w.in(2, [...good.slice(0, 7), 1], all, 0, macOf(ALL_HOSTS))).toBe(Drop.BadIgmp)
    expect(w.in(2, igmp(QUERY, 1, ROUTER), all, 0, macOf(ALL_HOSTS))).toBe(Drop.BadIgmp)
    // RFC 2236, 2.5: what stands behind the first 8 bytes is checked, and else ignored.
    const longer = [QUERY, 1, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9]
    longer.splice(2, 2, ...u16(checksum(longer)))
    expect(w.in(2, longer, all, 0, macOf(ALL_HOSTS))).toBe(Drop.None)
    w.wait(1_000)
    expect(said(w).length).toBe(1)
    w.stack.close(socket)
  })
})

describe('what is sent to a group', () => {
  test('reaches the sockets that have joined it, each its own copy, and no other', () => {
    const w = host()
    const sockets = [0, 1, 2].map(() => {
      const socket = udpSocket(w)
      expect(w.stack.setOption(socket, Option.ReuseAddress, 1)).toBe(0)
      expect(w.stack.bind(socket, 0, 5000)).toBe(0)
      return socket
    })
    const [a, b, c] = sockets as [Socket, Socket, Socket]
    w.stack.joinGroup(a, numberOf(GROUP))
    w.stack.joinGroup(b, numberOf(GROUP))
    w.stack.joinGroup(c, numberOf(OTHER))
    expect(say(w, [1, 2, 3])).toBe(Drop.None)
    expect([heard(w, a), heard(w, b), heard(w, c)]).toEqual([[1, 2, 3], [1, 2, 3], EAGAIN])
    w.stack.leaveGroup(a, numberOf(GROUP))
    say(w, [4])
    expect([heard(w, a), heard(w, b), heard(w, c)]).toEqual([EAGAIN, [4], EAGAIN])
    for (const socket of sockets) w.stack.close(socket)
    expect(say(w, [5])).toBe(Drop.NotAMember)
  })

  test('from the peer of a connected socket, by broadcast, reaches that one, too', () => {
    const w = host()
    const [a, b] = [0, 1].map(() => {
      const socket = udpSocket(w)
      w.stack.setOption(socket, Option.ReuseAddress, 1)
      expect(w.stack.bind(socket, 0, 5000)).toBe(0)
      return socket
    }) as [Socket, Socket]
    expect(w.stack.connect(a, numberOf(ROUTER), 4000)).toBe(0)
    expect(say(w, [1], [10, 0, 0, 255], Array(6).fill(255))).toBe(Drop.None)
    expect([heard(w, a), heard(w, b)]).toEqual([[1], [1]])
    expect(w.stack.connect(b, numberOf(ROUTER), 4000)).toBe(EADDRINUSE)
    w.stack.close(a)
    expect(w.stack.connect(b, numberOf(ROUTER), 4000)).toBe(0)
    w.stack.close(b)
  })

  test('in fragments reaches them as well', () => {
    const w = host()
    const socket = joined(w)
    const data = Array.from({ length: 2000 }, (_, i) => i & 255)
    const whole = udp(4000, 5000, data, ROUTER, GROUP)
    const fields = { from: ROUTER, to: GROUP, ttl: 1 }
    w.in(17, whole.slice(0, 1480), { ...fields, fragment: 0x2000 }, 0, macOf(GROUP))
    expect(w.in(17, whole.slice(1480), { ...fields, fragment: 185 }, 0, macOf(GROUP))).toBe(Drop.None)
    expect(heard(w, socket)).toEqual(data)
    w.stack.close(socket)
  })

  test('is sorted out by its MAC address, and by its IP address where two groups share one', () => {
    const w = host()
    const socket = joined(w)
    expect(say(w, [1], OTHER)).toBe(Drop.NotAMember)
    const twin = [224, 129, 2, 3]
    expect(say(w, [1], twin)).toBe(Drop.WrongDestination)
    expect(say(w, [1], GROUP, macOf(OTHER))).toBe(Drop.NotAMember)
    w.stack.close(socket)
  })

  test('when it is no UDP, or for a port that nobody has, is dropped without a word', () => {
    const w = host()
    const socket = joined(w)
    w.wait(20_000)
    w.skip()
    const fields = { from: ROUTER, to: GROUP, ttl: 1 }
    expect(w.in(17, udp(1, 2, [], ROUTER, GROUP), fields, 0, macOf(GROUP))).toBe(Drop.NoPort)
    expect(w.in(99, [1, 2, 3], fields, 0, macOf(GROUP))).toBe(Drop.UnknownProtocol)
    expect(w.in(6, Array(20).fill(0), fields, 0, macOf(GROUP))).toBe(Drop.WrongDestination)
    expect(w.sent).toEqual([])
    w.stack.close(socket)
  })

  test('by us has a TTL of 1, goes to its MAC address, and comes back to our own members', () => {
    const w = host()
    const socket = joined(w)
    w.wait(20_000)
    w.skip()
    const send = (data: number[]) => w.stack.sendTo(socket, Uint8Array.from(data), numberOf(GROUP), 5000)
    expect(send([7, 8])).toBe(2)
    w.wait(0)
    const { mac, to, ttl, payload } = readIpv4(w.next().bytes)
    expect({ mac, to, ttl }).toEqual({ mac: macOf(GROUP), to: GROUP, ttl: 1 })
    expect(payload).toEqual(udp(5000, 5000, [7, 8], HOST, GROUP))
    expect(heard(w, socket)).toEqual([7, 8])
    w.stack.setOption(socket, Option.MulticastTtl, 9)
    w.stack.setOption(socket, Option.MulticastLoop, 0)
    send([9])
    w.wait(0)
    expect(readIpv4(w.next().bytes).ttl).toBe(9)
    expect(heard(w, socket)).toBe(EAGAIN)
    // With a TTL of 0 it stays on this host.
    w.stack.setOption(socket, Option.MulticastTtl, 0)
    w.stack.setOption(socket, Option.MulticastLoop, 1)
    expect(send(Array(3000).fill(5))).toBe(3000)
    w.wait(0)
    expect(w.sent).toEqual([])
    expect(heard(w, socket)).toEqual(Array(3000).fill(5))
    w.stack.close(socket)
  })

  test('goes out by the link that the socket names, with that one’s address', () => {
    const w = new Wires(['10.0.0.1/24', '10.0.1.1/24'])
    const socket = udpSocket(w, 5000)
    expect(w.stack.joinGroup(socket, numberOf(GROUP), 1)).toBe(0)
    w.wait(0)
    expect(w.next().link).toBe(1)
    expect(w.stack.setOption(socket, Option.MulticastLink, 2)).toBe(EINVAL)
    expect(w.stack.setOption(socket, Option.MulticastLink, 1)).toBe(0)
    w.stack.sendTo(socket, Uint8Array.of(1), numberOf(GROUP), 5000)
    w.wait(0)
    const { link, bytes } = w.next()
    expect([link, readIpv4(bytes).from]).toEqual([1, [10, 0, 1, 1]])
    expect(heard(w, socket)).toEqual([1])
    // Joined on link 1 alone.
    expect(say(w, [2])).toBe(Drop.NotAMember)
    w.stack.close(socket)
  })
})
