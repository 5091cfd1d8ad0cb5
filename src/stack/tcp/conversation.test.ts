import { expect, test } from 'vitest'
import { ECONNREFUSED } from '../errno.ts'
import { Event, type Socket } from '../stack.ts'
import { converse } from '../testing/conversation.ts'
import { connectPair, Simulation, seededRandom } from '../testing/simulation.ts'

test('two hosts shake hands, exchange text both ways and close', () => converse())

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
  const random = seededRandom(1)
  sim.fault = () => (random() % 100 < 5 ? 'lose' : 0)
  const data = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7919) >> 5)
  const got = new Uint8Array(data.length)
  let sent = 0
  let received = 0
  const into = new Uint8Array(65536)
  while (received < data.length && sim.now < 60_000) {
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
