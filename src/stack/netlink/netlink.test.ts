import { describe, expect, test } from 'vitest'
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EBUSY,
  EEXIST,
  EINVAL,
  ENETUNREACH,
  ENOBUFS,
  ENODEV,
  ENOENT,
  EOPNOTSUPP,
  ESRCH,
} from '../errno.ts'
import { inspectNeighbours } from '../inspect/inspect.ts'
import { Protocol, type Socket, type StackConfig } from '../stack.ts'
import { Dialogue, PEER } from '../testing/dialogue.ts'
import { expectSound } from '../testing/invariants.ts'
import { arp, ethernet, HOST_IP, HOST_MAC, PEER_IP, PEER_MAC } from '../testing/raw.ts'

/** Little-endian numbers, as Linux has them on most machines. */
const u16 = (n: number): number[] => [n & 255, (n >> 8) & 255]
const u32 = (n: number): number[] => [...u16(n), ...u16(n >>> 16)]
const [REQUEST, ACK, REPLACE, EXCL, CREATE, DUMP] = [1, 4, 0x100, 0x200, 0x400, 0x300]
const [NEWLINK, GETLINK, NEWADDR, DELADDR, GETADDR] = [16, 18, 20, 21, 22]
const [NEWROUTE, DELROUTE, GETROUTE, NEWNEIGH, DELNEIGH, GETNEIGH] = [24, 25, 26, 28, 29, 30]
const [ERROR, DONE] = [2, 3]

interface Message {
  readonly type: number
  readonly flags: number
  readonly seq: number
  readonly body: number[]
  /** Attributes by their types. */
  readonly attributes: Readonly<Record<number, number[]>>
}

const attribute = (type: number, value: number[]): number[] => {
  const bytes = [...u16(4 + value.length), ...u16(type), ...value]
  while (bytes.length % 4 !== 0) bytes.push(0)
  return bytes
}

const message = (
  type: number,
  flags: number,
  body: number[],
  attributes: [number, number[]][] = [],
): number[] => {
  const rest = [...body, ...attributes.flatMap(([kind, value]) => attribute(kind, value))]
  return [...u32(16 + rest.length), ...u16(type), ...u16(REQUEST | flags), ...u32(77), ...u32(0), ...rest]
}

/** The fixed parts of the four. */
const link = (index: number) => [0, 0, ...u16(0), ...u32(index), ...u32(0), ...u32(0)]
const address = (length: number, index: number) => [2, length, 0, 0, ...u32(index)]
const route = (length: number) => [2, length, 0, 0, 254, 4, 0, 1, ...u32(0)]
const neighbour = (index: number, state = 0) => [2, 0, 0, 0, ...u32(index), ...u16(state), 0, 0]

const FIXED: Readonly<Record<number, number>> = { 16: 16, 20: 8, 24: 12, 28: 12 }

function parse(bytes: number[]): Message[] {
  const messages: Message[] = []
  for (let at = 0; at < bytes.length; ) {
    const word = (i: number) => (bytes[at + i] ?? 0) | ((bytes[at + i + 1] ?? 0) << 8)
    const length = word(0)
    expect(length % 4).toBe(0)
    const type = word(4)
    const fixed = FIXED[type & ~3] ?? length - 16
    const attributes: Record<number, number[]> = {}
    for (let i = 16 + fixed; i < length; i += (word(i) + 3) & ~3)
      attributes[word(i + 2)] = bytes.slice(at + i + 4, at + i + word(i))
    const body = bytes.slice(at + 16, at + 16 + fixed)
    messages.push({ type, flags: word(6), seq: word(8), body, attributes })
    at += length
  }
  return messages
}

class Shell {
  readonly d: Dialogue
  readonly socket: Socket
  constructor(config: Partial<StackConfig> = {}, groups = 0) {
    this.d = new Dialogue(config)
    this.socket = this.d.stack.socket(Protocol.Netlink) as Socket
    if (groups !== 0) expect(this.d.stack.bind(this.socket, groups, 0)).toBe(0)
  }

  ask(...request: number[]): void {
    expect(this.d.stack.send(this.socket, Uint8Array.from(request))).toBe(request.length)
  }

  /** All messages that wait, read to the end. */
  read(): Message[] {
    const into = new Uint8Array(2000)
    const found: Message[] = []
    for (let n = this.d.stack.recv(this.socket, into); n > 0; n = this.d.stack.recv(this.socket, into))
      found.push(...parse([...into.subarray(0, n)]))
    return found
  }

  /** How a request with NLM_F_ACK ended. */
  change(type: number, flags: number, body: number[], attributes: [number, number[]][] = []): number {
    this.ask(...message(type, flags | ACK, body, attributes))
    const [reply] = this.read().filter(one => one.type === ERROR)
    return new DataView(Uint8Array.from(reply?.body ?? []).buffer).getInt32(0, true)
  }

  list(type: number): Message[] {
    this.ask(...message(type, DUMP, [0]))
    const all = this.read()
    expect(all.pop()?.type).toBe(DONE)
    for (const one of all) expect([one.type, one.flags, one.seq]).toEqual([type - 2, 2, 77])
    return all
  }

  close(): void {
    this.d.stack.close(this.socket)
  }
}

const two = { links: [{ mac: Uint8Array.from([2, 0, 0, 0, 1, 1]), address: '10.1.0.1/16', mtu: 1400 }] }

test('no mask of groups and no number of a dump is taken for an IPv6 address', () => {
  const shell = new Shell(two, 0xfff0)
  shell.ask(...message(GETROUTE, DUMP, [0]).with(8, 0x70).with(9, 0x11).with(10, 1))
  expectSound(shell.d.stack)
  // Addresses that nobody names any more are looked for after a while.
  shell.d.wait(120_000)
  expectSound(shell.d.stack)
  expect(shell.read().at(-1)?.seq).toBe(0x1170)
  shell.close()
  expectSound(shell.d.stack)
})

describe('a dump', () => {
  test('of links tells their names, MTUs and MAC addresses', () => {
    const shell = new Shell(two)
    const links = shell.list(GETLINK)
    expect(links.map(one => one.body)).toEqual(
      [1, 2].map(index => [0, 0, 1, 0, ...u32(index), ...u32(0x11043), ...u32(0)]),
    )
    expect(links.map(one => one.attributes)).toEqual([
      {
        1: HOST_MAC,
        2: Array<number>(6).fill(255),
        3: [...'eth0\0'].map(c => c.charCodeAt(0)),
        4: u32(1500),
        16: [6],
      },
      {
        1: [2, 0, 0, 0, 1, 1],
        2: Array<number>(6).fill(255),
        3: [...'eth1\0'].map(c => c.charCodeAt(0)),
        4: u32(1400),
        16: [6],
      },
    ])
    shell.close()
  })

  test('of addresses tells each with its link, and its broadcast address', () => {
    const shell = new Shell(two)
    const addresses = shell.list(GETADDR).sort((a, b) => (a.body[4] ?? 0) - (b.body[4] ?? 0))
    expect(addresses.map(one => one.body)).toEqual([
      [2, 24, 0x80, 0, ...u32(1)],
      [2, 16, 0x80, 0, ...u32(2)],
    ])
    expect(addresses.map(one => [one.attributes[1], one.attributes[2], one.attributes[4]])).toEqual([
      [HOST_IP, HOST_IP, [10, 0, 0, 255]],
      [
        [10, 1, 0, 1],
        [10, 1, 0, 1],
        [10, 1, 255, 255],
      ],
    ])
    shell.close()
  })

  test('of routes tells those to our networks and the default one', () => {
    const shell = new Shell({ gateway: '10.0.0.254' })
    const routes = shell.list(GETROUTE).sort((a, b) => (a.body[1] ?? 0) - (b.body[1] ?? 0))
    expect(routes.map(one => one.body.slice(0, 8))).toEqual([
      [2, 0, 0, 0, 254, 4, 0, 1],
      [2, 24, 0, 0, 254, 2, 253, 1],
    ])
    expect(routes.map(one => one.attributes)).toEqual([
      { 4: u32(1), 5: [10, 0, 0, 254], 7: HOST_IP },
      { 1: [10, 0, 0, 0], 4: u32(1), 7: HOST_IP },
    ])
    shell.close()
  })

  test('of more neighbours than a page holds goes on as it is read', () => {
    const shell = new Shell({ memory: 1024 * 1024 })
    for (let i = 10; i < 110; i++)
      shell.change(NEWNEIGH, CREATE, neighbour(1, 2), [
        [1, [10, 0, 0, i]],
        [2, [2, 0, 0, 0, 9, i]],
      ])
    const before = shell.d.stack.memory.used
    shell.ask(...message(GETNEIGH, DUMP, [0]))
    expect(shell.d.stack.memory.used).toBe(before)
    const all = shell.read()
    expect(all.pop()?.type).toBe(DONE)
    expect(new Set(all.map(one => `${one.attributes[1]}`)).size).toBe(all.length)
    expect(all.length).toBe(100)
    for (const { body, attributes } of all) {
      expect(body).toEqual([2, 0, 0, 0, ...u32(1), 2, 0, 0, 1])
      expect(attributes[2]?.at(-1)).toBe(attributes[1]?.at(-1))
    }
    shell.close()
  })

  test('is refused while another is being read', () => {
    const shell = new Shell()
    shell.ask(...message(GETLINK, DUMP, [0]))
    shell.ask(...message(GETADDR, DUMP, [0]))
    const [refusal, ...rest] = shell.read()
    expect([refusal?.type, refusal?.body.slice(0, 4)]).toEqual([ERROR, u32(EBUSY)])
    expect(rest.map(one => one.type)).toEqual([NEWLINK, DONE])
    shell.close()
  })
})

describe('a question about one thing', () => {
  test('is answered by it alone: a link, the route to a host, a neighbour', () => {
    const shell = new Shell({ ...two, gateway: '10.0.0.254' })
    shell.ask(...message(GETLINK, 0, link(2)))
    expect(shell.read().map(one => one.body[4])).toEqual([2])
    shell.ask(...message(GETROUTE, 0, route(32), [[1, [10, 1, 2, 3]]]))
    expect(shell.read().map(one => one.attributes[4])).toEqual([u32(2)])
    shell.ask(...message(GETROUTE, 0, route(32), [[1, [9, 9, 9, 9]]]))
    expect(shell.read().map(one => one.attributes[5])).toEqual([[10, 0, 0, 254]])
    shell.change(NEWNEIGH, CREATE, neighbour(2, 2), [
      [1, [10, 1, 2, 3]],
      [2, PEER_MAC],
    ])
    shell.ask(...message(GETNEIGH, 0, neighbour(2), [[1, [10, 1, 2, 3]]]))
    expect(shell.read().map(one => one.attributes[2])).toEqual([PEER_MAC])
    shell.close()
  })

  test('whose answer there is not ends with an error and the question itself', () => {
    const shell = new Shell()
    const question = message(GETLINK, 0, link(3))
    shell.ask(...question)
    const [reply] = shell.read()
    expect(reply).toMatchObject({ type: ERROR, seq: 77, body: [...u32(ENODEV), ...question] })
    shell.close()
  })
})

describe('a change', () => {
  test('of addresses: one is added, is ours, and goes', () => {
    const shell = new Shell()
    const second: [number, number[]][] = [[2, [10, 0, 0, 77]]]
    expect(shell.change(NEWADDR, CREATE | EXCL, address(24, 1), second)).toBe(0)
    expect(shell.list(GETADDR)).toHaveLength(2)
    expect(shell.change(NEWADDR, CREATE | EXCL, address(24, 1), second)).toBe(EEXIST)
    expect(shell.change(NEWADDR, REPLACE, address(24, 1), second)).toBe(0)
    expect(shell.change(DELADDR, 0, address(24, 1), second)).toBe(0)
    expect(shell.change(DELADDR, 0, address(24, 1), second)).toBe(EADDRNOTAVAIL)
    expect(shell.change(NEWADDR, CREATE, address(24, 5), second)).toBe(ENODEV)
    expect(shell.change(NEWADDR, CREATE, address(33, 1), second)).toBe(EINVAL)
    expect(shell.change(NEWADDR, CREATE, address(24, 1))).toBe(EINVAL)
    shell.close()
  })

  test('of routes: one is added where its gateway can be reached, is replaced, and goes', () => {
    const shell = new Shell(two)
    const via = (gateway: number[]): [number, number[]][] => [
      [1, [192, 168, 0, 0]],
      [5, gateway],
    ]
    expect(shell.change(NEWROUTE, 0, route(16), via([10, 1, 0, 9]))).toBe(ENOENT)
    expect(shell.change(NEWROUTE, CREATE, route(16), via([10, 1, 0, 9]))).toBe(0)
    expect(shell.d.stack.routes).toContainEqual({
      destination: 0xc0a80000,
      prefixLength: 16,
      gateway: 0x0a010009,
      link: 1,
      metric: 0,
    })
    expect(shell.change(NEWROUTE, CREATE, route(16), via([10, 1, 0, 9]))).toBe(EEXIST)
    expect(shell.change(NEWROUTE, REPLACE, route(16), via([10, 0, 0, 9]))).toBe(0)
    expect(shell.d.stack.routes).toContainEqual(expect.objectContaining({ gateway: 0x0a000009, link: 0 }))
    expect(shell.change(NEWROUTE, CREATE, route(16), via([9, 9, 9, 9]))).toBe(ENETUNREACH)
    expect(shell.change(NEWROUTE, CREATE, route(8), [[1, [7, 0, 0, 0]]])).toBe(ENODEV)
    expect(shell.change(NEWROUTE, CREATE, route(33), via([10, 1, 0, 9]))).toBe(EINVAL)
    expect(
      shell.change(NEWROUTE, CREATE, route(8), [
        [1, [7, 0, 0, 0]],
        [4, u32(2)],
        [6, u32(5)],
      ]),
    ).toBe(0)
    // Without a metric the first route to the network is meant.
    expect(shell.change(DELROUTE, 0, route(8), [[1, [7, 0, 0, 0]]])).toBe(0)
    expect(shell.change(DELROUTE, 0, route(16), via([10, 0, 0, 9]))).toBe(0)
    expect(shell.change(DELROUTE, 0, route(16), via([10, 0, 0, 9]))).toBe(ESRCH)
    shell.close()
  })

  test('of neighbours: a permanent one is used without a question, and no ARP packet changes it', () => {
    const shell = new Shell()
    const { d } = shell
    const mac = [2, 0, 0, 0, 7, 7]
    expect(
      shell.change(NEWNEIGH, 0, neighbour(1, 0x80), [
        [1, PEER_IP],
        [2, mac],
      ]),
    ).toBe(ENOENT)
    expect(
      shell.change(NEWNEIGH, CREATE, neighbour(1, 0x80), [
        [1, PEER_IP],
        [2, mac],
      ]),
    ).toBe(0)
    expect(
      shell.change(NEWNEIGH, CREATE | EXCL, neighbour(1, 0x80), [
        [1, PEER_IP],
        [2, mac],
      ]),
    ).toBe(EEXIST)
    expect(inspectNeighbours(d.stack.arena)).toMatchObject([{ address: '10.0.0.2', state: 'permanent' }])
    d.inFrame(
      ethernet(
        HOST_MAC,
        PEER_MAC,
        0x0806,
        arp({ operation: 2, senderMac: PEER_MAC, senderIp: PEER_IP, targetMac: HOST_MAC, targetIp: HOST_IP }),
      ),
    )
    d.wait(600_000)
    expect(shell.list(GETNEIGH).map(one => [one.body[8], one.attributes[2]])).toEqual([[0x80, mac]])
    const datagrams = d.stack.socket(Protocol.Udp) as Socket
    d.others.length = 0
    d.stack.sendTo(datagrams, new Uint8Array(1), PEER, 9)
    d.wait(1)
    expect(d.others.map(frame => [...frame.slice(0, 6)])).toEqual([mac])
    expect(shell.change(DELNEIGH, 0, neighbour(1), [[1, PEER_IP]])).toBe(0)
    expect(shell.change(DELNEIGH, 0, neighbour(1), [[1, PEER_IP]])).toBe(ENOENT)
    expect(
      shell.change(NEWNEIGH, CREATE, neighbour(1, 2), [
        [1, PEER_IP],
        [2, [1, 0, 0, 0, 0, 1]],
      ]),
    ).toBe(EINVAL)
    expect(
      shell.change(NEWNEIGH, CREATE, neighbour(1, 0x40), [
        [1, PEER_IP],
        [2, mac],
      ]),
    ).toBe(EOPNOTSUPP)
    d.stack.close(datagrams)
    shell.close()
  })

  test('that nobody can make, or of another family, is refused', () => {
    const shell = new Shell()
    expect(shell.change(17, 0, link(1))).toBe(EOPNOTSUPP)
    expect(shell.change(100, 0, link(1))).toBe(EOPNOTSUPP)
    expect(shell.change(NEWADDR, CREATE, [10, 24, 0, 0, ...u32(1)])).toBe(EAFNOSUPPORT)
    expect(shell.change(NEWADDR, CREATE, [2, 24])).toBe(EINVAL)
    shell.close()
  })
})

describe('a socket bound to groups', () => {
  const [LINK, NEIGH, IFADDR, ROUTE] = [1, 4, 0x10, 0x40]

  test('is told of addresses and routes that come and go', () => {
    const shell = new Shell({}, IFADDR | ROUTE)
    shell.d.stack.addAddress(0, 0x0a00004d, 24)
    shell.d.stack.removeAddress(0x0a00004d)
    const told = shell.read()
    expect(told.map(one => one.type)).toEqual([NEWADDR, NEWROUTE, DELROUTE, DELADDR])
    for (const one of told) expect([one.flags, one.seq]).toEqual([0, 0])
    expect(told.map(one => one.attributes[one.type < 24 ? 2 : 7])).toEqual(Array(4).fill([10, 0, 0, 77]))
    shell.d.stack.addRoute({ destination: 0x07000000, prefixLength: 8, gateway: 0, link: 0, metric: 0 })
    shell.d.stack.removeRoute(0x07000000, 8, 0)
    expect(shell.read().map(one => [one.type, one.attributes[1]])).toEqual([
      [NEWROUTE, [7, 0, 0, 0]],
      [DELROUTE, [7, 0, 0, 0]],
    ])
    shell.close()
  })

  test('is told of a neighbour that answers, grows stale and goes, and of a link that comes up', () => {
    const shell = new Shell({}, NEIGH | LINK)
    const { d } = shell
    const datagrams = d.stack.socket(Protocol.Udp) as Socket
    d.stack.sendTo(datagrams, new Uint8Array(1), PEER, 9)
    d.wait(1)
    expect(shell.read().map(one => [one.type, one.body[8], one.attributes[2]])).toEqual([
      [NEWNEIGH, 2, PEER_MAC],
    ])
    d.stack.sendTo(datagrams, new Uint8Array(1), PEER, 9)
    d.wait(65_001)
    expect(shell.read().map(one => [one.type, one.body[8]])).toEqual([
      [NEWNEIGH, 4],
      [NEWNEIGH, 2],
    ])
    d.stack.hostGone(PEER)
    expect(shell.read().map(one => one.type)).toEqual([DELNEIGH])
    d.stack.linkUp(d.now)
    expect(shell.read().map(one => one.type)).toEqual([NEWLINK])
    d.stack.close(datagrams)
    shell.close()
  })

  test('that is not read is told once that something was lost, and keeps what it has', () => {
    const shell = new Shell({}, ROUTE)
    const one = { destination: 0x07000000, prefixLength: 8, gateway: 0, link: 0, metric: 0 }
    for (let i = 0; i < 20; i++) {
      shell.d.stack.addRoute(one)
      shell.d.stack.removeRoute(0x07000000, 8, 0)
    }
    expect(shell.d.stack.recv(shell.socket, new Uint8Array(2000))).toBe(ENOBUFS)
    expect(shell.read()).toHaveLength(9)
    expect(shell.d.stack.recv(shell.socket, new Uint8Array(2000))).toBe(EAGAIN)
    expect(shell.d.stack.lost(shell.socket)).toBe(31)
    shell.close()
  })
})

test('what is no message is ignored, and so is all that follows it', () => {
  const shell = new Shell()
  const good = message(GETLINK, ACK, link(1))
  for (const length of [0, 15, 0xffffffff]) shell.ask(...u32(length), ...good.slice(4, 16), ...good)
  // Not a request; a control message that wants an answer; attributes that are longer than they can be.
  shell.ask(...good.slice(0, 6), 0, 0, ...good.slice(8))
  shell.ask(1, 2, 3)
  expect(shell.read()).toEqual([])
  shell.ask(...message(1, ACK, []))
  expect(shell.read().map(one => [one.type, one.body.slice(0, 4)])).toEqual([[ERROR, u32(0)]])
  const broken = message(GETROUTE, 0, [...route(32), ...u16(9), ...u16(1), 1, 2, 3, 4])
  shell.ask(...broken)
  expect(shell.read().map(one => one.body.slice(0, 4))).toEqual([u32(EINVAL)])
  shell.close()
})
