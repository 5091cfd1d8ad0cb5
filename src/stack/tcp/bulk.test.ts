/**
 * Bulk transfers over a wire that loses, delays, repeats and corrupts, in virtual time. The short form moves what a few
 * seconds allow; LONG_BULK=1 runs thirty simulated minutes for each pair of profiles.
 */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createStack as createClient } from '../profiles/client.ts'
import { createStack as createFull } from '../profiles/full.ts'
import { createStack as createMinimal } from '../profiles/minimal.ts'
import type { Socket } from '../stack.ts'
import { expectSound } from '../testing/invariants.ts'
import { connectPair, type SimulatedHost, Simulation, seededRandom } from '../testing/simulation.ts'

const LONG = process.env['LONG_BULK'] !== undefined
const MINUTES = LONG ? 30 : 0.5
const PROFILES = { full: createFull, client: createClient, minimal: createMinimal }

const PATTERN = Uint8Array.from({ length: 1 << 17 }, (_, i) => (i * 7919) >> 7)

/** What flows from one host to another, hashed at both ends. */
class Flow {
  readonly sent = createHash('sha256')
  readonly received = createHash('sha256')
  given = 0
  taken = 0
  private readonly from: SimulatedHost
  private readonly near: Socket
  private readonly to: SimulatedHost
  private readonly far: Socket
  private readonly into = new Uint8Array(16_384)

  constructor(from: SimulatedHost, near: Socket, to: SimulatedHost, far: Socket) {
    this.from = from
    this.near = near
    this.to = to
    this.far = far
  }

  give(bytes: number): void {
    const at = (this.given * 31) & 0xffff
    const chunk = PATTERN.subarray(at, at + bytes)
    const n = this.from.stack.send(this.near, chunk)
    if (n <= 0) return
    this.sent.update(chunk.subarray(0, n))
    this.given += n
  }

  take(): void {
    for (
      let n = this.to.stack.recv(this.far, this.into);
      n > 0;
      n = this.to.stack.recv(this.far, this.into)
    ) {
      this.received.update(this.into.subarray(0, n))
      this.taken += n
    }
  }
}

/** 5 % lost, 5 % late by up to 15 ms, 2 % twice, 2 % with one bit wrong. */
function badWire(sim: Simulation, seed: number): void {
  const random = seededRandom(seed)
  sim.fault = frame => {
    const dice = random() % 100
    if (dice < 5) return 'lose'
    if (dice < 10) return random() % 15
    if (dice < 12) sim.repeat(frame)
    if (dice >= 12 && dice < 14) {
      const bytes = frame.bytes.slice()
      const at = random() % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (random() % 8))
      return bytes
    }
    return 0
  }
}

describe('a bulk transfer over a bad wire', () => {
  const names = Object.keys(PROFILES) as (keyof typeof PROFILES)[]
  const pairs = names.flatMap(a => names.map(b => [a, b] as const))
  test.each(pairs)(
    'from %s to %s: hashes are equal, both arenas come back',
    (a, b) => {
      const sim = new Simulation()
      const alice = sim.add('alice', { profile: PROFILES[a], memory: 512 * 1024 })
      const bob = sim.add('bob', { profile: PROFILES[b] })
      sim.delay = 5
      sim.start()
      const baseline = [alice.stack.memory.used, bob.stack.memory.used]
      const { near, far, listener } = connectPair(sim, alice, bob)
      const there = new Flow(alice, near, bob, far)
      const back = new Flow(bob, far, alice, near)
      badWire(sim, 7)
      const until = sim.now + MINUTES * 60_000
      const began = performance.now()
      let frames = 0
      for (let turn = 0; sim.now < until; turn++) {
        there.give(turn % 5 === 0 ? 300 : 16_384)
        if (turn % 3 === 0) back.give(700)
        sim.run(10)
        there.take()
        back.take()
        frames += sim.wire.length
        sim.wire.length = 0
        for (const host of sim.hosts) host.drops.length = 0
        if (turn % 500 === 0) for (const host of sim.hosts) expectSound(host.stack)
      }
      const all = () => there.taken === there.given && back.taken === back.given
      for (let i = 0; i < 3000 && !all(); i++) {
        sim.run(100)
        there.take()
        back.take()
      }
      expect([there.taken, back.taken]).toEqual([there.given, back.given])
      if (LONG)
        console.log(
          `${a} to ${b}: ${MINUTES} min of transfer, ${(there.taken / 1e6).toFixed(0)} MB there and ` +
            `${(back.taken / 1e6).toFixed(1)} MB back in ${frames} frames, ${((performance.now() - began) / 1000).toFixed(0)} s`,
        )
      expect(there.given).toBeGreaterThan(100_000 * MINUTES)
      expect(there.received.digest('hex')).toBe(there.sent.digest('hex'))
      expect(back.received.digest('hex')).toBe(back.sent.digest('hex'))
      sim.fault = () => 0
      alice.stack.close(near)
      bob.stack.close(far)
      bob.stack.close(listener)
      sim.run(600_000)
      expect([alice.stack.memory.used, bob.stack.memory.used]).toEqual(baseline)
    },
    1_200_000,
  )
})

/** Bytes that arrive in `seconds` at this loss (in thousandths, of frames from the sender), 20 ms each way. */
function goodput(profile: typeof createFull, loss: number, seconds: number, seed: number): number {
  const sim = new Simulation()
  const alice = sim.add('alice', { profile, memory: 1 << 20 })
  const bob = sim.add('bob', { profile, memory: 1 << 20 })
  sim.delay = 20
  sim.start()
  const { near, far } = connectPair(sim, alice, bob)
  const flow = new Flow(alice, near, bob, far)
  const random = seededRandom(seed)
  sim.fault = frame => (frame.from === 'alice' && random() % 1000 < loss ? 'lose' : 0)
  const until = sim.now + seconds * 1000
  while (sim.now < until) {
    flow.give(65_536)
    sim.run(10)
    flow.take()
    sim.wire.length = 0
  }
  return flow.taken
}

test('at 2 % loss SACK brings more through than NewReno alone', () => {
  const seconds = LONG ? 600 : 30
  const [client, minimal] = [createClient, createMinimal].map(profile => goodput(profile, 20, seconds, 3))
  expect(client).toBeGreaterThan((minimal ?? 0) * 1.05)
}, 120_000)
