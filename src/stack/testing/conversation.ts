/** The conversation that any two stacks must be able to have: handshake, text both ways, close, and all memory back. */
import { expect } from 'vitest'
import { EAGAIN } from '../errno.ts'
import type { Socket, Stack } from '../stack.ts'
import { connectPair, type Profile, Simulation } from './simulation.ts'

export const text = (words: string): Uint8Array => new TextEncoder().encode(words)

/** What there is to read, as text, or the error. */
function read(stack: Stack, socket: Socket): string | number {
  const into = new Uint8Array(4096)
  const length = stack.recv(socket, into)
  return length < 0 ? length : new TextDecoder().decode(into.subarray(0, length))
}

/** Of two hosts, full ones where no profile is named. */
export function converse(one?: Profile, other?: Profile): void {
  const sim = new Simulation()
  const alice = sim.add('alice', one && { profile: one })
  const bob = sim.add('bob', other && { profile: other })
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
  sim.run(300_000)
  expect([alice.stack.memory.used, bob.stack.memory.used]).toEqual(baseline)
}
