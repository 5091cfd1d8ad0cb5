import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { smallestArena } from '../memory/lay-out.ts'
import { createStack as createClient } from '../profiles/client.ts'
import { createStack as createFull } from '../profiles/full.ts'
import { createStack as createMinimal } from '../profiles/minimal.ts'
import { Event, Protocol, type Socket } from '../stack.ts'
import {
  connectPair,
  environment,
  type SimulatedHost,
  Simulation,
  seededRandom,
} from '../testing/simulation.ts'

const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7919) >> 7)

/** Sends `data` from one to the other until all of it has arrived, or ten minutes have passed. */
function transfer(
  sim: Simulation,
  from: SimulatedHost,
  near: Socket,
  to: SimulatedHost,
  far: Socket,
  data: Uint8Array,
) {
  const got = new Uint8Array(data.length)
  const into = new Uint8Array(4096)
  let sent = 0
  let received = 0
  const until = sim.now + 600_000
  while (received < data.length && sim.now < until) {
    for (let n = 1; n > 0 && sent < data.length; sent += Math.max(0, n))
      n = from.stack.send(near, data.subarray(sent))
    sim.run(20)
    for (let n = to.stack.recv(far, into); n > 0; n = to.stack.recv(far, into)) {
      got.set(into.subarray(0, n), received)
      received += n
    }
  }
  return Buffer.from(got).equals(Buffer.from(data))
}

describe('small budgets', () => {
  test('the smallest minimal host takes 200 kB from a full one and sends as much', () => {
    const sim = new Simulation()
    const small = sim.add('small', { memory: smallestArena(false), profile: createMinimal })
    const large = sim.add('large', { memory: 1 << 20 })
    sim.start()
    const { near, far } = connectPair(sim, small, large)
    expect(transfer(sim, large, far, small, near, pattern(200_000))).toBe(true)
    expect(transfer(sim, small, near, large, far, pattern(200_000))).toBe(true)
  })

  test('hosts of all nine pairs of profiles talk to each other', () => {
    const profiles = [createFull, createClient, createMinimal]
    for (const a of profiles) {
      for (const b of profiles) {
        const sim = new Simulation()
        const alice = sim.add('alice', { profile: a, memory: 32 * 1024 })
        const bob = sim.add('bob', { profile: b, memory: 32 * 1024 })
        sim.start()
        const { near, far } = connectPair(sim, alice, bob)
        expect(transfer(sim, alice, near, bob, far, pattern(20_000))).toBe(true)
        expect(transfer(sim, bob, far, alice, near, pattern(20_000))).toBe(true)
      }
    }
  })

  test('a profile without PROC_FS has no counters, one without IP_PING no ping', () => {
    const make = (create: typeof createFull) =>
      create({ memory: 64 * 1024, mac: new Uint8Array([2, 0, 0, 0, 0, 1]) }, environment(1))
    expect(make(createMinimal).counters).toEqual({})
    expect(Object.keys(make(createClient).counters)).toContain('tcpActiveOpens')
    expect(make(createMinimal).socket(Protocol.Icmp)).toBe(-93)
    expect(make(createFull).socket(Protocol.Icmp)).toBeGreaterThan(0)
  })
})

describe('memory that runs out', () => {
  test('connections are refused with ENOBUFS when no record is left, and the arena comes back', () => {
    const sim = new Simulation()
    const alice = sim.add('alice', { memory: 32 * 1024 })
    sim.start()
    const before = alice.stack.memory.used
    const sockets: Socket[] = []
    let last = 0
    for (let i = 0; i < 1000 && last >= 0; i++) {
      last = alice.stack.socket(Protocol.Tcp)
      if (last > 0) sockets.push(last as Socket)
    }
    expect(last).toBe(-105)
    expect(alice.stack.memory.failures).toBeGreaterThan(0)
    for (const socket of sockets) alice.stack.close(socket)
    expect(alice.stack.memory.used).toBe(before)
  })

  test('TIME-WAIT gives way to new connections', () => {
    const sim = new Simulation()
    const alice = sim.add('alice', { memory: 32 * 1024 })
    const bob = sim.add('bob', { memory: 1 << 20 })
    sim.start()
    const listener = bob.stack.socket(Protocol.Tcp) as Socket
    bob.stack.bind(listener, 0, 7)
    bob.stack.listen(listener, 8)
    for (let i = 0; i < 300; i++) {
      const near = alice.stack.socket(Protocol.Tcp) as Socket
      expect(near).toBeGreaterThan(0)
      alice.stack.connect(near, bob.stack.address, 7)
      sim.run(10)
      const far = bob.stack.accept(listener) as Socket
      expect(far).toBeGreaterThan(0)
      alice.stack.close(near)
      sim.run(10)
      bob.stack.close(far)
      sim.run(10)
    }
    expect(alice.stack.counters['tcpReclaimedTimeWait']).toBeGreaterThan(100)
  })

  test('a reader that sleeps closes the window; no more is taken than was promised', () => {
    const sim = new Simulation()
    const alice = sim.add('alice', { memory: 1 << 20 })
    const bob = sim.add('bob', { memory: 64 * 1024 })
    sim.start()
    const { near, far } = connectPair(sim, alice, bob)
    const data = pattern(100_000)
    let sent = 0
    for (let i = 0; i < 100; i++) {
      const n = alice.stack.send(near, data.subarray(sent))
      if (n > 0) sent += n
      sim.run(100)
    }
    const used = bob.stack.memory.used
    sim.run(60_000)
    expect(bob.stack.memory.used).toBe(used)
    expect(used).toBeLessThan(64 * 1024 * 0.6)
    const got: number[] = []
    const into = new Uint8Array(1000)
    for (let i = 0; i < 2000 && got.length < data.length; i++) {
      const n = bob.stack.recv(far, into)
      if (n > 0) got.push(...into.subarray(0, n))
      const more = alice.stack.send(near, data.subarray(sent))
      if (more > 0) sent += more
      sim.run(50)
    }
    expect(got.length).toBe(data.length)
    expect(Buffer.from(got).equals(Buffer.from(data))).toBe(true)
  })
})

describe('the arena is the host', () => {
  test.each([
    ['full', createFull],
    ['client', createClient],
    ['minimal', createMinimal],
  ])(
    'copied in mid-transfer and put into a new %s stack, it goes on, and the hashes are equal',
    (_name, profile) => {
      const sim = new Simulation()
      const alice = sim.add('alice', { profile })
      const bob = sim.add('bob')
      sim.start()
      const { near, far } = connectPair(sim, alice, bob)
      const data = pattern(300_000)
      const got = new Uint8Array(data.length)
      const into = new Uint8Array(4096)
      let sent = 0
      let received = 0
      for (let turn = 0; received < data.length && turn < 10_000; turn++) {
        if (turn % 7 === 3) {
          // The host is thrown away; what is left of it is a copy of its arena.
          const mac = new Uint8Array([2, 0, 0, 0, 0, 1])
          const stack = profile({ memory: alice.stack.arena.slice(0), mac }, environment(turn))
          sim.hosts[0] = { ...alice, stack }
          Object.assign(alice, { stack })
        }
        const n = alice.stack.send(near, data.subarray(sent))
        if (n > 0) sent += n
        sim.run(3)
        for (let r = bob.stack.recv(far, into); r > 0; r = bob.stack.recv(far, into)) {
          got.set(into.subarray(0, r), received)
          received += r
        }
      }
      const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
      expect(hash(got)).toBe(hash(data))
    },
  )
})

describe('a bad wire', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    test(`loss, reordering, duplication and corruption, seed ${seed}: both directions arrive whole, the memory comes back`, () => {
      const sim = new Simulation()
      const alice = sim.add('alice', { memory: seed % 2 === 0 ? 64 * 1024 : 256 * 1024 })
      const bob = sim.add('bob')
      sim.start()
      const baseline = [alice.stack.memory.used, bob.stack.memory.used]
      const { near, far, listener } = connectPair(sim, alice, bob)
      const random = seededRandom(seed)
      sim.fault = frame => {
        const dice = random() % 100
        if (dice < 5) return 'lose'
        if (dice < 10) return random() % 20
        if (dice < 13) {
          const bytes = frame.bytes.slice()
          const at = random() % bytes.length
          bytes[at] = (bytes[at] ?? 0) ^ (1 << (random() % 8))
          return bytes
        }
        return 0
      }
      expect(transfer(sim, alice, near, bob, far, pattern(150_000))).toBe(true)
      expect(transfer(sim, bob, far, alice, near, pattern(150_000))).toBe(true)
      alice.stack.close(near)
      sim.run(30_000, () => (sim.hosts[1]?.seen.get(far) ?? 0) === Event.Closed)
      bob.stack.close(far)
      bob.stack.close(listener)
      sim.run(600_000)
      expect([alice.stack.memory.used, bob.stack.memory.used]).toEqual(baseline)
    })
  }
})
