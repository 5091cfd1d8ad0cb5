/**
 * A link-local address that has given way to a routable one, RFC 3927, 1.9, rule 2: nothing new begins with it, but "the host
 * SHOULD continue to use the IPv4 Link-Local address for communications already underway". So it stays, beside the other,
 * until its last connection has ended. It is not defended: whoever else has it gets it.
 */
import type { Core } from '../core.ts'
import { KEPT_ADDRESS } from '../memory/layout.ts'
import { LOCAL_ADDRESS } from '../socket/record.ts'
import { visitConnections } from '../tcp/connection.ts'
import { LISTEN, stateOf } from '../tcp/tcb.ts'
import { connectionsLoseAddress } from '../tcp/unreachable.ts'
import { isLinkLocal } from '../wire/ipv4.ts'
import { dropAddress } from './local.ts'

/** How often it is looked whether it is still in use. */
export const KEPT_CHECK_MS = 60_000

/** `old` gives way to `next`. True: it stays for the connections that use it; else they are the caller's to end. */
export function keepAddress(s: Core, old: number, next: number): boolean {
  leaveKept(s)
  if (!isLinkLocal(old) || isLinkLocal(next) || !isInUse(s, old)) return false
  s.m.put32(KEPT_ADDRESS, old)
  return true
}

/** Whether there is still one, and somebody uses it; what nobody does is given up. */
export function tendKept(s: Core): boolean {
  const kept = s.m.get32(KEPT_ADDRESS)
  if (kept !== 0 && isInUse(s, kept)) return true
  leaveKept(s)
  return false
}

/** It is given up, with the connections that use it. */
export function leaveKept(s: Core): void {
  const kept = s.m.get32(KEPT_ADDRESS)
  if (kept === 0) return
  s.m.put32(KEPT_ADDRESS, 0)
  connectionsLoseAddress(s, kept)
  dropAddress(s, kept)
}

function isInUse(s: Core, address: number): boolean {
  let found = false
  visitConnections(s.m, t => {
    found ||= s.m.get32(t + LOCAL_ADDRESS) === address && stateOf(s.m, t) !== LISTEN
  })
  return found
}
