import { expect, test } from 'vitest'
import { inspectConnection } from '../inspect/inspect.ts'
import type { Socket } from '../stack.ts'
import { connectPair, type SimulatedHost, Simulation } from '../testing/simulation.ts'

const readAll = (host: SimulatedHost, socket: Socket): number => {
  const into = new Uint8Array(65536)
  let total = 0
  for (let n = host.stack.recv(socket, into); n > 0; n = host.stack.recv(socket, into)) total += n
  return total
}

test('both send, all of it arrives, all ACKs are lost and both time out: they hear each other again', () => {
  const sim = new Simulation()
  const alice = sim.add('alice')
  const bob = sim.add('bob')
  sim.start()
  const { near, far } = connectPair(sim, alice, bob)
  sim.run(1000)
  alice.stack.send(near, new Uint8Array(5 * 1460))
  bob.stack.send(far, new Uint8Array(5 * 1460))
  // What leaves at once is text; what leaves later for half a second are the ACKs of it.
  const cut = sim.now
  sim.fault = frame => (frame.at > cut && frame.at < cut + 150 ? 'lose' : 0)
  sim.run(150)
  sim.wire.length = 0
  sim.run(5_000)
  expect(readAll(alice, near)).toBe(5 * 1460)
  expect(readAll(bob, far)).toBe(5 * 1460)
  for (const [host, socket] of [
    [alice, near],
    [bob, far],
  ] as const) {
    expect(inspectConnection(host.stack.arena, socket)?.sendQueued).toBe(0)
  }
  expect(sim.wire.length).toBeLessThan(60)
})

test('a host put back to an earlier time does not storm with ACKs', () => {
  const sim = new Simulation()
  const alice = sim.add('alice')
  const bob = sim.add('bob')
  sim.start()
  const { near, far } = connectPair(sim, alice, bob)
  const earlier = alice.stack.arena.slice(0)
  for (let i = 0; i < 30; i++) {
    alice.stack.send(near, new Uint8Array(20_000))
    bob.stack.send(far, new Uint8Array(20_000))
    sim.run(300)
    readAll(alice, near)
    readAll(bob, far)
  }
  new Uint8Array(alice.stack.arena).set(new Uint8Array(earlier))
  sim.wire.length = 0
  alice.stack.send(near, new Uint8Array(10))
  sim.run(10_000)
  expect(sim.wire.length).toBeLessThan(100)
})

for (const lost of [0, 1, 2, 3, 4, 5]) {
  test(`closes that cross end on both sides also when frame ${lost} of them is lost`, () => {
    const sim = new Simulation()
    const alice = sim.add('alice')
    const bob = sim.add('bob')
    sim.start()
    const baseline = sim.hosts.map(host => host.stack.memory.used)
    const { near, far, listener } = connectPair(sim, alice, bob)
    sim.run(1000)
    alice.stack.send(near, new Uint8Array(2000))
    sim.run(100)
    readAll(bob, far)
    sim.wire.length = 0
    sim.fault = (_frame, index) => (index === lost ? 'lose' : 0)
    alice.stack.close(near)
    bob.stack.close(far)
    bob.stack.close(listener)
    sim.run(10_000)
    for (const host of sim.hosts) expect(host.stack.counters['tcpOutRsts']).toBe(0)
    sim.run(400_000)
    expect(sim.hosts.map(host => host.stack.memory.used)).toEqual(baseline)
  })
}
