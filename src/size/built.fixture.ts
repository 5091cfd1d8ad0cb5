/** Built stacks, loaded from files of their own as anybody would, for tests. */
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { EAGAIN } from '../stack/errno.ts'
import type { Environment, Socket, Stack, StackConfig } from '../stack/stack.ts'
import { connectPair, Simulation } from '../stack/testing/simulation.ts'
import type { Bundle } from './bundle.js'

export type Create = (config: StackConfig, environment: Environment) => Stack
export interface Built extends Bundle {
  readonly createStack: Create
}

/** A folder for built files. */
export class Shelf {
  #folder: Promise<string> | undefined
  #files = 0

  async load(bundle: Bundle): Promise<Built> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'lanlet-size-'))
    const file = join(await this.#folder, `${this.#files++}.mjs`)
    await writeFile(file, bundle.code)
    const { createStack } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      createStack: Create
    }
    return { ...bundle, createStack }
  }

  async clear(): Promise<void> {
    if (this.#folder !== undefined) rmSync(await this.#folder, { recursive: true, force: true })
  }
}

export const text = (words: string): Uint8Array => new TextEncoder().encode(words)
export const read = (stack: Stack, socket: Socket): string | number => {
  const into = new Uint8Array(4096)
  const length = stack.recv(socket, into)
  return length < 0 ? length : new TextDecoder().decode(into.subarray(0, length))
}

/** The conversation that any two stacks must be able to have: handshake, text both ways, close, and all memory back. */
export function converse(one: Create, other: Create): void {
  const sim = new Simulation()
  const alice = sim.add('alice', { profile: one })
  const bob = sim.add('bob', { profile: other })
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
