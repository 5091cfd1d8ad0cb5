import { expect, test } from 'vitest'
import { EAGAIN, ECONNREFUSED } from '../errno.ts'
import { Event, type Socket } from '../stack.ts'
import { connectPair, Simulation } from '../testing/simulation.ts'

const text = (s: string) => new TextEncoder().encode(s)
const read = (stack: { recv(s: Socket, into: Uint8Array): number }, socket: Socket) => {
  const into = new Uint8Array(4096)
  const n = stack.recv(socket, into)
  return n < 0 ? n : new TextDecoder().decode(into.subarray(0, n))
}

test('two hosts shake hands, exchange text both ways and close', () => {
  const sim = new Simulation()
  const alice = sim.add('alice')
  const bob = sim.add('bob')
  sim.start()
  const baseline = [alice.stack.memory.used, bob.stack.memory.used]
  const { near, far, listener } = connectPair(sim, alice, bob)
  expect(alice.stack.send(near, text('hello'))).toBe(5)
  sim.run(100)
  expect(read(bob.stack, far)).toBe('hello')
  expect(read(bob.stack, far)).toBe(EAGAIN)
  bob.stack.send(far, text('good day'))
  sim.run(100)
  expect(read(alice.stack, near)).toBe('good day')
  alice.stack.close(near)
  sim.run(100)
  expect(read(bob.stack, far)).toBe('')
  bob.stack.close(far)
  bob.stack.close(listener)
  sim.run(120_000)
  expect([alice.stack.memory.used, bob.stack.memory.used]).toEqual(baseline)
})

test('a port on which nobody listens refuses', () => {
  const sim = new Simulation()
  const alice = sim.add('alice')
  const bob = sim.add('bob')
  sim.start()
  const near = alice.stack.socket(6) as Socket
  alice.stack.connect(near, bob.stack.address, 9)
  sim.run(100)
  expect(sim.take(alice, near) & Event.Closed).toBe(Event.Closed)
  expect(alice.stack.error(near)).toBe(ECONNREFUSED)
})

test('a megabyte arrives whole at 5 % loss', () => {
  const sim = new Simulation()
  const alice = sim.add('alice')
  const bob = sim.add('bob')
  sim.start()
  const { near, far } = connectPair(sim, alice, bob)
  let seed = 1
  sim.fault = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % 100 < 5 ? 'lose' : 0)
  const data = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7919) >> 5)
  const got = new Uint8Array(data.length)
  let sent = 0
  let received = 0
  const into = new Uint8Array(65536)
  while (received < data.length && sim.now < 3_600_000) {
    if (sent < data.length) {
      const n = alice.stack.send(near, data.subarray(sent, sent + 65536))
      if (n > 0) sent += n
    }
    sim.run(5)
    for (let n = bob.stack.recv(far, into); n > 0; n = bob.stack.recv(far, into)) {
      got.set(into.subarray(0, n), received)
      received += n
    }
  }
  expect(received).toBe(data.length)
  expect(Buffer.from(got).equals(Buffer.from(data))).toBe(true)
})
