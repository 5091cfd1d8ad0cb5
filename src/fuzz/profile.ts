/** Stacks by the name of their profile, with what they take from outside by a seed. */
import { Dice } from '../simulate/dice.ts'
import { createStack as client } from '../stack/profiles/client.ts'
import { createStack as full } from '../stack/profiles/full.ts'
import { createStack as minimal } from '../stack/profiles/minimal.ts'
import type { Environment } from '../stack/stack.ts'

export const PROFILES = { full, client, minimal }
export type Profile = keyof typeof PROFILES

export function environment(seed: number): Environment {
  const dice = new Dice(seed)
  return { random32: dice.word, secret: Uint8Array.from({ length: 16 }, () => dice.below(256)) }
}
