import { expect, test } from 'vitest'
import { Option } from '../stack.ts'
import { connectPair, Simulation } from '../testing/simulation.ts'

/** Pieces around a segment (1,448 bytes) and around what is laid out at once; the whole is more than one call finds room for. */
const LENGTHS = [1, 1447, 1448, 1449, 3, 2896, 5000, 65_535, 65_536, 65_537, 7, 131_073, 700_001, 2]

test('text of any length, given in pieces of any length, arrives as it was given', () => {
  const sim = new Simulation()
  const [alice, bob] = ['alice', 'bob'].map(name => sim.add(name, { memory: 1 << 20 }))
  if (alice === undefined || bob === undefined) throw new Error('There are two hosts.')
  sim.start()
  const { near, far } = connectPair(sim, alice, bob)
  alice.stack.setOption(near, Option.NoDelay, 1)
  const text = Uint8Array.from({ length: LENGTHS.reduce((a, b) => a + b) }, (_, i) => (i * 7919) >> 7)
  const read = new Uint8Array(text.length + 1)
  let [given, taken, cut] = [0, 0, 0]
  for (const length of LENGTHS)
    for (const end = given + length; given < end; ) {
      const accepted = Math.max(0, alice.stack.send(near, text.subarray(given, end)))
      if (accepted < end - given) cut++
      given += accepted
      sim.run(3)
      taken += Math.max(0, bob.stack.recv(far, read.subarray(taken)))
      sim.wire.length = 0
    }
  for (let i = 0; i < 1000 && taken < given; i++) {
    sim.run(10)
    taken += Math.max(0, bob.stack.recv(far, read.subarray(taken)))
  }
  expect(cut).toBeGreaterThan(0)
  expect(taken).toBe(text.length)
  expect(Buffer.compare(read.subarray(0, taken), text)).toBe(0)
})
