import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { Protocol, type Socket } from '../stack.ts'
import { expectSound } from '../testing/invariants.ts'
import { checksum, ethernet, icmp, ipv4, PEER_MAC, udp } from '../testing/raw.ts'
import { Simulation } from '../testing/simulation.ts'
import { hostMac, numberOf, peerMac, readIpv4, Wires } from '../testing/wires.ts'

const NEAR = [10, 0, 0, 9]
const FAR = [10, 0, 1, 9]
/** A router between two networks; the second carries `mtu` bytes. */
const router = (mtu = 1500, config = {}) =>
  new Wires(['10.0.0.1/24'], {
    forward: true,
    links: [{ mac: Uint8Array.from(hostMac(1)), mtu, address: '10.0.1.1/24' }],
    ...config,
  })
const bytes = (length: number) => Array.from({ length }, (_, i) => (i * 7) & 255)
const say = (w: Wires, fields = {}, data = [1, 2, 3]) =>
  w.in(17, udp(1000, 2000, data, NEAR, FAR), { from: NEAR, to: FAR, ...fields })
/** The ICMP message that was sent next: link, to whom, type, code, the word behind, what it quotes. */
const told = (w: Wires) => {
  const { link, bytes } = w.next()
  const { from, to, protocol, payload } = readIpv4(bytes)
  expect(protocol).toBe(1)
  expect(checksum(payload)).toBe(0)
  const rest = payload.slice(4, 8)
  return { link, from, to, type: payload[0], code: payload[1], rest, quoted: payload.slice(8) }
}

describe('a datagram for another network', () => {
  test('goes on a hop further: one less to live, its checksum mended (RFC 1624), the rest as it was', () => {
    const w = router()
    for (const ttl of [2, 64, 255])
      for (const id of [0, 1, 0x1234, 0xffff]) {
        const sent = ipv4(17, udp(1000, 2000, [1, 2, 3], NEAR, FAR), { from: NEAR, to: FAR, ttl, id })
        expect(w.frame(ethernet(hostMac(0), peerMac(0), 0x0800, sent))).toBe(Drop.None)
        const { link, bytes } = w.next()
        const expected = ipv4(17, sent.slice(20), { from: NEAR, to: FAR, ttl: ttl - 1, id })
        expect([link, [...bytes]]).toEqual([1, [...ethernet(peerMac(1), hostMac(1), 0x0800, expected)]])
      }
    expect(w.stack.counters['ipForwDatagrams']).toBe(12)
    expect(w.stack.counters['ipInDelivers']).toBe(0)
  })

  test('waits for a neighbour that is not known yet, and its sender is told when nobody answers', () => {
    const w = router()
    // The way back to the sender is known.
    w.in(1, icmp(8, 0, [0, 1, 0, 1]), { from: NEAR })
    w.skip()
    w.everybodyAnswers = false
    expect(say(w)).toBe(Drop.None)
    expect(w.wait(500).sent).toEqual([])
    // It answers the second request.
    w.everybodyAnswers = true
    w.wait(600)
    expect(w.next()).toMatchObject({ link: 1 })
    w.everybodyAnswers = false
    say(w, { to: [10, 0, 1, 77] })
    w.wait(5_000)
    const { type, code, to, quoted } = told(w)
    expect({ type, code, to }).toEqual({ type: 3, code: 1, to: NEAR })
    expect(quoted.slice(16, 20)).toEqual([10, 0, 1, 77])
  })

  test('for which nobody answers, where no more neighbours fit: its sender takes the place of the one given up', () => {
    const w = router(1500, { memory: 40 * 1024 })
    // As many as fit.
    for (let i = 0; i < 50; i++) w.in(1, icmp(8, 0, [0, 1, 0, 1]), { from: [10, 0, 0, 100 + i] })
    w.skip()
    w.everybodyAnswers = false
    say(w, { to: [10, 0, 1, 77] })
    w.wait(3_500)
    expectSound(w.stack)
    w.everybodyAnswers = true
    w.wait(1_000)
    expect(told(w)).toMatchObject({ to: NEAR, type: 3, code: 1 })
  })

  test('whose time to live is up is told to its sender, from the address toward him', () => {
    for (const ttl of [0, 1]) {
      const w = router()
      expect(say(w, { ttl })).toBe(Drop.TimeToLive)
      const { link, from, to, type, code, quoted } = told(w)
      expect({ link, from, to, type, code }).toEqual({
        link: 0,
        from: [10, 0, 0, 1],
        to: NEAR,
        type: 11,
        code: 0,
      })
      expect(quoted).toEqual(ipv4(17, udp(1000, 2000, [1, 2, 3], NEAR, FAR), { from: NEAR, to: FAR, ttl }))
      expect(w.stack.counters['icmpOutTimeExcds']).toBe(1)
    }
  })

  test('to which no route leads is told as well; quotes are of 548 bytes at most (RFC 1812, 4.3.2.3)', () => {
    const w = router()
    expect(say(w, { to: [9, 9, 9, 9] }, bytes(1000))).toBe(Drop.NoRoute)
    const { type, code, quoted } = told(w)
    expect([type, code, quoted.length]).toEqual([3, 0, 548])
    expect(w.stack.counters['ipOutNoRoutes']).toBe(1)
  })

  test('that is larger than the next link carries is cut there', () => {
    const w = router(576)
    const data = bytes(1400)
    expect(say(w, {}, data)).toBe(Drop.None)
    const pieces = w.sent.splice(0).map(({ bytes }) => readIpv4(bytes))
    expect(pieces.map(({ fragment, payload, ttl }) => [fragment, payload.length, ttl])).toEqual([
      [0x2000, 552, 63],
      [0x2000 | 69, 552, 63],
      [138, 304, 63],
    ])
    expect(pieces.every(({ header }) => checksum(header) === 0)).toBe(true)
    expect(pieces.flatMap(({ payload }) => payload)).toEqual(udp(1000, 2000, data, NEAR, FAR))
    // A fragment that is cut again: the last piece is not the last of all.
    say(w, { fragment: 0x2000 | 185 }, bytes(792))
    expect(w.sent.splice(0).map(({ bytes }) => readIpv4(bytes).fragment)).toEqual([
      0x2000 | 185,
      0x2000 | 254,
    ])
  })

  test('that must not be cut is told with the MTU that it did not fit (RFC 1191, 4)', () => {
    const w = router(576)
    expect(say(w, { fragment: 0x4000 }, bytes(549))).toBe(Drop.FragmentationNeeded)
    const { type, code, rest } = told(w)
    expect([type, code, rest]).toEqual([3, 4, [0, 0, 576 >> 8, 576 & 255]])
    expect(say(w, { fragment: 0x4000 }, bytes(548))).toBe(Drop.None)
    expect(w.skip()).toBe(1)
  })

  test('with options is cut so that only those that must stand in every piece do', () => {
    const w = router(576)
    say(w, { options: [0x94, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0] }, bytes(900))
    const pieces = w.sent.splice(0).map(({ bytes }) => readIpv4(bytes))
    expect(pieces.map(({ options }) => options)).toEqual([
      [0x94, 4, 0, 0, 7, 7, 8, 10, 0, 1, 1, 0],
      [0x94, 4, 0, 0],
    ])
    expect(pieces.every(({ header }) => checksum(header) === 0)).toBe(true)
    expect(pieces.flatMap(({ payload }) => payload)).toEqual(udp(1000, 2000, bytes(900), NEAR, FAR))
  })

  test('its route and times are recorded on the way', () => {
    const w = router()
    const options = [7, 7, 4, 0, 0, 0, 0, 68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    expect(say(w, { options })).toBe(Drop.None)
    const got = readIpv4(w.next().bytes)
    expect(got.options.slice(0, 7)).toEqual([7, 7, 8, 10, 0, 1, 1])
    expect(got.options.slice(7, 15)).toEqual([68, 12, 13, 1, 10, 0, 1, 1])
    // RFC 791: not Universal Time.
    expect((got.options[15] ?? 0) & 0x80).toBe(0x80)
    expect(checksum(got.header)).toBe(0)
    // Full: the route is left as it is, the times count what they could not take.
    say(w, { options: [7, 7, 8, 1, 2, 3, 4, 68, 8, 9, 0, 5, 6, 7, 8, 0] })
    expect(readIpv4(w.next().bytes).options).toEqual([7, 7, 8, 1, 2, 3, 4, 68, 8, 9, 16, 5, 6, 7, 8, 0])
  })
})

describe('nothing goes on', () => {
  const cases: [string, Drop, object][] = [
    ['from a link-local address', Drop.Martian, { from: [169, 254, 1, 1] }],
    ['to a link-local address', Drop.Martian, { to: [169, 254, 1, 1] }],
    ['from network 0', Drop.BadSource, { from: [0, 1, 2, 3] }],
    ['to loopback', Drop.Martian, { to: [127, 0, 0, 1] }],
    ['from a reserved address', Drop.Martian, { from: [240, 0, 0, 1] }],
    ['to the broadcast address of the next network', Drop.Martian, { to: [10, 0, 1, 255] }],
    ['from the broadcast address of the next network', Drop.Martian, { from: [10, 0, 1, 255] }],
    ['from a group', Drop.BadSource, { from: [224, 1, 2, 3] }],
    ['from an address of ours', Drop.BadSource, { from: [10, 0, 1, 1] }],
    ['to a group', Drop.NotAMember, { to: [224, 1, 2, 3] }],
    ['by a source route', Drop.SourceRoute, { options: [131, 7, 4, 10, 0, 1, 9, 0] }],
    ['with options that are none', Drop.BadIpOptions, { options: [7, 99, 4, 0] }],
  ]
  for (const [name, drop, fields] of cases)
    test(name, () => {
      const w = router()
      const group = 'to' in fields && `${fields.to}` === '224,1,2,3'
      const frame = ethernet(
        group ? [1, 0, 0x5e, 1, 2, 3] : hostMac(0),
        PEER_MAC,
        0x0800,
        ipv4(17, udp(1, 2, []), { from: NEAR, to: FAR, ...fields }),
      )
      expect(w.frame(frame)).toBe(drop)
      expect(w.sent.filter(({ link }) => link === 1)).toEqual([])
    })

  test('that came by link-layer broadcast', () => {
    const w = router()
    expect(w.in(17, udp(1, 2, []), { from: NEAR, to: FAR }, 0, [255, 255, 255, 255, 255, 255])).toBe(
      Drop.WrongDestination,
    )
    expect(w.sent).toEqual([])
  })

  test('through a host that was not told to be a router', () => {
    const w = new Wires(['10.0.0.1/24', '10.0.1.1/24'])
    expect(say(w)).toBe(Drop.WrongDestination)
    expect(w.sent).toEqual([])
  })
})

describe('redirects (RFC 1812, 5.2.7.2)', () => {
  const OTHER = [10, 0, 0, 254]
  const withRoute = () => {
    const w = router()
    const route = { destination: numberOf([9, 0, 0, 0]), prefixLength: 8, gateway: numberOf(OTHER), link: 0 }
    expect(w.stack.addRoute({ ...route, metric: 0 })).toBe(0)
    return w
  }

  test('tell a sender of the router on its own network, and the datagram goes there', () => {
    const w = withRoute()
    expect(say(w, { to: [9, 9, 9, 9] })).toBe(Drop.None)
    const sent = w.sent.splice(0)
    expect(sent.map(({ link }) => link)).toEqual([0, 0])
    w.sent.push(...sent.filter(({ bytes }) => bytes[23] === 1))
    expect(told(w)).toMatchObject({ to: NEAR, type: 5, code: 1, rest: OTHER })
  })

  test('are not sent to who is of another network, nor about another link', () => {
    const w = withRoute()
    say(w, { from: [8, 8, 8, 8], to: [9, 9, 9, 9] })
    say(w)
    expect(w.sent.filter(({ bytes }) => bytes[23] === 1)).toEqual([])
  })

  test('are no more than errors may be', () => {
    const w = withRoute()
    for (let i = 0; i < 100; i++) say(w, { to: [9, 9, 9, 9] })
    const redirects = w.sent.filter(({ bytes }) => bytes[23] === 1)
    expect(redirects.length).toBeGreaterThan(10)
    expect(redirects.length).toBeLessThan(30)
    expect(w.sent.length).toBe(100 + redirects.length)
  })
})

test('three routers in a row carry TCP from one end to the other', () => {
  const sim = new Simulation()
  const ends = ['10.0.0.5/24', '10.0.3.5/24'] as const
  const client = sim.add('client', { address: ends[0], gateway: '10.0.0.1' })
  // Everything is on one wire: each host is its own networks' alone, so the routers have to be used.
  const routers = [0, 1, 2].map(i => sim.add(`router ${i}`, { address: `10.0.${i}.1/24`, forward: true }))
  const server = sim.add('server', { address: ends[1], gateway: '10.0.3.3' })
  sim.start()
  routers.forEach(({ stack }, i) => {
    expect(stack.addAddress(0, numberOf([10, 0, i + 1, i === 2 ? 3 : 2]), 24)).toBe(0)
    const far = { prefixLength: 24, link: 0, metric: 0 }
    if (i < 2)
      stack.addRoute({ ...far, destination: numberOf([10, 0, 3, 0]), gateway: numberOf([10, 0, i + 1, 1]) })
    if (i > 0)
      stack.addRoute({ ...far, destination: numberOf([10, 0, 0, 0]), gateway: numberOf([10, 0, i, 2]) })
  })
  const listener = server.stack.socket(Protocol.Tcp) as Socket
  server.stack.bind(listener, 0, 7)
  server.stack.listen(listener, 1)
  const near = client.stack.socket(Protocol.Tcp) as Socket
  expect(client.stack.connect(near, numberOf([10, 0, 3, 5]), 7)).toBe(0)
  sim.run(5_000)
  const far = server.stack.accept(listener) as Socket
  expect(far).toBeGreaterThan(0)
  expect(client.stack.send(near, Uint8Array.from(bytes(1000)))).toBe(1000)
  sim.run(1_000)
  const into = new Uint8Array(2000)
  expect(server.stack.recv(far, into)).toBe(1000)
  expect([...into.subarray(0, 1000)]).toEqual(bytes(1000))
  for (const { stack } of routers) expect(stack.counters['ipForwDatagrams']).toBeGreaterThan(4)
})
