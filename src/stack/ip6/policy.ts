/** The default policy table, RFC 6724, 2.1: prefixes, how much they are preferred as destinations, and what goes with what. */
import type { Address, Arena } from '../memory/arena.ts'
import { isLoopback6, isMapped } from './kinds.ts'

/** Precedence in the high byte, label in the low one. */
export const POLICY_IPV4 = (35 << 8) | 4

function policyOf(m: Arena, at: Address): number {
  const high = m.view.getInt32(at)
  const first = high >>> 16
  if (isLoopback6(m, at)) return 50 << 8
  if (isMapped(m, at)) return POLICY_IPV4
  // ::/96, 2001::/32 (Teredo), 2002::/16 (6to4), 3ffe::/16, fec0::/10, fc00::/7.
  if (high === 0 && m.get32(at + 4) === 0 && m.get32(at + 8) === 0) return (1 << 8) | 3
  if (high === 0x20010000) return (5 << 8) | 5
  if (first === 0x2002) return (30 << 8) | 2
  if (first === 0x3ffe) return (1 << 8) | 12
  if ((first & 0xffc0) === 0xfec0) return (1 << 8) | 11
  return (first & 0xfe00) === 0xfc00 ? (3 << 8) | 13 : (40 << 8) | 1
}

/** 1 … 50: of two destinations the one with the higher is preferred, RFC 6724, 6, rule 6. */
export const precedenceOf = (m: Arena, at: Address): number => policyOf(m, at) >> 8
/** 0 … 13: a source with the destination's label is preferred, RFC 6724, 5, rule 6. */
export const labelOf = (m: Arena, at: Address): number => policyOf(m, at) & 255
