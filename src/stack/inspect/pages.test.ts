import { expect, test } from 'vitest'
import { Protocol, type Socket } from '../stack.ts'
import { connectPair, Simulation } from '../testing/simulation.ts'
import { inspectPages, pagesOfSocket, recordsFit } from './pages.ts'

/** Alice has sent 5,000 bytes that bob has not read; a datagram waits at bob's, too. */
function hosts() {
  const sim = new Simulation()
  const alice = sim.add('alice')
  const bob = sim.add('bob')
  sim.start()
  const { near, far } = connectPair(sim, alice, bob)
  alice.stack.send(near, new Uint8Array(5000))
  const udp = bob.stack.socket(Protocol.Udp) as Socket
  bob.stack.bind(udp, 0, 9)
  alice.stack.sendTo(alice.stack.socket(Protocol.Udp) as Socket, new Uint8Array(100), bob.stack.address, 9)
  sim.run(500)
  return { bob, far, udp }
}

test('the pages of each pool are as many as its report says, and with the fixed area they are the arena', () => {
  const { memory, poolNames, pools, pageSize, first } = inspectPages(hosts().bob.stack.arena)
  for (const { name, used } of memory.pools) {
    if (name === 'fixed') continue
    const number = poolNames.indexOf(name)
    expect([name, [...pools].filter(pool => pool === number).length * pageSize]).toEqual([name, used])
  }
  expect(memory.pools.reduce((sum, { used }) => sum + used, 0)).toBe(memory.size)
  expect(first + pools.length * pageSize).toBeLessThanOrEqual(memory.size)
})

test('a page of data tells whose it is and how much is in it', () => {
  const { bob, far, udp } = hosts()
  const pages = inspectPages(bob.stack.arena)
  const { poolNames, pools, fill, holders } = pages
  const holding = (socket: number) =>
    [...holders.keys()].filter(page => holders[page] === socket).map(page => poolNames[pools[page] ?? 0])
  expect(new Set(holding(far))).toEqual(new Set(['receive']))
  expect(holding(udp)).toEqual(['datagrams'])
  const bytes = [...fill].filter((_, page) => holders[page] === far).reduce((sum, n) => sum + n, 0)
  expect(bytes).toBe(5000)
  expect(pagesOfSocket(pages, far).length).toBe(holding(far).length + 1)
})

test('a page of records tells how many are in use', () => {
  const pages = inspectPages(hosts().bob.stack.arena)
  const page = pages.pools.indexOf(pages.poolNames.indexOf('connections'))
  expect(pages.fill[page]).toBe(2)
  expect(recordsFit(pages.pools[page] ?? 0)).toBeGreaterThan(5)
})

test('an arena whose lists are broken is read to its end all the same', () => {
  const { bob } = hosts()
  const broken = bob.stack.arena.slice(0)
  const { pools, poolNames, first, pageSize } = inspectPages(broken)
  const receive = poolNames.indexOf('receive')
  const view = new DataView(broken)
  // Every page of data leads to itself, or to nowhere.
  pools.forEach((pool, i) => {
    if (pool === receive)
      view.setUint32(first + i * pageSize, i % 2 === 0 ? first + i * pageSize : 0xfffffff0, true)
  })
  expect(inspectPages(broken).pools).toEqual(pools)
})
