/** The host's clock: time is passed in, and what is due by then is done. */
import type { Core } from './core.ts'
import {
  KIND_ACQUIRE,
  KIND_CONNECTION,
  KIND_DESTINATION,
  KIND_GROUP,
  KIND_IPV6,
  KIND_NEIGHBOUR,
  KIND_REASSEMBLY,
  KIND_SETTINGS,
  RECORD_KIND,
} from './core.ts'
import { neighbourTimer } from './ethernet/neighbours.ts'
import { acquireTimer } from './ip/acquire.ts'
import type { Address, Arena } from './memory/arena.ts'
import { NOW, NOW_MS, NOW_US } from './memory/layout.ts'
import { runTimers } from './memory/wheel.ts'
import type { Ms } from './stack.ts'
import { connectionTimer } from './tcp/clock.ts'
import type { Tcb } from './tcp/tcb.ts'

/** Times are compared modulo 2^32 ms; a clock that jumps farther than half of that goes there in steps of 12 days. */
const JUMP_MAX = 2 ** 30

/** Moves the host's clock; it never runs backwards, and what is no time of a clock (NaN, Infinity) does not move it. */
export function setNow(s: Core, now: Ms): void {
  const before = s.m.view.getFloat64(NOW, true)
  if (!(now > before && now < Infinity)) return
  for (let at = before + JUMP_MAX; now > at; at += JUMP_MAX) {
    writeNow(s.m, at)
    fireTimers(s)
  }
  writeNow(s.m, now)
}

function writeNow(m: Arena, time: Ms): void {
  m.view.setFloat64(NOW, time, true)
  m.put32(NOW_MS, Math.floor(time) | 0)
  m.put32(NOW_US, Math.floor(time * 1000) | 0)
}

/** Fires the timers that are due at the time of the last `input` or `poll`, each by what its record is. */
export const fireTimers = (s: Core): void => runTimers(s.m, s.m.get32(NOW_MS), record => fireTimer(s, record))

function fireTimer(s: Core, record: Address): void {
  // Read once: whoever is told may free the record, and its page.
  const kind = s.m.get8(record + RECORD_KIND)
  switch (kind) {
    case KIND_ACQUIRE:
      return acquireTimer(s)
    case KIND_NEIGHBOUR:
      return neighbourTimer(s, record)
    case KIND_CONNECTION:
      return connectionTimer(s, record as Tcb)
    case KIND_REASSEMBLY:
      return s.features.fragments?.expired(s, record)
    case KIND_DESTINATION:
      return s.features.destinations?.expired(s, record)
    case KIND_SETTINGS:
      return s.features.settings?.fired(s, record)
    case KIND_GROUP:
      return s.features.multicast?.expired(s, record)
    case KIND_IPV6:
      return s.features.ipv6?.timer(s, record)
    default:
      for (const service of s.services) service.expired?.(s, record, kind)
  }
}
