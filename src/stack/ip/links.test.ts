import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import {
  EACCES,
  EADDRNOTAVAIL,
  EAGAIN,
  ECONNREFUSED,
  EEXIST,
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  ENOBUFS,
} from '../errno.ts'
import { createStack } from '../profiles/full.ts'
import { Option, Protocol, type Socket } from '../stack.ts'
import { BROADCAST_MAC, ethernet, icmp, ipv4, readArp, readTcp, tcp, udp } from '../testing/raw.ts'
import { environment, Simulation } from '../testing/simulation.ts'
import { hostMac, numberOf, peerMac, readIpv4, Wires } from '../testing/wires.ts'

const two = (config = {}) => new Wires(['10.0.0.1/24', '10.0.1.1/24'], config)
const udpSocket = (w: Wires, address = 0, port = 0): Socket => {
  const socket = w.stack.socket(Protocol.Udp) as Socket
  if (port !== 0) expect(w.stack.bind(socket, address, port)).toBe(0)
  return socket
}
const sendTo = (w: Wires, socket: Socket, to: number[], length = 1) => {
  const result = w.stack.sendTo(socket, new Uint8Array(length), numberOf(to), 9)
  w.wait(0)
  return result
}
/** Where the next frame went: link, MAC address, source, destination. */
const went = (w: Wires) => {
  const { link, bytes } = w.next()
  const { mac, from, to } = readIpv4(bytes)
  return { link, mac, from, to }
}
const heard = (w: Wires, socket: Socket) => {
  const from = { address: 0, port: 0 }
  const length = w.stack.recvFrom(socket, new Uint8Array(100), from)
  return length < 0 ? length : from.address
}

const differences = (a: ArrayBuffer, b: ArrayBuffer): number => {
  const other = new Uint8Array(b)
  return new Uint8Array(a).filter((byte, i) => byte !== other[i]).length
}

describe('several links', () => {
  test('a frame by a link that is not there is not taken, and changes nothing', () => {
    const w = two()
    const before = w.stack.arena.slice(0)
    for (const link of [2, 3, -1, 0.5, 2 ** 31, Number.NaN])
      expect(w.stack.input(Uint8Array.of(1, 2, 3), w.now, link)).toBe(Drop.NotForUs)
    expect(w.stack.counters['drop.NotForUs']).toBe(6)
    expect(differences(before, w.stack.arena)).toBeLessThanOrEqual(1)
  })

  test('nobody answers for an address on one of them: who connects by way of it on another goes on', () => {
    const w = two()
    const host = [10, 0, 0, 9]
    const route = {
      destination: numberOf([10, 5, 0, 0]),
      prefixLength: 16,
      gateway: numberOf(host),
      link: 0,
      metric: 0,
    }
    expect(w.stack.addRoute(route)).toBe(0)
    const socket = w.stack.socket(Protocol.Tcp) as Socket
    w.stack.connect(socket, numberOf([10, 5, 0, 1]), 80)
    w.wait(10)
    w.everybodyAnswers = false
    expect(
      w.stack.addRoute({ ...route, destination: numberOf(host), prefixLength: 32, gateway: 0, link: 1 }),
    ).toBe(0)
    sendTo(w, udpSocket(w), host)
    w.wait(5_000)
    expect(w.stack.error(socket)).toBe(0)
  })

  test('each has its MAC address and speaks with its own IP address to what is on it', () => {
    const w = two()
    const socket = udpSocket(w)
    sendTo(w, socket, [10, 0, 0, 5])
    sendTo(w, socket, [10, 0, 1, 5])
    expect([went(w), went(w)]).toEqual([
      { link: 0, mac: peerMac(0), from: [10, 0, 0, 1], to: [10, 0, 0, 5] },
      { link: 1, mac: peerMac(1), from: [10, 0, 1, 1], to: [10, 0, 1, 5] },
    ])
    w.stack.close(socket)
  })

  test('a frame is for the MAC address of the link by which it comes', () => {
    const w = two()
    const ping = icmp(8, 0, [0, 1, 0, 1])
    const fields = { from: [10, 0, 1, 5], to: [10, 0, 1, 1] }
    expect(w.in(1, ping, fields, 1, hostMac(0))).toBe(Drop.NotForUs)
    expect(w.in(1, ping, fields, 1)).toBe(Drop.None)
    expect(went(w)).toEqual({ link: 1, mac: peerMac(1), from: [10, 0, 1, 1], to: [10, 0, 1, 5] })
    // RFC 1122, 3.3.4.2: the weak model: an address of ours is ours on every link, and answers with itself.
    expect(w.in(1, ping, { from: [10, 0, 0, 5], to: [10, 0, 1, 1] }, 0)).toBe(Drop.None)
    expect(went(w)).toEqual({ link: 0, mac: peerMac(0), from: [10, 0, 1, 1], to: [10, 0, 0, 5] })
  })

  test('ARP is answered for the addresses of its own link', () => {
    const w = two()
    const ask = (link: number, targetIp: number[], senderIp: number[]) => {
      const packet = [0, 1, 8, 0, 6, 4, 0, 1, ...peerMac(link), ...senderIp, 0, 0, 0, 0, 0, 0, ...targetIp]
      w.frame(ethernet(BROADCAST_MAC, peerMac(link), 0x0806, packet), link)
      return w.sent.splice(0).map(({ link, bytes }) => [link, readArp(bytes)?.senderMac])
    }
    expect(ask(1, [10, 0, 1, 1], [10, 0, 1, 9])).toEqual([[1, hostMac(1)]])
    expect(ask(0, [10, 0, 1, 1], [10, 0, 0, 9])).toEqual([])
    expect(w.stack.addAddress(1, numberOf([10, 0, 2, 1]), 24)).toBe(0)
    expect(ask(1, [10, 0, 2, 1], [10, 0, 2, 9])).toEqual([[1, hostMac(1)]])
  })

  test('one host on two links is two neighbours', () => {
    const w = two()
    const socket = udpSocket(w)
    expect(w.stack.addAddress(1, numberOf([10, 0, 2, 1]), 24)).toBe(0)
    const route = { destination: numberOf([10, 0, 0, 5]), prefixLength: 32, gateway: 0, link: 1, metric: 0 }
    sendTo(w, socket, [10, 0, 0, 5])
    expect(w.stack.addRoute(route)).toBe(0)
    sendTo(w, socket, [10, 0, 0, 5])
    expect([went(w).mac, went(w).mac]).toEqual([peerMac(0), peerMac(1)])
    w.stack.close(socket)
  })

  test('a link that is busy holds up no other', () => {
    const w = two()
    const socket = udpSocket(w)
    for (const to of [
      [10, 0, 0, 5],
      [10, 0, 1, 5],
    ])
      sendTo(w, socket, to)
    w.skip()
    w.stack.sendTo(socket, new Uint8Array(1), numberOf([10, 0, 0, 5]), 9)
    w.stack.sendTo(socket, new Uint8Array(1), numberOf([10, 0, 1, 5]), 9)
    const links: number[] = []
    w.stack.output((_, link) => {
      if (link === 0) return false
      links.push(link)
      return true
    })
    expect(links).toEqual([1])
    w.wait(0)
    expect(went(w).link).toBe(0)
    w.stack.close(socket)
  })

  test('each has its MTU: larger datagrams go in fragments, and TCP offers what fits', () => {
    const w = new Wires(['10.0.0.1/24'], {
      links: [{ mac: Uint8Array.from(hostMac(1)), mtu: 576, address: '10.0.1.1/24' }],
    })
    const socket = udpSocket(w)
    sendTo(w, socket, [10, 0, 0, 5], 1472)
    expect(w.skip()).toBe(1)
    sendTo(w, socket, [10, 0, 1, 5], 548)
    expect(w.skip()).toBe(1)
    sendTo(w, socket, [10, 0, 1, 5], 549)
    expect(w.skip()).toBe(2)
    const tcp = w.stack.socket(Protocol.Tcp) as Socket
    expect(w.stack.connect(tcp, numberOf([10, 0, 1, 5]), 80)).toBe(0)
    w.wait(0)
    expect(readTcp(w.next().bytes)?.options.slice(0, 4)).toEqual([2, 4, 536 >> 8, 536 & 255])
    w.stack.abort(tcp)
    w.stack.close(socket)
  })

  test('more than four, and settings that cannot be, are refused with their names', () => {
    const mac = Uint8Array.from(hostMac(1))
    const make = (links: object[]) => () =>
      createStack({ memory: 65536, mac, links: links as never }, environment(1))
    expect(make([{ mac }, { mac }, { mac }, { mac }])).toThrow(
      'The number of links must be a whole number from 1 to 4; 5 is not.',
    )
    expect(make([{ mac, mtu: 60 }])).toThrow('The MTU must be a whole number from 68 to 1500; 60 is not.')
    expect(make([{ mac, address: '10.0.0.1' }])).toThrow('An address is written like 10.0.0.1/24')
    expect(make([{ mac }, { mac }, { mac }])().routes).toEqual([])
  })
})

describe('addresses', () => {
  test('several of one link: each is ours, and each speaks to its own network', () => {
    const w = two()
    expect(w.stack.addAddress(0, numberOf([192, 168, 5, 1]), 24)).toBe(0)
    expect(w.stack.addAddress(0, numberOf([10, 0, 0, 7]), 24)).toBe(0)
    expect(w.stack.addAddress(1, numberOf([10, 0, 0, 7]), 24)).toBe(EEXIST)
    for (const address of [
      [127, 0, 0, 1],
      [224, 0, 0, 1],
      [0, 1, 2, 3],
      [255, 255, 255, 255],
    ])
      expect(w.stack.addAddress(1, numberOf(address), 24)).toBe(EINVAL)
    expect(() => w.stack.addAddress(2, 1, 24)).toThrow('link must be a whole number from 0 to 1; 2 is not.')
    const socket = udpSocket(w)
    sendTo(w, socket, [192, 168, 5, 9])
    expect(went(w)).toEqual({ link: 0, mac: peerMac(0), from: [192, 168, 5, 1], to: [192, 168, 5, 9] })
    sendTo(w, socket, [10, 0, 0, 9])
    expect(went(w).from).toEqual([10, 0, 0, 1])
    expect(w.in(1, icmp(8, 0, [0, 1, 0, 1]), { from: [10, 0, 0, 9], to: [10, 0, 0, 7] })).toBe(Drop.None)
    expect(went(w).from).toEqual([10, 0, 0, 7])
    expect(w.stack.addresses.map(({ address, link }) => [address, link])).toEqual([
      [numberOf([10, 0, 1, 1]), 1],
      [numberOf([10, 0, 0, 1]), 0],
      [numberOf([192, 168, 5, 1]), 0],
      [numberOf([10, 0, 0, 7]), 0],
    ])
    // The first goes: the next takes its place.
    expect(w.stack.removeAddress(numberOf([10, 0, 0, 1]))).toBe(0)
    expect(w.stack.removeAddress(numberOf([10, 0, 0, 1]))).toBe(EADDRNOTAVAIL)
    expect(w.stack.address).toBe(numberOf([192, 168, 5, 1]))
    sendTo(w, socket, [10, 0, 0, 9])
    expect(went(w).from).toEqual([10, 0, 0, 7])
    w.stack.close(socket)
  })

  test('are 16 at most, and give their memory back', () => {
    const w = two()
    const before = w.stack.memory.used
    const results = Array.from({ length: 15 }, (_, i) => w.stack.addAddress(1, numberOf([172, 16, i, 1]), 24))
    expect(results).toEqual([...Array(14).fill(0), ENOBUFS])
    for (let i = 0; i < 14; i++) expect(w.stack.removeAddress(numberOf([172, 16, i, 1]))).toBe(0)
    w.wait(0)
    expect(w.stack.memory.used).toBe(before)
    expect(w.stack.routes.length).toBe(2)
  })

  test('a socket bound to one hears and speaks with that one alone', () => {
    const w = two()
    expect(w.stack.addAddress(0, numberOf([10, 0, 0, 7]), 24)).toBe(0)
    const socket = udpSocket(w, numberOf([10, 0, 0, 7]), 53)
    expect(w.stack.bind(socket, numberOf([10, 0, 0, 8]), 54)).toBe(EADDRNOTAVAIL)
    const say = (to: number[]) => w.in(17, udp(4000, 53, [1], [10, 0, 0, 9], to), { from: [10, 0, 0, 9], to })
    expect(say([10, 0, 0, 1])).toBe(Drop.NoPort)
    expect(heard(w, socket)).toBe(EAGAIN)
    expect(say([10, 0, 0, 7])).toBe(Drop.None)
    expect(heard(w, socket)).toBe(numberOf([10, 0, 0, 9]))
    w.skip()
    sendTo(w, socket, [10, 0, 0, 9])
    expect(went(w).from).toEqual([10, 0, 0, 7])
    w.stack.close(socket)
  })

  test('who listens at one of them is not reached by another', () => {
    const w = two()
    const listener = w.stack.socket(Protocol.Tcp) as Socket
    expect(w.stack.bind(listener, numberOf([10, 0, 1, 1]), 80)).toBe(0)
    expect(w.stack.listen(listener, 1)).toBe(0)
    const [source, SYN] = [[10, 0, 0, 9], 2]
    const knock = (to: number[]) => {
      const syn = { from: 4000, to: 80, seq: 1, ack: 0, flags: SYN, window: 1, options: [], data: [] }
      return w.in(6, tcp(syn, source, to), { from: source, to })
    }
    expect(knock([10, 0, 0, 1])).toBe(Drop.NoPort)
    expect(knock([10, 0, 1, 1])).toBe(Drop.None)
    w.stack.abort(listener)
  })

  test('connections to one end when it goes, those to others stay', () => {
    const w = two()
    const tcp = [0, 1].map(link => {
      const socket = w.stack.socket(Protocol.Tcp) as Socket
      expect(w.stack.connect(socket, numberOf([10, 0, link, 5]), 80)).toBe(0)
      return socket
    })
    w.wait(0)
    expect(w.stack.removeAddress(numberOf([10, 0, 1, 1]))).toBe(0)
    expect(tcp.map(socket => w.stack.error(socket))).toEqual([0, EADDRNOTAVAIL])
    for (const socket of tcp) w.stack.abort(socket)
  })
})

describe('routes', () => {
  const via = (destination: number[], prefixLength: number, gateway: number[], link = 0, metric = 0) => ({
    destination: numberOf(destination),
    prefixLength,
    gateway: numberOf(gateway),
    link,
    metric,
  })

  test('lead to the router of the longest prefix, from the address in its network (RFC 1122, 3.3.4.3)', () => {
    const w = two({ gateway: '10.0.0.254' })
    expect(w.stack.addRoute(via([8, 0, 0, 0], 8, [10, 0, 1, 254], 1))).toBe(0)
    const socket = udpSocket(w)
    sendTo(w, socket, [9, 9, 9, 9])
    sendTo(w, socket, [8, 8, 8, 8])
    expect([went(w), went(w)]).toEqual([
      { link: 0, mac: peerMac(0), from: [10, 0, 0, 1], to: [9, 9, 9, 9] },
      { link: 1, mac: peerMac(1), from: [10, 0, 1, 1], to: [8, 8, 8, 8] },
    ])
    w.stack.close(socket)
  })

  test('that change are followed by the next datagram to where the last one went', () => {
    const w = two({ gateway: '10.0.0.254' })
    const socket = udpSocket(w)
    const far = [9, 9, 9, 9]
    const next = () => {
      const result = sendTo(w, socket, far)
      return result < 0 ? result : went(w).link
    }
    expect([next(), next()]).toEqual([0, 0])
    expect(w.stack.addRoute(via(far, 32, [10, 0, 1, 254], 1))).toBe(0)
    expect(next()).toBe(1)
    expect(w.stack.removeRoute(numberOf(far), 32, 0)).toBe(0)
    expect(next()).toBe(0)
    expect(w.stack.removeRoute(0, 0, 0)).toBe(0)
    expect(next()).toBe(EHOSTUNREACH)
    expect(w.stack.addAddress(1, numberOf([9, 9, 9, 1]), 24)).toBe(0)
    expect(next()).toBe(1)
    w.stack.close(socket)
  })

  test('where there is none, nothing is sent; a link-local destination is never sent to a router', () => {
    const w = two()
    const socket = udpSocket(w)
    expect(sendTo(w, socket, [9, 9, 9, 9])).toBe(EHOSTUNREACH)
    const tcp = w.stack.socket(Protocol.Tcp) as Socket
    expect(w.stack.connect(tcp, 0x09090909, 80)).toBe(ENETUNREACH)
    w.stack.abort(tcp)
    expect(w.stack.addRoute(via([0, 0, 0, 0], 0, [10, 0, 1, 254], 1))).toBe(0)
    sendTo(w, socket, [169, 254, 7, 7])
    expect(went(w)).toMatchObject({ link: 0, mac: peerMac(0), to: [169, 254, 7, 7] })
    w.stack.close(socket)
  })

  test('the address that is set brings its router, and the last one goes', () => {
    const w = two({ gateway: '10.0.0.254' })
    w.stack.setAddress(numberOf([192, 168, 1, 1]), 16, numberOf([192, 168, 0, 254]))
    w.wait(20_000)
    expect(w.stack.routes.filter(({ gateway }) => gateway !== 0)).toEqual([
      via([0, 0, 0, 0], 0, [192, 168, 0, 254]),
    ])
    expect(w.stack.routes.length).toBe(3)
  })
})

describe('broadcasts', () => {
  const ALL = [255, 255, 255, 255]

  test('are sent only by sockets that may, to all stations of the link', () => {
    const w = two()
    const socket = udpSocket(w)
    for (const to of [ALL, [10, 0, 0, 255], [10, 0, 1, 255]]) expect(sendTo(w, socket, to)).toBe(EACCES)
    expect(w.stack.setOption(socket, Option.Broadcast, 2)).toBe(EINVAL)
    expect(w.stack.setOption(socket, Option.Broadcast, 1)).toBe(0)
    for (const to of [ALL, [10, 0, 0, 255], [10, 0, 1, 255]]) expect(sendTo(w, socket, to)).toBe(1)
    expect([went(w), went(w), went(w)]).toEqual([
      { link: 0, mac: BROADCAST_MAC, from: [10, 0, 0, 1], to: ALL },
      { link: 0, mac: BROADCAST_MAC, from: [10, 0, 0, 1], to: [10, 0, 0, 255] },
      { link: 1, mac: BROADCAST_MAC, from: [10, 0, 1, 1], to: [10, 0, 1, 255] },
    ])
    w.stack.close(socket)
  })

  test('are heard by the sockets at their port, limited or the network’s own, on their link', () => {
    const w = two()
    const socket = udpSocket(w, 0, 67)
    const say = (to: number[], from: number[], link = 0) =>
      w.in(17, udp(68, 67, [1], from, to), { from, to }, link, BROADCAST_MAC)
    expect(say(ALL, [10, 0, 0, 9])).toBe(Drop.None)
    expect(say([10, 0, 0, 255], [10, 0, 0, 9])).toBe(Drop.None)
    expect(say([10, 0, 1, 255], [10, 0, 0, 9])).toBe(Drop.WrongDestination)
    expect(say([10, 0, 1, 255], [10, 0, 1, 9], 1)).toBe(Drop.None)
    // RFC 1122, 3.2.1.3 (a): who has no address yet asks all.
    expect(say(ALL, [0, 0, 0, 0])).toBe(Drop.None)
    expect(say([10, 0, 0, 255], [0, 0, 0, 0])).toBe(Drop.BadSource)
    expect([0, 1, 2, 3, 4].map(() => heard(w, socket))).toEqual([
      numberOf([10, 0, 0, 9]),
      numberOf([10, 0, 0, 9]),
      numberOf([10, 0, 1, 9]),
      0,
      EAGAIN,
    ])
    w.stack.close(socket)
  })

  test('a host without an address asks from 0.0.0.0, and hears the answer', () => {
    const stack = createStack({ memory: 65536, mac: Uint8Array.from(hostMac(0)) }, environment(1))
    const socket = stack.socket(Protocol.Udp) as Socket
    expect(stack.bind(socket, 0, 68)).toBe(0)
    stack.setOption(socket, Option.Broadcast, 1)
    expect(stack.sendTo(socket, Uint8Array.of(1), 0xffffffff, 67)).toBe(1)
    expect(stack.sendTo(socket, Uint8Array.of(1), 0x0a000002, 67)).toBe(ENETUNREACH)
    const frames: Uint8Array[] = []
    stack.output(frame => frames.push(frame.slice()) > 0)
    const { mac, from, to, payload } = readIpv4(frames[0] ?? new Uint8Array())
    expect({ mac, from, to }).toEqual({ mac: BROADCAST_MAC, from: [0, 0, 0, 0], to: ALL })
    expect(payload).toEqual(udp(68, 67, [1], [0, 0, 0, 0], ALL))
    const w = new Wires(['10.0.0.1/24'])
    const server = udpSocket(w, 0, 67)
    w.frame(frames[0] ?? new Uint8Array())
    expect(heard(w, server)).toBe(0)
    w.stack.close(server)
    const offer = udp(67, 68, [2], [10, 0, 0, 9], ALL)
    const answer = ipv4(17, offer, { from: [10, 0, 0, 9], to: ALL })
    expect(stack.input(ethernet(BROADCAST_MAC, peerMac(0), 0x0800, answer), 1)).toBe(Drop.None)
    expect(stack.recvFrom(socket, new Uint8Array(9), { address: 0, port: 0 })).toBe(1)
  })
})

describe('neighbours', () => {
  test('that nobody is take no more than their share, and those that are there stay', () => {
    const w = new Wires(['10.0.0.1/8'], { memory: 64 * 1024 })
    const socket = udpSocket(w)
    sendTo(w, socket, [10, 0, 0, 9])
    w.everybodyAnswers = false
    const before = w.stack.memory
    const used = (name: string) => w.stack.memory.pools.find(pool => pool.name === name)?.used ?? 0
    for (let i = 0; i < 2_000; i++) sendTo(w, socket, [10, 1, i >> 8, i & 255], 500)
    expect(used('neighbours')).toBeLessThanOrEqual(2 * 1600)
    // No more wait than an eighth of the pages.
    expect(used('frames')).toBeLessThanOrEqual(5 * 1600)
    expect(w.stack.memory.failures).toBe(before.failures)
    w.skip()
    sendTo(w, socket, [10, 0, 0, 9])
    expect(went(w).to).toEqual([10, 0, 0, 9])
    w.wait(10_000)
    expect(used('frames')).toBe(0)
    w.stack.close(socket)
  })

  test('a new one takes the place of the oldest that has not answered, else of the one heard longest ago', () => {
    const w = new Wires(['10.0.0.1/8'], { memory: 32 * 1024 })
    const socket = udpSocket(w)
    // 33 fit the one page that is theirs.
    for (let i = 0; i < 33; i++) {
      sendTo(w, socket, [10, 0, 1, i])
      w.wait(10)
    }
    w.skip()
    sendTo(w, socket, [10, 0, 2, 0])
    expect(w.skip()).toBe(1)
    w.everybodyAnswers = false
    for (let i = 1; i < 33; i++) sendTo(w, socket, [10, 0, 1, i])
    expect(w.skip()).toBe(32)
    sendTo(w, socket, [10, 0, 1, 0])
    expect(w.skip()).toBe(0)
    sendTo(w, socket, [10, 0, 2, 0])
    expect(w.skip()).toBe(1)
    // 10.0.1.1 made room for 10.0.1.0; from here on the one that has not answered gives way.
    sendTo(w, socket, [10, 0, 3, 0])
    sendTo(w, socket, [10, 0, 1, 2])
    expect(w.skip()).toBe(1)
    w.stack.close(socket)
  })

  test('one that is absent ends only the attempts that go by way of it', () => {
    const sim = new Simulation()
    const alice = sim.add('alice')
    const bob = sim.add('bob')
    sim.start()
    const near = alice.stack.socket(Protocol.Tcp) as Socket
    const nobody = alice.stack.socket(Protocol.Tcp) as Socket
    alice.stack.connect(nobody, 0x0a000063, 7)
    alice.stack.connect(near, bob.stack.address, 7)
    sim.run(10_000)
    expect([alice.stack.error(nobody), alice.stack.error(near)]).toEqual([EHOSTUNREACH, ECONNREFUSED])
  })
})
