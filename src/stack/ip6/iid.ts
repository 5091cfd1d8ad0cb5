/**
 * Interface identifiers, RFC 7217, 5: RID = F(Prefix, Net_Iface, Network_ID, DAD_Counter, secret_key). The same host has
 * the same address whenever it comes back to a network, and addresses in two networks that nobody can match. F is
 * SipHash-2-4 (tcp/isn.ts), twice for 64 bits; the interface is its MAC address; there is no Network_ID.
 */
import type { Core } from '../core.ts'
import type { Address } from '../memory/arena.ts'
import { MAC_HIGH, MAC_LOW } from '../memory/layout.ts'
import { keyedHash } from '../tcp/isn.ts'

/** Writes the last 8 bytes of the address at `at` by its first 8. */
export function putInterfaceId(s: Core, at: Address, counter: number): void {
  const { m } = s
  let tries = counter
  do {
    m.put32(at + 8, half(s, at, tries, 1))
    m.put32(at + 12, half(s, at, tries, 2))
    tries += 0x10000
  } while (isReserved(m.view.getInt32(at + 8), m.view.getInt32(at + 12)))
}

function half(s: Core, at: Address, counter: number, which: number): number {
  const { m } = s
  const prefix = keyedHash(m, m.view.getInt32(at), m.view.getInt32(at + 4), which)
  return keyedHash(m, prefix, m.get32(MAC_LOW), (m.get16(MAC_HIGH) << 16) ^ (counter << 2) ^ which)
}

/** RFC 7217, 5, step 3: the subnet-router anycast address, and fdff:ffff:ffff:ff80 … ffff for other anycast (RFC 2526). */
const isReserved = (high: number, low: number): boolean =>
  (high === 0 && low === 0) || (high === (0xfdffffff | 0) && low >>> 7 === 0x1ffffff)
