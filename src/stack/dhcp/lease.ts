/**
 * The leases of our server: one record for each address that is being offered, lent, or remembered. An address that was
 * given back or ran out is remembered for its client (RFC 2131, 4.3.1: "The client's previous address"), until it is
 * needed for another or a day has passed.
 */
import { type Core, KIND_LEASE, RECORD_KIND } from '../core.ts'
import { LEASE_KIND } from '../dns/record.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { append, remove } from '../memory/fifo.ts'
import { LEASES_HEAD, MAC_HIGH, MAC_LOW, NOW_MS } from '../memory/layout.ts'
import { freeRecord, takeRecord } from '../memory/slab.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'

/** Offsets in a lease's record, behind chain, timer node and kind (core.ts). The address is in host order. */
export const LEASE_STATE = 17
export const ID_LENGTH = 18
export const LEASE_ADDRESS = 20
const NEXT = 24
export const LEASE_XID = 28
export const LEASE_MAC_LOW = 32
export const LEASE_MAC_HIGH = 36
export const LEASE_FLAGS = 38
/** What the client asked for, seconds. */
export const LEASE_SECONDS = 40
/** When it was lent or remembered; a word in the order of the list would not do, since leases are renewed. */
export const LEASE_SINCE = 44
export const LEASE_ID = 48
/** A longer client id does not fit: such a client is known by its hardware address. */
export const ID_MAX = 40

/** Whether nobody has the address is being asked. */
export const PROBED = 1
export const OFFERED = 2
export const LENT = 3
export const REMEMBERED = 4
/** Somebody has it whom we did not give it to. */
export const DECLINED = 5

/** A new lease of this address; 0 when memory is full. */
export function makeLease(s: Core, address: number): Address {
  const { m } = s
  const lease = takeRecord(m, LEASE_KIND)
  if (lease === 0) return 0
  m.put8(lease + RECORD_KIND, KIND_LEASE)
  m.put32(lease + LEASE_ADDRESS, address)
  append(m, LEASES_HEAD, lease, NEXT)
  return lease
}

/** Frees the record; the address is free for anybody. */
export function forgetLease(s: Core, lease: Address): void {
  clearTimer(s.m, lease)
  remove(s.m, LEASES_HEAD, lease, NEXT)
  freeRecord(s.m, LEASE_KIND, lease)
}

/** The lease enters a state, in which it stays so many milliseconds unless something happens. */
export function enterLease(s: Core, lease: Address, state: number, ms: number): void {
  s.m.put8(lease + LEASE_STATE, state)
  s.m.put32(lease + LEASE_SINCE, s.m.get32(NOW_MS))
  startTimer(s.m, lease, ms)
}

/** The one behind it in the list, the oldest first; 0 when it is the last. */
export const nextLease = (m: Arena, lease: Address): Address => m.get32(lease + NEXT)

/** In whatever state it is; 0 when there is none. */
export function leaseOfAddress(m: Arena, address: number): Address {
  let lease = m.get32(LEASES_HEAD)
  while (lease !== 0 && m.get32(lease + LEASE_ADDRESS) !== address) lease = nextLease(m, lease)
  return lease
}

/** The lease of the client whose id of `length` bytes stands at `id`. */
export function leaseOfClient(m: Arena, id: Address, length: number): Address {
  let lease = m.get32(LEASES_HEAD)
  while (lease !== 0 && !isClient(m, lease, id, length)) lease = nextLease(m, lease)
  return lease
}

function isClient(m: Arena, lease: Address, id: Address, length: number): boolean {
  if (m.get8(lease + ID_LENGTH) !== length || m.get8(lease + LEASE_STATE) === DECLINED) return false
  for (let i = 0; i < length; i++) if (m.get8(lease + LEASE_ID + i) !== m.get8(id + i)) return false
  return true
}

/** Of those that are only remembered, the one that was given up first; 0 if there is none. */
export function oldestRemembered(m: Arena): Address {
  let oldest = 0
  for (let lease = m.get32(LEASES_HEAD); lease !== 0; lease = nextLease(m, lease)) {
    if (m.get8(lease + LEASE_STATE) !== REMEMBERED) continue
    if (oldest === 0 || ((m.get32(lease + LEASE_SINCE) - m.get32(oldest + LEASE_SINCE)) | 0) < 0)
      oldest = lease
  }
  return oldest
}

/** Whether a MAC address is the lease's client's, or our own. */
export const isExpectedAt = (m: Arena, lease: Address, high: number, low: number): boolean =>
  (high === m.get16(lease + LEASE_MAC_HIGH) && low === m.get32(lease + LEASE_MAC_LOW)) ||
  (high === m.get16(MAC_HIGH) && low === m.get32(MAC_LOW))
