/** A place for an address that is being made or that a program gave, good until the next packet is made. */
import type { Address, Arena } from '../memory/arena.ts'
import { OUTPUT_PAGE } from '../memory/layout.ts'
import type { Ipv6 } from '../stack.ts'

/** The output page holds a segment only while that is on its way out. */
export const scratchOf = (m: Arena): Address => m.get32(OUTPUT_PAGE) + 32

/** Puts a program's 16 bytes there. */
export function scratchFrom(m: Arena, address: Ipv6): Address {
  m.bytes.set(address, scratchOf(m))
  return scratchOf(m)
}
