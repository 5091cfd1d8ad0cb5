import { describe, expect, test } from 'vitest'
import { compose } from '../create.ts'
import { Drop } from '../drop.ts'
import { EAGAIN, EHOSTUNREACH, EMSGSIZE, ENOBUFS } from '../errno.ts'
import { procFs } from '../proc/proc-fs.ts'
import { createStack as createClient } from '../profiles/client.ts'
import { createStack as createFull } from '../profiles/full.ts'
import { createStack as createMinimal } from '../profiles/minimal.ts'
import { Protocol, type Socket, type Stack } from '../stack.ts'
import { reno } from '../tcp/reno.ts'
import { Dialogue } from '../testing/dialogue.ts'
import { expectSound } from '../testing/invariants.ts'
import { BROADCAST_MAC, ethernet, HOST_MAC, icmp, ipv4, PEER_MAC, tcp, udp } from '../testing/raw.ts'
import { environment, type SimulatedHost, Simulation, seededRandom } from '../testing/simulation.ts'
import { fibList } from './fib-list.ts'
import { fragmentsWithin } from './fragments.ts'

const PEER = 0x0a000002
const MORE = 0x2000

const frame = (packet: number[], to = HOST_MAC) => ethernet(to, PEER_MAC, 0x0800, packet)
const pattern = (length: number) => Array.from({ length }, (_, i) => ((i * 7919) >> 7) & 255)

interface Cut {
  readonly protocol?: number
  readonly id?: number
  readonly to?: number[]
  readonly from?: number[]
  readonly options?: number[]
}

/** The bytes from … end of a payload as a fragment: the last, if they reach its end. */
function piece(payload: number[], from: number, end: number, more: Cut = {}): Uint8Array {
  const { protocol = 1, id = 1, ...fields } = more
  const fragment = (end < payload.length ? MORE : 0) | (from >> 3)
  const mac = fields.to?.[3] === 255 ? BROADCAST_MAC : HOST_MAC
  return frame(ipv4(protocol, payload.slice(from, end), { ...fields, id, fragment }), mac)
}

const ping = (data: number[]) => icmp(8, 0, [0x12, 0x34, 0, 1, ...data])
const pong = (data: number[]) => icmp(0, 0, [0x12, 0x34, 0, 1, ...data])

const get16 = (bytes: Uint8Array, at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

/** The payload of the one datagram whose fragments these frames are, put together the plain way. */
function joined(frames: Uint8Array[]): number[] {
  const bytes: number[] = []
  expect(new Set(frames.map(f => get16(f, 18))).size).toBe(1)
  frames.forEach((f, i) => {
    const field = get16(f, 20)
    expect(field & 0x4000).toBe(0)
    expect((field & MORE) !== 0).toBe(i < frames.length - 1)
    expect((field & 0x1fff) * 8).toBe(bytes.length)
    expect(get16(f, 16)).toBe(f.length - 14)
    bytes.push(...f.slice(34))
  })
  return bytes
}

/** What the host has sent that is not TCP. */
const sent = (d: Dialogue) => d.others.splice(0)

describe('fragments that arrive', () => {
  const data = pattern(100)
  const orders: [string, number[]][] = [
    ['in order', [0, 1, 2]],
    ['in reverse', [2, 1, 0]],
    ['the last first', [2, 0, 1]],
    ['the middle last', [0, 2, 1]],
    ['the middle first', [1, 2, 0]],
    ['the first between', [1, 0, 2]],
  ]
  const cuts: [number, number][] = [
    [0, 40],
    [40, 80],
    [80, 108],
  ]
  for (const [name, order] of orders) {
    test(`${name}, make a datagram, which is answered once it is whole`, () => {
      const d = new Dialogue()
      order.forEach((i, n) => {
        const [from, end] = cuts[i] as [number, number]
        expect(d.inFrame(piece(ping(data), from, end))).toBe(Drop.None)
        expectSound(d.stack)
        expect(d.others.length).toBe(n === 2 ? 1 : 0)
      })
      expect([...(sent(d)[0]?.slice(34) ?? [])]).toEqual(pong(data))
    })
  }

  test('of any size, in any order, some twice, make the datagram that they were cut from', () => {
    const random = seededRandom(7)
    const below = (n: number) => random() % n
    const d = new Dialogue({ memory: 1 << 20 })
    for (let id = 0; id < 100; id++) {
      const content = pattern(below(3) === 0 ? below(6_000) : below(2_000)).map(b => b ^ (id & 255))
      const request = ping(content)
      const cut: Uint8Array[] = []
      for (let at = 0; at < request.length; ) {
        const end = Math.min(request.length, at + 8 * (1 + below(below(2) === 0 ? 184 : 10)))
        cut.push(piece(request, at, end, { id }))
        at = end
      }
      if (cut.length === 1) continue
      const again = cut.filter(() => below(10) === 0)
      const arriving = [...cut, ...again].map(f => ({ f, rank: random() })).sort((a, b) => a.rank - b.rank)
      for (const { f } of arriving) d.inFrame(f)
      d.wait(1)
      const answer = sent(d)
      expect(answer.length > 1 ? joined(answer) : [...(answer[0]?.slice(34) ?? [])]).toEqual(pong(content))
      expectSound(d.stack)
      // A fragment that came twice, the second time behind the whole, waits in vain.
      d.wait(61_000)
      sent(d)
    }
  })

  test('of two datagrams at once are not mixed up: source, protocol and identification tell', () => {
    const d = new Dialogue()
    const other = ping(pattern(50).reverse())
    d.inFrame(piece(ping(data), 0, 40, { id: 1 }))
    d.inFrame(piece(other, 0, 40, { id: 2 }))
    d.inFrame(piece(other, 0, 40, { id: 1, from: [10, 0, 0, 3] }))
    d.inFrame(piece(udp(1, 2, data), 0, 40, { id: 1, protocol: 17 }))
    expect(d.stack.memory.pools.find(p => p.name === 'fragments')?.used).toBe(4 * 1600)
    d.inFrame(piece(other, 40, 58, { id: 2 }))
    d.inFrame(piece(ping(data), 40, 108, { id: 1 }))
    expect(sent(d).map(f => f.length)).toEqual([34 + 58, 34 + 108])
    d.wait(61_000)
    sent(d)
  })

  test('of datagrams that share a bucket are not mixed up either', () => {
    const stack = soloist(fragmentsWithin({ buckets: 1, chain: 32 }))
    const drops = [
      piece(ping(data), 0, 40),
      piece(ping(data), 0, 40, { id: 2 }),
      piece(ping(data), 0, 40, { from: [10, 0, 0, 3] }),
      piece(ping(data), 0, 40, { protocol: 17 }),
      piece(ping(data), 0, 40, { protocol: 17, to: [10, 0, 0, 255] }),
    ].map(fragment => stack.input(fragment, 20_000))
    expect(drops).toEqual(drops.map(() => Drop.None))
  })

  test('carry TCP, too', () => {
    const d = new Dialogue()
    d.listen()
    const syn = tcp({
      from: 4000,
      to: 7,
      seq: 1,
      ack: 0,
      flags: 2,
      window: 8192,
      options: [2, 4, 1, 1],
      data: pattern(16),
    })
    expect(d.inFrame(piece(syn, 0, 32, { protocol: 6 }))).toBe(Drop.None)
    d.quiet()
    expect(d.inFrame(piece(syn, 32, 40, { protocol: 6 }))).toBe(Drop.None)
    expect(d.stack.counters['tcpInSegs']).toBe(1)
    d.skip()
  })

  test('to all make a UDP datagram for all', () => {
    const d = new Dialogue()
    const to = [10, 0, 0, 255]
    const socket = d.stack.socket(Protocol.Udp) as Socket
    d.stack.bind(socket, 0, 53)
    const datagram = udp(4000, 53, data, [10, 0, 0, 2], to)
    d.inFrame(piece(datagram, 0, 40, { protocol: 17, to }))
    expect(d.inFrame(piece(datagram, 40, 108, { protocol: 17, to }))).toBe(Drop.None)
    expect(d.stack.recvFrom(socket, new Uint8Array(200), { address: 0, port: 0 })).toBe(100)
    d.stack.close(socket)
  })

  test('with options make a datagram as well', () => {
    const d = new Dialogue()
    const options = [1, 1, 1, 1]
    d.inFrame(piece(ping(data), 0, 40, { options }))
    d.inFrame(piece(ping(data), 40, 108))
    expect([...(sent(d)[0]?.slice(34) ?? [])]).toEqual(pong(data))
  })

  test('of an unknown protocol are answered once, when whole, with the header of the whole', () => {
    const d = new Dialogue()
    for (const size of [80, 3000]) {
      const strange = pattern(size)
      d.inFrame(piece(strange, 0, 40, { protocol: 99 }))
      for (let at = 40; at < size; at += 1480)
        d.inFrame(piece(strange, at, Math.min(size, at + 1480), { protocol: 99 }))
      const [error, ...rest] = sent(d)
      expect(rest).toEqual([])
      expect([error?.[34], error?.[35]]).toEqual([3, 2])
      expect([get16(error as Uint8Array, 44), get16(error as Uint8Array, 48)]).toEqual([20 + size, 0])
    }
  })
})

describe('a fragment that is refused', () => {
  const whole = ping(pattern(100))
  const raw = (fragment: number, payload: number[], protocol = 1) =>
    frame(ipv4(protocol, payload, { fragment }))

  test('is empty, or no multiple of 8 bytes long and not the last', () => {
    const d = new Dialogue()
    expect(d.inFrame(raw(MORE, whole.slice(0, 41)))).toBe(Drop.BadFragmentLength)
    expect(d.inFrame(raw(MORE, []))).toBe(Drop.BadFragmentLength)
    expect(d.inFrame(raw(5, []))).toBe(Drop.BadFragmentLength)
    expect(d.inFrame(raw(5, whole.slice(0, 41)))).toBe(Drop.None)
    d.wait(61_000)
  })

  test('reaches beyond 65,535 bytes with the header', () => {
    const d = new Dialogue()
    expect(d.inFrame(raw(0x1fff, pattern(8)))).toBe(Drop.FragmentBeyondEnd)
    expect(d.inFrame(raw(8188, pattern(12)))).toBe(Drop.FragmentBeyondEnd)
    expect(d.inFrame(raw(8188, pattern(11)))).toBe(Drop.None)
    d.wait(61_000)
  })

  test('makes the whole too long by the options of the first', () => {
    const d = new Dialogue({ memory: 1 << 20 })
    const all = pattern(65_515)
    expect(d.inFrame(piece(all, 0, 1440, { options: [1, 1, 1, 1] }))).toBe(Drop.None)
    for (let at = 1440; at < all.length; at += 1480) {
      const end = Math.min(all.length, at + 1480)
      expect(d.inFrame(piece(all, at, end))).toBe(end < all.length ? Drop.None : Drop.FragmentBeyondEnd)
    }
    expectSound(d.stack)
  })

  test('splits the TCP header (RFC 1858, RFC 3128); UDP may begin with 8 bytes', () => {
    const d = new Dialogue()
    const segment = tcp({
      from: 1,
      to: 2,
      seq: 1,
      ack: 0,
      flags: 2,
      window: 1,
      options: [2, 4, 1, 1],
      data: pattern(20),
    })
    expect(d.inFrame(raw(1, segment.slice(8), 6))).toBe(Drop.TinyFragment)
    expect(d.inFrame(raw(MORE | 1, segment.slice(8, 16), 6))).toBe(Drop.TinyFragment)
    expect(d.inFrame(raw(MORE, segment.slice(0, 16), 6))).toBe(Drop.TinyFragment)
    // 24 bytes of header, by its data offset; then one that claims 28.
    const longer = segment.with(12, 0x70)
    expect(d.inFrame(raw(MORE, longer.slice(0, 24), 6))).toBe(Drop.TinyFragment)
    expect(d.inFrame(raw(MORE, segment.with(12, 0x40).slice(0, 16), 6))).toBe(Drop.TinyFragment)
    expect(d.inFrame(raw(MORE, segment.slice(0, 24), 6))).toBe(Drop.None)
    expect(d.inFrame(raw(MORE, udp(1, 2, pattern(20)).slice(0, 8), 17))).toBe(Drop.None)
    expect(d.inFrame(raw(MORE | 1, pattern(8), 17))).toBe(Drop.None)
    d.wait(61_000)
  })

  test('of the attack in RFC 3128, 2 is dropped: a whole header that a later fragment would overwrite', () => {
    const d = new Dialogue()
    d.listen()
    const segment = (flags: number) =>
      tcp({ from: 4000, to: 7, seq: 1, ack: 0, flags, window: 1, options: [], data: pattern(16) })
    // First a fragment that filters pass, then one at 8 with SYN in the place of ACK, then the rest.
    expect(d.inFrame(raw(MORE, segment(0x10).slice(0, 24), 6))).toBe(Drop.None)
    expect(d.inFrame(raw(MORE | 1, segment(2).slice(8, 24), 6))).toBe(Drop.TinyFragment)
    // What is whole now is the segment that the filters saw: an ACK to a listener, which is refused.
    expect(d.inFrame(raw(3, segment(2).slice(24), 6))).toBe(Drop.NoConnection)
    expect(d.skip()).toBe(1)
  })

  test('overlaps another: the whole datagram is dropped, with what comes later (RFC 5722)', () => {
    for (const [from, end] of [
      [32, 48],
      [0, 40],
      [0, 48],
      [0, 32],
      [8, 16],
      [72, 88],
      [48, 80],
      [48, 72],
      [56, 80],
    ] as const) {
      const d = new Dialogue()
      d.inFrame(piece(whole, 0, 40))
      d.inFrame(piece(whole, 48, 80))
      const drop = d.inFrame(
        piece(end === 40 || end - from === 32 ? whole.map(b => b ^ 1) : whole, from, end),
      )
      expect([from, end, drop]).toEqual([from, end, Drop.FragmentOverlap])
      expectSound(d.stack)
      for (const [a, b] of [
        [0, 40],
        [40, 80],
        [80, 108],
      ] as const)
        expect(d.inFrame(piece(whole, a, b))).toBe(Drop.FragmentOverlap)
      d.wait(61_000)
      // Nobody is told, and the identification is good again.
      expect(sent(d)).toEqual([])
      d.inFrame(piece(whole, 0, 40))
      d.inFrame(piece(whole, 40, 108))
      expect(sent(d).length).toBe(1)
    }
  })

  test('overlaps another that looks the same', () => {
    const d = new Dialogue()
    const same = Array.from({ length: 100 }, () => 7)
    d.inFrame(piece(same, 0, 40, { protocol: 17 }))
    expect(d.inFrame(piece(same, 8, 48, { protocol: 17 }))).toBe(Drop.FragmentOverlap)
    d.wait(61_000)
  })

  test('disagrees about the end', () => {
    const beyond: [Uint8Array, Uint8Array][] = [
      [piece(whole, 40, 108), raw(MORE | 14, pattern(8))],
      [piece(whole, 40, 108), raw(14, pattern(8))],
      [raw(MORE | 14, pattern(8)), piece(whole, 40, 108)],
      [piece(whole, 80, 108), piece(whole.slice(0, 80), 40, 80)],
    ]
    for (const [first, second] of beyond) {
      const d = new Dialogue()
      expect(d.inFrame(first)).toBe(Drop.None)
      expect(d.inFrame(second)).toBe(Drop.FragmentOverlap)
      expectSound(d.stack)
      d.wait(61_000)
    }
  })

  test('came before, bit for bit: it is ignored', () => {
    const d = new Dialogue()
    d.inFrame(piece(whole, 0, 40))
    expect(d.inFrame(piece(whole, 0, 40))).toBe(Drop.Duplicate)
    d.inFrame(piece(whole, 80, 108))
    expect(d.inFrame(piece(whole, 80, 108))).toBe(Drop.Duplicate)
    d.inFrame(piece(whole, 40, 80))
    expect(sent(d).length).toBe(1)
  })

  test('finds its bucket full', () => {
    const stack = soloist(fragmentsWithin({ buckets: 4, chain: 3 }), 256 * 1024)
    const drops = Array.from({ length: 50 }, (_, id) => stack.input(piece(whole, 0, 40, { id }), 20_000))
    expect(drops.filter(drop => drop === Drop.None).length).toBe(12)
    expect(drops.filter(drop => drop === Drop.ReassemblyFull).length).toBe(38)
    expectSound(stack)
  })

  test('came to a profile without IP_FRAG', () => {
    const stack = soloist(undefined)
    expect(stack.input(piece(whole, 0, 40), 20_000)).toBe(Drop.Fragment)
    expect(stack.input(piece(whole, 40, 108), 20_000)).toBe(Drop.Fragment)
    const socket = stack.socket(Protocol.Udp) as Socket
    expect(stack.sendTo(socket, new Uint8Array(1473), PEER, 1)).toBe(EMSGSIZE)
    expect(stack.sendTo(socket, new Uint8Array(1472), PEER, 1)).toBe(1472)
  })
})

/** A host of this one feature, past the probing of its address. */
function soloist(fragments: ReturnType<typeof fragmentsWithin> | undefined, memory = 64 * 1024): Stack {
  const stack = compose({ memory, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/24' }, environment(1), {
    congestion: reno,
    fib: fibList,
    procFs,
    ...(fragments && { fragments }),
  })
  for (let now = 0; now <= 20_000; now += 100) stack.poll(now)
  stack.output(() => true)
  return stack
}

describe('a datagram that never becomes whole', () => {
  const whole = ping(pattern(100))

  test('is given up after 60 s, its sender told when fragment zero is there (RFC 1122, 3.3.2)', () => {
    const d = new Dialogue()
    // The peer is known as a neighbour from here on.
    d.inFrame(frame(ipv4(1, ping([]))))
    sent(d)
    const before = d.stack.memory.used
    d.inFrame(piece(whole, 40, 80))
    d.wait(1000)
    d.inFrame(piece(whole, 0, 40))
    d.wait(58_999)
    expect(sent(d)).toEqual([])
    expect(d.stack.memory.used).toBe(before + 2 * 1600)
    d.wait(1)
    const [error, ...rest] = sent(d)
    expect(rest).toEqual([])
    expect([...(error?.slice(34) ?? [])]).toEqual(
      icmp(11, 1, [0, 0, 0, 0, ...ipv4(1, whole.slice(0, 40), { fragment: MORE }).slice(0, 28)]),
    )
    expect(d.stack.memory.used).toBe(before)
    expect(d.stack.counters['ipReasmFails']).toBe(1)
    expect(d.stack.counters['icmpOutTimeExcds']).toBe(1)
    // A late fragment begins anew.
    expect(d.inFrame(piece(whole, 80, 108))).toBe(Drop.None)
    d.wait(61_000)
  })

  test('without fragment zero, to all, or an ICMP error itself, it goes silently', () => {
    const d = new Dialogue()
    const to = [10, 0, 0, 255]
    d.inFrame(piece(udp(1, 2, pattern(100)), 40, 80, { protocol: 17 }))
    d.inFrame(piece(udp(1, 2, pattern(100)), 0, 40, { to, protocol: 17 }))
    d.inFrame(piece(icmp(3, 3, [0, 0, 0, 0, ...pattern(100)]), 0, 40, { id: 9 }))
    d.wait(61_000)
    expect(sent(d)).toEqual([])
    expect(d.stack.counters['ipReasmFails']).toBe(3)
  })

  test('is the oldest when fragments hold half of all pages: it gives way', () => {
    const d = new Dialogue({ memory: 64 * 1024 })
    for (let id = 1; id <= 40; id++) {
      expect(d.inFrame(piece(whole, 0, 40, { id }))).toBe(Drop.None)
      d.wait(1)
      expectSound(d.stack)
    }
    const used = d.stack.memory.pools.find(p => p.name === 'fragments')?.used ?? 0
    const pages = used / 1600
    expect(pages).toBeGreaterThan(15)
    expect(pages).toBeLessThan(21)
    expect(d.inFrame(piece(whole, 40, 108, { id: 40 }))).toBe(Drop.None)
    expect(sent(d).length).toBe(1)
    // The oldest that is still there, and the one before it.
    expect(d.inFrame(piece(whole, 0, 40, { id: 41 - pages + 2 }))).toBe(Drop.Duplicate)
    d.wait(61_000)
    sent(d)
  })

  test('gives way, when memory is full, to datagrams that are whole and to frames of our own', () => {
    const d = new Dialogue({ memory: 32 * 1024 })
    const socket = d.stack.socket(Protocol.Udp) as Socket
    d.stack.bind(socket, 0, 53)
    for (let id = 1; id <= 20; id++) d.inFrame(piece(whole, 0, 40, { id }))
    const fragments = () => (d.stack.memory.pools.find(p => p.name === 'fragments')?.used ?? 0) / 1600
    const before = fragments()
    expect(before).toBeGreaterThan(7)
    // TCP text takes what is free.
    const free = (d.stack.memory.pools.find(p => p.name === 'free')?.used ?? 0) / 1600
    const own = Array.from({ length: free }, () => d.stack.socket(Protocol.Udp) as Socket)
    const needed = free + 2
    let taken = 0
    for (let i = 0; i < needed; i++)
      if (d.stack.sendTo(socket, new Uint8Array(1000), 0x0a000009 + i, 1) === 1000) taken++
    expect(taken).toBeGreaterThan(free / 2)
    expect(fragments()).toBeLessThan(before)
    expectSound(d.stack)
    for (const s of [...own, socket]) if (s > 0) d.stack.close(s)
    d.wait(121_000)
    sent(d)
  })

  test('gives way, when memory is full, to datagrams that are whole', () => {
    const d = new Dialogue({ memory: 32 * 1024 })
    const ports = Array.from({ length: 20 }, (_, i) => 100 + i)
    const sockets = ports.map(port => {
      const socket = d.stack.socket(Protocol.Udp) as Socket
      d.stack.bind(socket, 0, port)
      return socket
    })
    for (let id = 1; id <= 20; id++) d.inFrame(piece(whole, 0, 40, { id }))
    const fragments = () => (d.stack.memory.pools.find(p => p.name === 'fragments')?.used ?? 0) / 1600
    expect(fragments()).toBeGreaterThan(7)
    const drops = ports.slice(0, 12).map(port => d.inFrame(frame(ipv4(17, udp(4000, port, [1])))))
    expect(drops).toEqual(drops.map(() => Drop.None))
    expect(fragments()).toBeLessThan(5)
    expectSound(d.stack)
    for (const socket of sockets) d.stack.close(socket)
    d.wait(61_000)
    sent(d)
  })

  test('is too large for the arena: it is dropped whole, and a small one still passes', () => {
    const d = new Dialogue({ memory: 32 * 1024 })
    const large = ping(pattern(30_000))
    const drops: Drop[] = []
    for (let at = 0; at < large.length; at += 1480)
      drops.push(d.inFrame(piece(large, at, Math.min(large.length, at + 1480))))
    expect(drops).toContain(Drop.NoMemory)
    expectSound(d.stack)
    d.inFrame(piece(whole, 0, 40, { id: 9 }))
    d.inFrame(piece(whole, 40, 108, { id: 9 }))
    expect(sent(d).length).toBe(1)
    d.wait(61_000)
    sent(d)
  })
})

describe('datagrams larger than the MTU', () => {
  const profiles = { full: createFull, client: createClient, minimal: createMinimal }
  const names = ['full', 'client', 'minimal'] as const
  const LARGEST = 65_507

  /** Sends `length` bytes to a port of the other's, and gives what arrives there. */
  function deliverUdp(sim: Simulation, from: SimulatedHost, to: SimulatedHost, data: Uint8Array): Uint8Array {
    const receiver = to.stack.socket(Protocol.Udp) as Socket
    to.stack.bind(receiver, 0, 53)
    const sender = from.stack.socket(Protocol.Udp) as Socket
    expect(from.stack.sendTo(sender, data, to.stack.address, 53)).toBe(data.length)
    sim.run(100)
    const into = new Uint8Array(70_000)
    const got = to.stack.recvFrom(receiver, into, { address: 0, port: 0 })
    for (const { stack } of [from, to]) expectSound(stack)
    from.stack.close(sender)
    to.stack.close(receiver)
    return into.slice(0, Math.max(0, got))
  }

  for (const a of names) {
    for (const b of names) {
      for (const mtu of [1500, 576]) {
        test(`the largest, 65,507 bytes, goes from ${a} to ${b} and back at an MTU of ${mtu}`, () => {
          const sim = new Simulation()
          const alice = sim.add('alice', { profile: profiles[a], mtu, memory: 1 << 20 })
          const bob = sim.add('bob', { profile: profiles[b], mtu, memory: 1 << 20 })
          sim.start()
          const baseline = [alice.stack.memory.used, bob.stack.memory.used]
          const data = Uint8Array.from(pattern(LARGEST))
          expect(Buffer.compare(deliverUdp(sim, alice, bob, data), data)).toBe(0)
          expect(Buffer.compare(deliverUdp(sim, bob, alice, data), data)).toBe(0)
          for (const { bytes } of sim.wire) expect(bytes.length).toBeLessThanOrEqual(14 + mtu)
          if (a === 'full') {
            const socket = alice.stack.socket(Protocol.Icmp) as Socket
            expect(alice.stack.sendTo(socket, data, bob.stack.address, 3)).toBe(LARGEST)
            sim.run(100)
            const into = new Uint8Array(70_000)
            const from = { address: 0, port: 0 }
            expect(alice.stack.recvFrom(socket, into, from)).toBe(LARGEST)
            expect(Buffer.compare(into.subarray(0, LARGEST), data)).toBe(0)
            expect(from).toEqual({ address: bob.stack.address, port: 3 })
            alice.stack.close(socket)
          }
          expect([...alice.drops, ...bob.drops]).toEqual([])
          sim.run(200_000)
          expect([alice.stack.memory.used, bob.stack.memory.used]).toEqual(baseline)
        })
      }
    }
  }

  test('go out as fragments of one identification, none too large, the odd byte in the last', () => {
    const d = new Dialogue({ mtu: 577 })
    d.inFrame(frame(ipv4(1, ping([]))))
    sent(d)
    const socket = d.stack.socket(Protocol.Icmp) as Socket
    const data = pattern(2001)
    expect(d.stack.sendTo(socket, Uint8Array.from(data), PEER, 5)).toBe(2001)
    d.wait(0)
    const frames = sent(d)
    // 577 - 20 = 557, of which 552 are a multiple of 8.
    expect(frames.map(f => f.length)).toEqual([586, 586, 586, 34 + 2009 - 3 * 552])
    const message = joined(frames)
    expect(message.slice(8)).toEqual(data)
    expect(icmp(8, 0, message.slice(4))).toEqual(message)
    d.stack.close(socket)
  })

  test('of one byte too many, or more than the arena could hold, are refused with EMSGSIZE', () => {
    const d = new Dialogue({ memory: 1 << 20 })
    const socket = d.stack.socket(Protocol.Udp) as Socket
    expect(d.stack.sendTo(socket, new Uint8Array(LARGEST + 1), PEER, 1)).toBe(EMSGSIZE)
    d.stack.close(socket)
    const small = new Dialogue({ memory: 17 * 1024 })
    const narrow = small.stack.socket(Protocol.Udp) as Socket
    expect(small.stack.sendTo(narrow, new Uint8Array(12_000), PEER, 1)).toBe(EMSGSIZE)
    expect(small.stack.sendTo(narrow, new Uint8Array(7_000), PEER, 1)).toBe(ENOBUFS)
    expect(small.stack.sendTo(narrow, new Uint8Array(2_000), PEER, 1)).toBe(2_000)
    expectSound(small.stack)
    small.wait(10_000)
    small.stack.close(narrow)
    sent(small)
  })

  test('wait whole for a neighbour that is not known yet', () => {
    const sim = new Simulation()
    const alice = sim.add('alice')
    const bob = sim.add('bob')
    sim.start()
    const data = Uint8Array.from(pattern(10_000))
    expect(Buffer.compare(deliverUdp(sim, alice, bob, data), data)).toBe(0)
  })

  test('reach the smallest hosts, 16 KiB, up to what fits there', () => {
    const sim = new Simulation()
    const alice = sim.add('alice', { profile: createMinimal, memory: 16 * 1024 })
    const bob = sim.add('bob', { profile: createMinimal, memory: 16 * 1024 })
    sim.start()
    const baseline = [alice.stack.memory.used, bob.stack.memory.used]
    const data = Uint8Array.from(pattern(2_500))
    expect(Buffer.compare(deliverUdp(sim, alice, bob, data), data)).toBe(0)
    sim.run(200_000)
    expect([alice.stack.memory.used, bob.stack.memory.used]).toEqual(baseline)
  })

  test('with a wrong checksum, a port that nobody has, or a length that does not fit are dropped', () => {
    const d = new Dialogue()
    const socket = d.stack.socket(Protocol.Udp) as Socket
    d.stack.bind(socket, 0, 53)
    const enter = (payload: number[], protocol: number) => {
      d.inFrame(piece(payload, 0, 1480, { protocol }))
      const drop = d.inFrame(piece(payload, 1480, payload.length, { protocol }))
      expectSound(d.stack)
      return drop
    }
    const good = udp(4000, 53, pattern(2000))
    expect(enter(good.with(1700, (good[1700] ?? 0) ^ 1), 17)).toBe(Drop.BadUdpChecksum)
    expect(enter(good.with(5, (good[5] ?? 0) + 1), 17)).toBe(Drop.BadUdpLength)
    expect(enter(udp(4000, 54, pattern(2000)), 17)).toBe(Drop.NoPort)
    expect(sent(d).map(f => [f[34], f[35]])).toEqual([[3, 3]])
    const echo = ping(pattern(2001))
    expect(enter(echo.with(1999, (echo[1999] ?? 0) ^ 1), 1)).toBe(Drop.BadIcmpChecksum)
    expect(enter(pong(pattern(2001)), 1)).toBe(Drop.NoPort)
    expect(enter(icmp(13, 0, pattern(2001)), 1)).toBe(Drop.UnknownIcmpType)
    const segment = tcp({
      from: 1,
      to: 2,
      seq: 1,
      ack: 0,
      flags: 16,
      window: 1,
      options: [],
      data: pattern(2000),
    })
    expect(enter(segment, 6)).toBe(Drop.DatagramTooLarge)
    expect(enter(good, 17)).toBe(Drop.None)
    expect(enter(good.with(4, 0).with(5, 7), 17)).toBe(Drop.BadUdpLength)
    const into = new Uint8Array(3000)
    const from = { address: 0, port: 0 }
    expect(d.stack.recvFrom(socket, into.subarray(0, 1700), from)).toBe(1700)
    expect([...into.subarray(0, 1700)]).toEqual(pattern(1700))
    expect(d.stack.recvFrom(socket, into, from)).toBe(EAGAIN)
    // Without a checksum; and what stands behind the UDP length is not the reader's.
    expect(enter(good.with(6, 0).with(7, 0), 17)).toBe(Drop.None)
    expect(d.stack.recvFrom(socket, into, from)).toBe(2000)
    const longer = [...udp(4000, 53, pattern(1400)), ...pattern(2000)]
    for (let at = 0; at < longer.length; at += 1000)
      d.inFrame(piece(longer, at, Math.min(longer.length, at + 1000), { protocol: 17 }))
    expectSound(d.stack)
    expect(d.stack.memory.pools.find(p => p.name === 'datagrams')?.used).toBe(2 * 1600)
    expect(d.stack.recvFrom(socket, into, from)).toBe(1400)
    expect([...into.subarray(0, 1400)]).toEqual(pattern(1400))
    d.stack.close(socket)
  })

  test('to all: an echo request and an unknown protocol are not answered', () => {
    const d = new Dialogue()
    const to = [10, 0, 0, 255]
    for (const protocol of [1, 99]) {
      const request = ping(pattern(2000))
      d.inFrame(piece(request, 0, 1480, { protocol, to }))
      const drop = d.inFrame(piece(request, 1480, request.length, { protocol, to }))
      expect(drop).toBe(protocol === 1 ? Drop.WrongDestination : Drop.UnknownProtocol)
      expect(sent(d)).toEqual([])
    }
  })

  test('of TCP are refused, one of just a frame is taken', () => {
    const d = new Dialogue()
    for (const [size, drop] of [
      [1500, Drop.NoPort],
      [1501, Drop.DatagramTooLarge],
    ] as const) {
      const syn = { from: 1, to: 2, seq: 1, ack: 0, flags: 2, window: 1, options: [] }
      const segment = tcp({ ...syn, data: pattern(size - 40) })
      d.inFrame(piece(segment, 0, 800, { protocol: 6 }))
      expect(d.inFrame(piece(segment, 800, segment.length, { protocol: 6 }))).toBe(drop)
    }
    d.skip()
  })

  test('begin with the first byte that does not fit; what fits goes out whole, not to be fragmented', () => {
    const d = new Dialogue()
    d.inFrame(frame(ipv4(1, ping([]))))
    sent(d)
    const socket = d.stack.socket(Protocol.Udp) as Socket
    for (const size of [1472, 1473, 1492])
      expect(d.stack.sendTo(socket, new Uint8Array(size), PEER, 1)).toBe(size)
    d.wait(0)
    expect(sent(d).map(f => [f.length, get16(f, 20)])).toEqual([
      [1514, 0x4000],
      [1514, MORE],
      [35, 185],
      [1514, MORE],
      [54, 185],
    ])
    d.stack.close(socket)
  })

  test('that wait for a neighbour give way, all of them, to what is sent there next', () => {
    const sim = new Simulation()
    const alice = sim.add('alice')
    sim.start()
    const before = alice.stack.memory.pools.find(p => p.name === 'frames')?.used
    const udpSocket = alice.stack.socket(Protocol.Udp) as Socket
    const tcpSocket = alice.stack.socket(Protocol.Tcp) as Socket
    expect(alice.stack.sendTo(udpSocket, new Uint8Array(5000), 0x0a000009, 1)).toBe(5000)
    alice.stack.connect(tcpSocket, 0x0a000009, 1)
    sim.run(10)
    expectSound(alice.stack)
    expect(alice.stack.memory.pools.find(p => p.name === 'frames')?.used).toBe((before ?? 0) + 1600)
  })

  test('without a route are given back', () => {
    const d = new Dialogue()
    const socket = d.stack.socket(Protocol.Udp) as Socket
    expect(d.stack.sendTo(socket, new Uint8Array(5000), 0x08080808, 1)).toBe(EHOSTUNREACH)
    expectSound(d.stack)
    d.stack.close(socket)
  })

  test('that cannot be answered for want of memory leave none behind', () => {
    const d = new Dialogue({ mtu: 576, memory: 32 * 1024 })
    const request = ping(pattern(8000))
    const drops: Drop[] = []
    for (let at = 0; at < request.length; at += 1480)
      drops.push(d.inFrame(piece(request, at, Math.min(request.length, at + 1480))))
    expect(drops.at(-1)).toBe(Drop.NoMemory)
    expectSound(d.stack)
    expect(sent(d)).toEqual([])
  })

  test('by their options alone are answered in one frame, where it fits', () => {
    const d = new Dialogue({ mtu: 1499 })
    d.inFrame(frame(ipv4(1, ping([]))))
    sent(d)
    const data = pattern(1467)
    const options = Array.from({ length: 40 }, () => 1)
    d.inFrame(piece(ping(data), 0, 800, { options }))
    expect(d.inFrame(piece(ping(data), 800, 1475, { options }))).toBe(Drop.None)
    const [reply, ...rest] = sent(d)
    expect(rest).toEqual([])
    expect([...(reply?.slice(34) ?? [])]).toEqual(pong(data))
  })

  test('an echo request over a wider link than ours is answered in fragments', () => {
    const d = new Dialogue({ mtu: 576 })
    d.inFrame(frame(ipv4(1, ping([]))))
    sent(d)
    const data = pattern(1472)
    expect(d.inFrame(frame(ipv4(1, ping(data))))).toBe(Drop.None)
    expect(joined(sent(d))).toEqual(pong(data))
    // The same in fragments that are larger than ours may be.
    const large = pattern(4001)
    const request = ping(large)
    for (let at = 0; at < request.length; at += 1480)
      d.inFrame(piece(request, at, Math.min(request.length, at + 1480)))
    expect(joined(sent(d))).toEqual(pong(large))
  })

  test('are taken by a socket that nobody reads until its queue is full', () => {
    const d = new Dialogue()
    const socket = d.stack.socket(Protocol.Udp) as Socket
    d.stack.bind(socket, 0, 53)
    const datagram = udp(4000, 53, pattern(2000))
    const drops = Array.from({ length: 12 }, () => {
      d.inFrame(piece(datagram, 0, 1480, { protocol: 17 }))
      return d.inFrame(piece(datagram, 1480, datagram.length, { protocol: 17 }))
    })
    expect(drops[0]).toBe(Drop.None)
    expect(drops.at(-1)).toBe(Drop.QueueFull)
    expectSound(d.stack)
    d.stack.close(socket)
  })
})
