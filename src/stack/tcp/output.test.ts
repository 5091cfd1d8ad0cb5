import { expect, test } from 'vitest'
import type { Socket } from '../stack.ts'
import { Simulation } from '../testing/simulation.ts'
import { ETHERTYPE_ARP } from '../wire/ethernet.ts'

test('the request for a neighbour leaves in the same output in which the first segment asked for it', () => {
  const sim = new Simulation()
  const { stack } = sim.add('alice')
  sim.add('bob')
  sim.start()
  stack.connect(stack.socket(6) as Socket, 0x0a000002, 9)
  const types: number[] = []
  stack.output(frame => {
    types.push(((frame[12] ?? 0) << 8) | (frame[13] ?? 0))
    return true
  })
  expect(types).toEqual([ETHERTYPE_ARP])
})
