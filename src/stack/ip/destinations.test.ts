import { describe, expect, test } from 'vitest'
import { Arena } from '../memory/arena.ts'
import { PAGE_COUNT } from '../memory/layout.ts'
import { Protocol, type Socket, type Stack } from '../stack.ts'
import { expectSound } from '../testing/invariants.ts'
import { Simulation } from '../testing/simulation.ts'

const held = (stack: Stack): number =>
  stack.memory.pools.find(({ name }) => name === 'destinations')?.used ?? 0

/** A small host that has closed connections to as many hosts. */
function talkedTo(hosts: number, memory: number): { sim: Simulation; stack: Stack } {
  const sim = new Simulation()
  const { stack } = sim.add('server', { memory, address: '10.0.0.200/24' })
  const listener = stack.socket(Protocol.Tcp) as Socket
  stack.bind(listener, 0, 7)
  stack.listen(listener, 8)
  sim.start()
  for (let i = 1; i <= hosts; i++) {
    const peer = sim.add(`host ${i}`, { memory: 32 * 1024 })
    sim.run(5_000)
    const socket = peer.stack.socket(Protocol.Tcp) as Socket
    peer.stack.connect(socket, stack.address, 7)
    sim.run(20)
    const child = stack.accept(listener) as Socket
    stack.close(child)
    peer.stack.close(socket)
    sim.run(20)
    sim.hosts.pop()
    expectSound(stack)
  }
  return { sim, stack }
}

describe('the records of destinations', () => {
  test('are bounded, and go when their time is over', () => {
    const { sim, stack } = talkedTo(30, 64 * 1024)
    expect(new Arena(stack.arena).get32(PAGE_COUNT) >> 2).toBeLessThan(20)
    expect(held(stack)).toBe(1600)
    sim.run(300_000)
    expect(held(stack)).toBe(0)
  })

  test('give way to connections when memory is full', () => {
    const { stack } = talkedTo(3, 64 * 1024)
    expect(held(stack)).toBe(1600)
    while (stack.socket(Protocol.Tcp) > 0);
    expect(held(stack)).toBe(0)
    expectSound(stack)
  })

  test('are not kept by a host that has no page to spare', () => {
    expect(held(talkedTo(2, 32 * 1024).stack)).toBe(0)
  })
})
