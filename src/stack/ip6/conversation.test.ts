/** Two hosts and a router that a script plays: what they say to each other, over a wire that loses, doubles and damages. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Event, Protocol, type Socket, type Stack } from '../stack.ts'
import { expectSound } from '../testing/invariants.ts'
import {
  advertisement,
  frame6,
  icmp6,
  ip6,
  ipv6,
  macOption,
  prefixOption,
  readIpv6,
  text6,
} from '../testing/raw6.ts'
import { type SimulatedHost, Simulation, seededRandom } from '../testing/simulation.ts'

const ROUTER = ip6('fe80::99')
const ROUTER_MAC = [2, 0, 0, 0, 0, 0x99]
const ALL_NODES = ip6('ff02::1')
const PREFIX = '2001:db8:1::'

/** What the router says, to all. */
function advertise(sim: Simulation, valid: number): void {
  const options = [...macOption(1, ROUTER_MAC), ...prefixOption({ prefix: PREFIX, valid, preferred: valid })]
  const message = icmp6(
    134,
    0,
    advertisement(options, { lifetime: Math.min(valid, 1800) }),
    ROUTER,
    ALL_NODES,
  )
  const frame = frame6(ipv6(58, message, { from: ROUTER, to: ALL_NODES, hops: 255 }), [], ROUTER_MAC)
  for (const host of sim.hosts) host.stack.input(frame, sim.now)
}

/** Two hosts that have made addresses of the router's prefix, because he answered them. */
function meet(): { sim: Simulation; alice: SimulatedHost; bob: SimulatedHost; baseline: number[] } {
  const sim = new Simulation()
  const alice = sim.add('alice', { memory: 1 << 20 })
  const bob = sim.add('bob', { memory: 1 << 20 })
  const baseline = sim.hosts.map(({ stack }) => stack.memory.used)
  sim.run(5_000, () => sim.wire.filter(({ bytes }) => readIpv6(bytes)?.type === 133).length === 2)
  advertise(sim, 3_600)
  sim.run(15_000)
  return { sim, alice, bob, baseline }
}

const globalOf = (stack: Stack) =>
  stack.ipv6?.addresses.find(({ address, state }) => address[0] === 0x20 && state === 'preferred')?.address ??
  new Uint8Array(16)

/** A connection to bob's global address on port 7. */
function connect(sim: Simulation, alice: SimulatedHost, bob: SimulatedHost) {
  const listener = bob.stack.socket(Protocol.Tcp) as Socket
  bob.stack.bind(listener, 0, 7)
  bob.stack.listen(listener, 4)
  const near = alice.stack.socket(Protocol.Tcp) as Socket
  expect(alice.stack.connect(near, globalOf(bob.stack), 7)).toBe(0)
  sim.run(60_000, () => ((alice.seen.get(near) ?? 0) & Event.Connected) !== 0)
  sim.run(5_000, () => false)
  const far = bob.stack.accept(listener) as Socket
  expect(far).toBeGreaterThan(0)
  return { near, far, listener }
}

/** Moves the data from one to the other; what arrived. */
function transfer(
  sim: Simulation,
  from: SimulatedHost,
  near: Socket,
  to: SimulatedHost,
  far: Socket,
  data: Uint8Array,
): Uint8Array {
  const got = new Uint8Array(data.length)
  const into = new Uint8Array(65_536)
  let [sent, received] = [0, 0]
  for (const until = sim.now + 600_000; received < data.length && sim.now < until; sim.run(5)) {
    if (sent < data.length) sent += Math.max(0, from.stack.send(near, data.subarray(sent, sent + 65_536)))
    for (let n = to.stack.recv(far, into); n > 0; n = to.stack.recv(far, into)) {
      got.set(into.subarray(0, n), received)
      received += n
    }
  }
  return got
}

function part(sim: Simulation, hosts: [SimulatedHost, Socket[]][], baseline: number[]): void {
  sim.fault = () => 0
  for (const [host, sockets] of hosts) for (const socket of sockets) host.stack.close(socket)
  advertise(sim, 0)
  for (const { stack } of sim.hosts) stack.removeAddress6(globalOf(stack))
  sim.run(400_000)
  for (const { stack } of sim.hosts) expectSound(stack)
  expect(sim.hosts.map(({ stack }) => stack.memory.used)).toEqual(baseline)
}

test('they find each other by the router’s prefix and move a megabyte over a wire that loses, doubles and damages', () => {
  const { sim, alice, bob, baseline } = meet()
  expect(text6(globalOf(alice.stack))).toMatch(/^2001:db8:1:0:/)
  const random = seededRandom(11)
  sim.fault = ({ bytes }) => {
    const fate = random() % 100
    if (fate < 5) return 'lose'
    if (fate >= 8) return fate < 12 ? 3 : 0
    const damaged = bytes.slice()
    damaged[random() % damaged.length] = random() & 255
    return damaged
  }
  const { near, far, listener } = connect(sim, alice, bob)
  const data = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7919) >> 5)
  expect(Buffer.from(transfer(sim, alice, near, bob, far, data)).equals(Buffer.from(data))).toBe(true)
  expect(bob.stack.counters['tcpRetransSegs'] ?? 0).toBeGreaterThan(-1)
  expect(alice.stack.counters['tcpRetransSegs']).toBeGreaterThan(10)
  for (const { stack } of sim.hosts) expectSound(stack)
  part(
    sim,
    [
      [alice, [near]],
      [bob, [far, listener]],
    ],
    baseline,
  )
})

test('over a link of large frames many segments leave as one', () => {
  const sim = new Simulation()
  const alice = sim.add('alice', { memory: 1 << 20, largestFrame: 65_549 })
  const bob = sim.add('bob', { memory: 1 << 20, largestFrame: 65_549 })
  sim.run(2_500)
  advertise(sim, 3_600)
  sim.run(15_000)
  const { near, far } = connect(sim, alice, bob)
  const data = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 31) >> 3)
  expect(Buffer.from(transfer(sim, alice, near, bob, far, data)).equals(Buffer.from(data))).toBe(true)
  expect(Math.max(...sim.wire.map(({ bytes }) => bytes.length))).toBeGreaterThan(10_000)
})

test('a copy of the arena in mid-transfer is the host: it goes on from there', () => {
  const { sim, alice, bob } = meet()
  const { near, far } = connect(sim, alice, bob)
  const data = Uint8Array.from({ length: 100_000 }, (_, i) => i & 255)
  alice.stack.send(near, data)
  sim.run(2)
  const copy = sim.add('copy', { memory: alice.stack.arena.slice(0) })
  // The copy takes the place of the original.
  sim.hosts.splice(sim.hosts.indexOf(alice), 1)
  const into = new Uint8Array(65_536)
  let got = 0
  for (let i = 0; i < 1_000 && got < data.length; i++) {
    sim.run(5)
    for (let n = bob.stack.recv(far, into); n > 0; n = bob.stack.recv(far, into)) got += n
  }
  expect([got, copy.stack.ipv6?.addresses.length]).toEqual([data.length, 2])
})

const present = spawnSync('tshark', ['--version']).status === 0

/** A capture as tcpdump writes it: a header, and 16 bytes before each frame. */
function pcap(sim: Simulation): Uint8Array {
  const parts: Buffer[] = [Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')]
  for (const { at, bytes } of sim.wire) {
    const head = Buffer.alloc(16)
    head.writeUInt32LE(Math.floor(at / 1000), 0)
    head.writeUInt32LE(Math.floor((at % 1000) * 1000), 4)
    head.writeUInt32LE(bytes.length, 8)
    head.writeUInt32LE(bytes.length, 12)
    parts.push(head, Buffer.from(bytes))
  }
  return Buffer.concat(parts)
}

test.skipIf(!present)(
  present
    ? 'tshark finds nothing malformed in what they say, and no bad checksum'
    : 'skipped: tshark is not installed',
  () => {
    const { sim, alice, bob, baseline } = meet()
    const to = globalOf(bob.stack)
    const group = Uint8Array.from(ip6('ff05::1234'))
    alice.stack.joinGroup6(group)
    const [udp, ping] = [
      alice.stack.socket(Protocol.Udp) as Socket,
      alice.stack.socket(Protocol.Icmp6) as Socket,
    ]
    alice.stack.sendTo(udp, new Uint8Array(100), to, 9)
    // One datagram waits for the neighbour; the others can go when he is found.
    sim.run(100)
    alice.stack.sendTo(udp, new Uint8Array(4_000), to, 9)
    alice.stack.sendTo(ping, new Uint8Array(56), to, 1)
    alice.stack.sendTo(ping, new Uint8Array(5_000), to, 2)
    const { near, far, listener } = connect(sim, alice, bob)
    transfer(sim, alice, near, bob, far, new Uint8Array(200_000))
    alice.stack.leaveGroup6(group)
    sim.run(60_000)
    const folder = mkdtempSync(join(tmpdir(), 'lanlet-'))
    try {
      const path = join(folder, 'capture.pcap')
      writeFileSync(path, pcap(sim))
      const checked = ['tcp', 'udp', 'icmpv6'].flatMap(of => [
        '-o',
        `${of === 'icmpv6' ? 'ip' : of}.check_checksum:TRUE`,
      ])
      const read = (filter: string) =>
        execFileSync('tshark', ['-r', path, ...checked, '-Y', filter], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        })
          .split('\n')
          .filter(line => line !== '')
      const kinds = [
        'icmpv6.type == 133',
        'icmpv6.type == 135',
        'icmpv6.type == 136',
        'icmpv6.type == 131',
        'icmpv6.type == 132',
      ]
      for (const kind of [...kinds, 'icmpv6.type == 129', 'icmpv6.type == 1', 'ipv6.fraghdr', 'tcp && ipv6'])
        expect([kind, read(kind).length > 0]).toEqual([kind, true])
      const wrong = [
        '_ws.malformed',
        'tcp.checksum.status == "Bad"',
        'udp.checksum.status == "Bad"',
        'icmpv6.checksum.status == "Bad"',
      ]
      expect(read(wrong.join(' || '))).toEqual([])
      expect(read('tcp.analysis.retransmission || tcp.analysis.lost_segment')).toEqual([])
    } finally {
      rmSync(folder, { recursive: true })
    }
    part(
      sim,
      [
        [alice, [near, udp, ping]],
        [bob, [far, listener]],
      ],
      baseline,
    )
  },
  60_000,
)
