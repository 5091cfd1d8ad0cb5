/** Which of our addresses a packet is sent from: RFC 6724, 5, the rules that a host with one link needs. */
import type { Core } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { DEPRECATED, isAssigned, visitOwn } from './addresses.ts'
import { commonBits, isLinkLocal6, scopeOf } from './kinds.ts'
import { labelOf } from './policy.ts'
import { ADDRESS6, isSame, PREFIX_BITS, STATE6 } from './records.ts'

/**
 * The word for our address to send to the address at `to` from; 0 when we have none. Each of our addresses is compared
 * with the best until then, rule by rule.
 */
export function chooseSource(s: Core, to: Address): number {
  const { m } = s
  let best = 0
  visitOwn(m, a => {
    if (isAssigned(m, a) && (best === 0 || isBetter(m, a, best, to))) best = a
  })
  return best === 0 ? 0 : best + ADDRESS6
}

/** Our link-local address, as a word; 0 while it is tested. */
export function chooseLinkLocal(s: Core): number {
  const { m } = s
  let found = 0
  visitOwn(m, a => {
    if (found === 0 && isAssigned(m, a) && isLinkLocal6(m, a + ADDRESS6)) found = a + ADDRESS6
  })
  return found
}

/** Whether `a` is a better source than `b`. Rules 4, 5 and 7 are of mobility, of several links and of temporary addresses. */
function isBetter(m: Arena, a: Address, b: Address, to: Address): boolean {
  // Rule 1: prefer same address.
  if (isSame(m, b + ADDRESS6, to)) return false
  if (isSame(m, a + ADDRESS6, to)) return true
  // Rule 2: prefer appropriate scope.
  const [scopeA, scopeB, scopeTo] = [scopeOf(m, a + ADDRESS6), scopeOf(m, b + ADDRESS6), scopeOf(m, to)]
  if (scopeA < scopeB) return scopeA >= scopeTo
  if (scopeB < scopeA) return scopeB < scopeTo
  // Rule 3: avoid deprecated addresses.
  const [oldA, oldB] = [m.get8(a + STATE6) === DEPRECATED, m.get8(b + STATE6) === DEPRECATED]
  if (oldA !== oldB) return oldB
  // Rule 6: prefer matching label.
  const label = labelOf(m, to)
  const [labelA, labelB] = [labelOf(m, a + ADDRESS6) === label, labelOf(m, b + ADDRESS6) === label]
  if (labelA !== labelB) return labelA
  // Rule 8: use longest matching prefix.
  return commonWith(m, a, to) > commonWith(m, b, to)
}

/** RFC 6724, 2.2: "up to the length of S's prefix". */
export const commonWith = (m: Arena, a: Address, to: Address): number =>
  Math.min(commonBits(m, a + ADDRESS6, to), m.get8(a + PREFIX_BITS))
