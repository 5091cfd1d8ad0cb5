/**
 * The allocation sweep: a connection lives its life, handshake, transfer both ways with a gap to fill, close, and the
 * n-th allocation of one host fails, for every n. Nothing may throw or leak; and both ends come to rest.
 *
 * What fails is each page that is taken and each record, also one that a page in use would have had room for: so every
 * call of an allocator is seen to be refused once.
 */
import { expect, test, vi } from 'vitest'
import { inspectConnections } from '../inspect/inspect.ts'
import type { Arena } from '../memory/arena.ts'
import { POOL_FAILURES, POOL_STRIDE, POOLS_AT } from '../memory/layout.ts'
import type { RecordKind } from '../memory/slab.ts'
import { Protocol, type Socket } from '../stack.ts'
import { expectSound } from '../testing/invariants.ts'
import { type SimulatedHost, Simulation } from '../testing/simulation.ts'

/** Whose allocations are counted, how many there were, and which one fails. */
const sweep = vi.hoisted(() => ({ arena: undefined as ArrayBuffer | undefined, asked: 0, fails: 0 }))

/** Whether this allocation is the one that fails; then it is counted as the pool's failure, as the allocator does. */
function isRefused(m: Arena, pool: number): boolean {
  if (m.buffer !== sweep.arena || ++sweep.asked !== sweep.fails) return false
  m.add32(POOLS_AT + pool * POOL_STRIDE + POOL_FAILURES, 1)
  return true
}

vi.mock('../memory/arena.ts', async original => {
  const real = await original<typeof import('../memory/arena.ts')>()
  return {
    ...real,
    takePage: (m: Arena, pool: number, urgent: boolean) =>
      isRefused(m, pool) ? 0 : real.takePage(m, pool, urgent),
    keepInput: (m: Arena, pool: number) => (isRefused(m, pool) ? 0 : real.keepInput(m, pool)),
  }
})
vi.mock('../memory/slab.ts', async original => {
  const real = await original<typeof import('../memory/slab.ts')>()
  return {
    ...real,
    takeRecord: (m: Arena, kind: RecordKind) => (isRefused(m, kind.pool) ? 0 : real.takeRecord(m, kind)),
  }
})

/** One life of a connection. Errors are answers like any other: a program that is refused goes on. */
function live(sim: Simulation, client: SimulatedHost, server: SimulatedHost): void {
  const data = new Uint8Array(6_000)
  const call = (act: () => void) => {
    act()
    sim.run(300)
  }
  let [listener, near, far] = [0, 0, 0] as Socket[] as [Socket, Socket, Socket]
  call(() => {
    listener = server.stack.socket(Protocol.Tcp) as Socket
    server.stack.bind(listener, 0, 7)
    server.stack.listen(listener, 2)
    near = client.stack.socket(Protocol.Tcp) as Socket
  })
  call(() => client.stack.connect(near, server.stack.address, 7))
  call(() => {
    far = server.stack.accept(listener) as Socket
  })
  // The second segment of each flight comes late: what follows it waits for it.
  let segments = 0
  sim.fault = ({ bytes }) => (bytes.length > 1000 && ++segments % 4 === 2 ? 20 : 0)
  call(() => client.stack.send(near, data))
  call(() => server.stack.recv(far, data))
  call(() => server.stack.send(far, data))
  call(() => client.stack.recv(near, data))
  sim.fault = () => 0
  call(() => client.stack.close(near))
  call(() => server.stack.recv(far, data))
  call(() => server.stack.close(far))
  call(() => server.stack.close(listener))
}

/** A whole life in which the n-th allocation of one host fails. Returns how many there were. */
function lifeWith(starved: 'client' | 'server', n: number): number {
  const sim = new Simulation()
  const client = sim.add('client', { memory: 64 * 1024 })
  const server = sim.add('server', { memory: 64 * 1024 })
  sim.start()
  const baseline = sim.hosts.map(host => host.stack.memory.used)
  const victim = starved === 'client' ? client : server
  Object.assign(sweep, { arena: victim.stack.arena, asked: 0, fails: n })
  live(sim, client, server)
  sweep.arena = undefined
  sim.run(400_000)
  for (const host of sim.hosts) {
    expectSound(host.stack)
    expect(inspectConnections(host.stack.arena)).toEqual([])
  }
  expect(sim.hosts.map(host => host.stack.memory.used)).toEqual(baseline)
  // The one that failed is in the books, and no other.
  expect(victim.stack.memory.failures).toBe(n === 0 || n > sweep.asked ? 0 : 1)
  return sweep.asked
}

for (const starved of ['client', 'server'] as const)
  test(`each allocation of the ${starved} fails once: no exception, no leak, both ends at rest`, {
    timeout: 60_000,
  }, () => {
    const all = lifeWith(starved, 0)
    expect(all).toBeGreaterThan(15)
    for (let n = 1; n <= all; n++) lifeWith(starved, n)
  })
