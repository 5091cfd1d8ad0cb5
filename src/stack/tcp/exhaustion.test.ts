/**
 * Each allocation fails once: a host works through a connection's life with ever fewer pages free, from each moment of
 * that life on. Nothing may throw, leak, or leave the two ends of a connection of two minds.
 */
import { expect, test } from 'vitest'
import { inspectConnections } from '../inspect/inspect.ts'
import { Arena, freePage, takePage } from '../memory/arena.ts'
import { FREE_COUNT, POOL_DATAGRAMS } from '../memory/layout.ts'
import { Protocol, type Socket, type Stack } from '../stack.ts'
import { expectSound } from '../testing/invariants.ts'
import { type SimulatedHost, Simulation } from '../testing/simulation.ts'

/** Takes all pages but `left` from under the stack. Returns what gives them back. */
function starve(stack: Stack, left: number): () => void {
  const m = new Arena(stack.arena)
  const held: number[] = []
  while (m.get32(FREE_COUNT) > left) held.push(takePage(m, POOL_DATAGRAMS, true))
  return () => {
    for (const page of held.splice(0)) freePage(m, page)
  }
}

/** One life of a connection, a step at a time: handshake, text both ways, close. Errors are answers like any other. */
function life(sim: Simulation, client: SimulatedHost, server: SimulatedHost): readonly (() => void)[] {
  const text = new Uint8Array(5_000)
  const listener = server.stack.socket(Protocol.Tcp) as Socket
  let near = 0 as Socket
  let far = 0 as Socket
  return [
    () => {
      server.stack.bind(listener, 0, 7)
      server.stack.listen(listener, 2)
      near = client.stack.socket(Protocol.Tcp) as Socket
    },
    () => client.stack.connect(near, server.stack.address, 7),
    () => {
      far = server.stack.accept(listener) as Socket
    },
    () => client.stack.send(near, text),
    () => server.stack.recv(far, text.subarray(0, 100)),
    () => server.stack.send(far, text),
    () => server.stack.recv(far, text),
    () => client.stack.recv(near, text),
    () => client.stack.close(near),
    () => server.stack.recv(far, text),
    () => server.stack.close(far),
    () => server.stack.close(listener),
  ].map(step => () => {
    step()
    sim.run(300)
  })
}

const STEPS = 12

for (const starved of ['client', 'server'] as const) {
  for (let left = 0; left <= 8; left++) {
    test(`with ${left} pages left to the ${starved}, from whichever step on`, () => {
      for (let from = 0; from < STEPS; from++) {
        const sim = new Simulation()
        const client = sim.add('client', { memory: 48 * 1024 })
        const server = sim.add('server', { memory: 48 * 1024 })
        sim.start()
        const baseline = sim.hosts.map(host => host.stack.memory.used)
        const steps = life(sim, client, server)
        let feed = () => {}
        steps.forEach((step, i) => {
          if (i === from) feed = starve((starved === 'client' ? client : server).stack, left)
          step()
        })
        feed()
        sim.run(400_000)
        for (const host of sim.hosts) {
          expectSound(host.stack)
          expect(inspectConnections(host.stack.arena)).toEqual([])
        }
        expect(sim.hosts.map(host => host.stack.memory.used)).toEqual(baseline)
      }
    })
  }
}
