/**
 * What all sockets have in common: the head of their records, their handles, their place in the hash table, and
 * the list of those on which something happened.
 */
import { type Core, KIND_CONNECTION, KIND_UDP, RECORD_KIND } from '../core.ts'
import { EADDRINUSE, ENOBUFS, type Errno } from '../errno.ts'
import { ipv6For } from '../ip6/word.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { ownerOf, PAGE, pageOf } from '../memory/arena.ts'
import { append, dropFirst, remove } from '../memory/fifo.ts'
import {
  EVENTS_HEAD,
  NEXT_GENERATION,
  PAGE_COUNT,
  PAGES_AT,
  POOL_CONNECTIONS,
  POOL_SOCKETS,
} from '../memory/layout.ts'
import { isRecordAddress, type RecordKind, takeRecord } from '../memory/slab.ts'
import { bucketOf, CHAIN, chain, unchain } from '../memory/table.ts'
import type { Endpoint, Socket } from '../stack.ts'
import { CONNECTION_KIND } from '../tcp/tcb.ts'
import { serviceAt } from '../udp/service.ts'
import { DATAGRAM_KIND } from './datagrams.ts'
import {
  clearFlag,
  EVENTS,
  EVENTS_NEXT,
  FLAG_IN_EVENTS,
  FLAG_IN_TABLE,
  FLAG_ORPHAN,
  GENERATION,
  hasFlag,
  LOCAL_PORT,
  REMOTE_ADDRESS,
  REMOTE_PORT,
  setFlag,
} from './record.ts'

/** RFC 6056, 2.1: the dynamic ports, 49152 … 65535. */
const EPHEMERAL_FIRST = 49152
const EPHEMERAL_COUNT = 16384

/** A new record with a generation of its own; 0 when memory is full. */
export function makeSocket(s: Core, kind: RecordKind, recordKind: number): Address {
  const { m } = s
  const at = takeRecord(m, kind)
  if (at === 0) return 0
  const generation = m.get16(NEXT_GENERATION)
  m.put16(NEXT_GENERATION, (generation + 1) & 0xfff)
  m.put8(at + RECORD_KIND, recordKind)
  m.put16(at + GENERATION, generation)
  return at
}

/** Address in 4-byte steps (20 bits: 4 MiB) and 11 bits of generation: always a positive 32-bit integer. */
export const handleOf = (m: Arena, at: Address): Socket =>
  ((at >> 2) | ((m.get16(at + GENERATION) & 0x7ff) << 20)) as Socket

/** Where the record of a handle stands, if the handle is good. */
export const addressOf = (handle: number): Address => (handle & 0xfffff) << 2

/** The record behind a handle; 0 when it is stale or was never one. */
export function recordOf(s: Core, handle: number): Address {
  const { m } = s
  const at = addressOf(handle)
  const first = m.get32(PAGES_AT)
  if (!(handle > 0) || (handle | 0) !== handle || at < first || at >= first + m.get32(PAGE_COUNT) * PAGE)
    return 0
  const owner = ownerOf(m, pageOf(m, at))
  const kind =
    owner === POOL_CONNECTIONS ? CONNECTION_KIND : owner === POOL_SOCKETS ? DATAGRAM_KIND : undefined
  if (kind === undefined || !isRecordAddress(m, kind, at)) return 0
  if (m.get8(at + RECORD_KIND) < KIND_CONNECTION || hasFlag(m, at, FLAG_ORPHAN)) return 0
  return (m.get16(at + GENERATION) & 0x7ff) === handle >> 20 ? at : 0
}

/** One of KIND_… (core.ts), of any timed record. */
export const kindOf = (m: Arena, at: Address): number => m.get8(at + RECORD_KIND)

/** Fills in an end: an address as a record has it, and a port. */
export function tell(s: Core, into: Endpoint, address: number, port: number): void {
  const ipv6 = ipv6For(s, address)
  into.address = ipv6 === undefined ? address >>> 0 : 0
  into.port = port
  ipv6?.tell(s, into, address)
}

// ---- the table ------------------------------------------------------------------------------------------------

const bucketFor = (
  m: Arena,
  kind: number,
  localPort: number,
  remoteAddress: number,
  remotePort: number,
): Address => bucketOf(m, (localPort << 16) | remotePort, remoteAddress, kind)

/** The socket of this kind with exactly these numbers; zeroes where it listens to anyone. */
export function findSocket(
  m: Arena,
  kind: number,
  localPort: number,
  remoteAddress: number,
  remotePort: number,
): Address {
  const first = m.get32(bucketFor(m, kind, localPort, remoteAddress, remotePort))
  return matchFrom(m, first, kind, localPort | (remotePort << 16), remoteAddress)
}

/** The next socket with the same numbers as this one: of a port that is shared; 0 if there is none. */
export const sameSocket = (m: Arena, at: Address): Address =>
  matchFrom(m, m.get32(at + CHAIN), kindOf(m, at), m.get32(at + LOCAL_PORT), m.get32(at + REMOTE_ADDRESS))

/** The first with these numbers in the chain from `at` on. Both ports are one word. */
function matchFrom(m: Arena, first: Address, kind: number, ports: number, remoteAddress: number): Address {
  let at = first
  while (
    at !== 0 &&
    !(
      m.get32(at + LOCAL_PORT) === ports &&
      m.get32(at + REMOTE_ADDRESS) === remoteAddress &&
      m.get8(at + RECORD_KIND) === kind
    )
  ) {
    at = m.get32(at + CHAIN)
  }
  return at
}

/** Puts a socket into the table under its present numbers. */
export function enterTable(m: Arena, at: Address): void {
  chain(m, ownBucket(m, at), at)
  setFlag(m, at, FLAG_IN_TABLE)
}

/** Nobody finds the socket by its numbers any more; nothing, where it is not in the table. */
export function leaveTable(m: Arena, at: Address): void {
  if (!hasFlag(m, at, FLAG_IN_TABLE)) return
  unchain(m, ownBucket(m, at), at)
  clearFlag(m, at, FLAG_IN_TABLE)
}

const ownBucket = (m: Arena, at: Address): Address =>
  bucketFor(
    m,
    kindOf(m, at),
    m.get16(at + LOCAL_PORT),
    m.get32(at + REMOTE_ADDRESS),
    m.get16(at + REMOTE_PORT),
  )

/**
 * A local port for these remote numbers: `wanted`, or a free ephemeral one where it is 0. RFC 6056, 3.3.1: the search
 * begins at a random port and takes the next that is free.
 */
export function choosePort(
  s: Core,
  kind: number,
  wanted: number,
  remoteAddress: number,
  remotePort: number,
): number | Errno {
  const { m } = s
  if (wanted !== 0)
    return findSocket(m, kind, wanted, remoteAddress, remotePort) === 0 && !isService(s, kind, wanted)
      ? wanted
      : EADDRINUSE
  const start = s.random32()
  for (let i = 0; i < EPHEMERAL_COUNT; i++) {
    const port = EPHEMERAL_FIRST + ((start + i) & (EPHEMERAL_COUNT - 1))
    if (
      findSocket(m, kind, port, remoteAddress, remotePort) === 0 &&
      (remotePort === 0 || findSocket(m, kind, port, 0, 0) === 0) &&
      !isService(s, kind, port)
    ) {
      return port
    }
  }
  return ENOBUFS
}

/** Whether a UDP port is one of the stack's own. */
const isService = (s: Core, kind: number, port: number): boolean =>
  kind === KIND_UDP && serviceAt(s, port) !== undefined

// ---- events ---------------------------------------------------------------------------------------------------

/** Something happened on a socket; told once at the next `events`. */
export function raise(m: Arena, at: Address, bits: number): void {
  m.put8(at + EVENTS, m.get8(at + EVENTS) | bits)
  if (hasFlag(m, at, FLAG_IN_EVENTS)) return
  setFlag(m, at, FLAG_IN_EVENTS)
  append(m, EVENTS_HEAD, at, EVENTS_NEXT)
}

/** Takes a socket out of the list, before its record is freed. */
export function silence(m: Arena, at: Address): void {
  if (!hasFlag(m, at, FLAG_IN_EVENTS)) return
  clearFlag(m, at, FLAG_IN_EVENTS)
  remove(m, EVENTS_HEAD, at, EVENTS_NEXT)
}

/** The next socket with news, taken off the list; 0 when there is none. */
export function takeEvent(m: Arena): Address {
  const at = m.get32(EVENTS_HEAD)
  if (at === 0) return 0
  dropFirst(m, EVENTS_HEAD, EVENTS_NEXT)
  clearFlag(m, at, FLAG_IN_EVENTS)
  return at
}
