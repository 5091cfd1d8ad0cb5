/**
 * What must hold in every arena between two calls of the stack: each page is where its owner says, each list ends, each
 * count is right. Read from outside, page by page; for tests that do at random what nobody would think of. What holds for
 * connections stands in sound-tcp.ts.
 */
import {
  KIND_CACHED,
  KIND_CONNECTION,
  KIND_DESTINATION,
  KIND_IPV6,
  KIND_NEIGHBOUR,
  KIND_PACKET,
  KIND_REASSEMBLY,
  RECORD_KIND,
} from '../core.ts'
import * as query from '../dns/query.ts'
import { NAME_KIND } from '../dns/record.ts'
import { NEIGHBOUR_HELD, NEIGHBOUR_KIND, YOUNGER } from '../ethernet/neighbours.ts'
import { GROUP_KIND } from '../igmp/groups.ts'
import { DESTINATION_KIND, DESTINATION_NEXT } from '../ip/destinations.ts'
import { BYTES_HELD, BYTES_IN_ALL, FRAGMENTS_HEAD, NEWER } from '../ip/reassemble.ts'
import { HOP_OF } from '../ip6/destinations.ts'
import { HELD6 } from '../ip6/neighbours.ts'
import * as records from '../ip6/records.ts'
import { isIpv6Word } from '../ip6/word.ts'
import { type Address, Arena, PAGE_LENGTH, PAGE_NEXT, PAGE_SEQ, pageOf } from '../memory/arena.ts'
import * as layout from '../memory/layout.ts'
import { FREE, isRecordAddress, NEXT, type RecordKind, recordsInPage, recordsInUse } from '../memory/slab.ts'
import { CHAIN } from '../memory/table.ts'
import { TIMER_AT, timerIsSet } from '../memory/wheel.ts'
import { DATAGRAM_KIND, FILTER, QUEUE_COUNT, QUEUE_HEAD, SLOTS } from '../socket/datagrams.ts'
import {
  EVENTS_NEXT,
  FLAG_IN_EVENTS,
  FLAG_IN_TABLE,
  hasFlag,
  LOCAL_ADDRESS,
  LOCAL_PORT,
  REMOTE_ADDRESS,
  REMOTE_PORT,
} from '../socket/record.ts'
import { findSocket, kindOf, sameSocket } from '../socket/socket.ts'
import type { Stack } from '../stack.ts'
import { FLIGHT_KIND } from '../tcp/flight.ts'
import { SETTINGS_KIND } from '../tcp/settings.ts'
import { CONNECTION_KIND, type Tcb } from '../tcp/tcb.ts'
import { bytesIn, chainOf, must, pagesByPool, recordsIn, same, sameAll } from './sound.ts'
import { type Edges, expectConnections } from './sound-tcp.ts'

export type { Edges } from './sound-tcp.ts'

/** The pools that are slabs of one kind. */
const SLABS: readonly RecordKind[] = [
  CONNECTION_KIND,
  DATAGRAM_KIND,
  NEIGHBOUR_KIND,
  GROUP_KIND,
  SETTINGS_KIND,
  FLIGHT_KIND,
  DESTINATION_KIND,
  NAME_KIND,
  records.IPV6_KIND,
]

/**
 * Fails, with what does not hold, when the arena is not sound. `edges` is what the last look at the same host has seen
 * of windows, and is brought up to date.
 */
export function expectSound(stack: Stack, edges?: Edges): void {
  const m = new Arena(stack.arena)
  const pages = pagesByPool(m)
  const of = (pool: number): readonly Address[] => pages[pool] ?? []
  expectPools(m, pages)
  const connections = recordsIn(m, of(layout.POOL_CONNECTIONS), CONNECTION_KIND).filter(
    at => m.get8(at + RECORD_KIND) === KIND_CONNECTION,
  ) as Tcb[]
  const datagrams = recordsIn(m, of(layout.POOL_SOCKETS), DATAGRAM_KIND)
  const ipv6 = recordsIn(m, of(layout.POOL_IPV6), records.IPV6_KIND)
  expectNeighbours(m, of, ipv6)
  expectDatagrams(m, of, datagrams)
  const sockets = [...connections, ...datagrams]
  const table = expectTable(m)
  const filed = new Map<number, Address[]>()
  for (const at of table) {
    const kind = m.get8(at + RECORD_KIND)
    const others = filed.get(kind)
    if (others === undefined) filed.set(kind, [at])
    else others.push(at)
  }
  const ofKind = (kind: number): readonly Address[] => filed.get(kind) ?? []
  const strangers = [KIND_NEIGHBOUR, KIND_REASSEMBLY, KIND_DESTINATION, KIND_CACHED, KIND_IPV6]
  expectSockets(
    m,
    sockets,
    table.filter(at => !strangers.includes(m.get8(at + RECORD_KIND))),
  )
  const remembered = chainOf(m, layout.DESTINATIONS_HEAD, DESTINATION_NEXT)
  same(remembered.length, m.get32(layout.DESTINATIONS_COUNT), 'the count of destinations')
  sameAll(remembered, ofKind(KIND_DESTINATION), 'destinations')
  expectReassemblies(m, ofKind(KIND_REASSEMBLY), of(layout.POOL_FRAGMENTS))
  expectConnections(m, connections, of, edges)
  expectIpv6(m, ipv6, ofKind(KIND_IPV6), sockets)
}

type PagesOf = (pool: number) => readonly Address[]

/** Every page is some pool's; what is counted is there; a slab's records are in use or free, and never both. */
function expectPools(m: Arena, pages: readonly (readonly Address[])[]): void {
  sameAll(chainOf(m, layout.FREE_HEAD, 0), pages[layout.POOL_FREE] ?? [], 'free pages')
  same(pages[layout.POOL_FREE]?.length ?? 0, m.get32(layout.FREE_COUNT), 'the count of free pages')
  for (let pool = 1; pool < layout.POOL_COUNT; pool++)
    same(
      m.get32(layout.POOLS_AT + pool * layout.POOL_STRIDE + layout.POOL_PAGES),
      pages[pool]?.length ?? 0,
      `the pages of pool ${pool}`,
    )
  const answers = answerPages(m)
  for (const kind of SLABS)
    expectSlab(
      m,
      kind,
      (pages[kind.pool] ?? []).filter(page => !answers.includes(page)),
    )
  for (const page of answers) must(pages[layout.POOL_NAMES]?.includes(page) === true, 'whose page', page)
}

/** The pages into which answers of name servers come by TCP. */
const answerPages = (m: Arena): readonly Address[] =>
  chainOf(m, layout.QUERIES_HEAD, query.QUERY_NEXT)
    .filter(q => m.get8(q + query.QUERY_STATE) === query.STREAMING)
    .map(q => m.get32(q + query.STREAM_PAGE))

function expectSlab(m: Arena, kind: RecordKind, pages: readonly Address[]): void {
  if (pages.length === 0) return
  const partial: Address[] = []
  for (const page of pages) {
    const free = chainOf(m, page + FREE, 0)
    for (const at of free)
      must(pageOf(m, at) === page && isRecordAddress(m, kind, at), 'a free record is none', at)
    same(new Set(free).size, free.length, 'free records, each once')
    must(recordsInUse(m, page) > 0, 'a page of a slab has no record in use', page)
    same(free.length + recordsInUse(m, page), recordsInPage(kind), `records of pool ${kind.pool}`)
    if (free.length > 0) partial.push(page)
  }
  const listed = chainOf(m, layout.POOLS_AT + kind.pool * layout.POOL_STRIDE + layout.POOL_PARTIAL, NEXT)
  sameAll(listed, partial, `pages of pool ${kind.pool} with a free record`)
}

/** Frames wait for the link or for a neighbour, and nowhere else. */
function expectNeighbours(m: Arena, of: PagesOf, ipv6: readonly Address[]): void {
  const frames = chainOf(m, layout.FRAMES_HEAD, PAGE_NEXT)
  same(frames.length, m.get32(layout.FRAMES_COUNT), 'the count of frames')
  const neighbours = recordsIn(m, of(layout.POOL_NEIGHBOURS), NEIGHBOUR_KIND)
  const held = neighbours.flatMap(at => chainOf(m, at + NEIGHBOUR_HELD, PAGE_NEXT))
  const held6 = ofSort(m, ipv6, records.SORT_NEIGHBOUR).flatMap(at => chainOf(m, at + HELD6, PAGE_NEXT))
  sameAll([...frames, ...held, ...held6], of(layout.POOL_FRAMES), 'pages of frames')
  same(held.length, m.get32(layout.NEIGHBOURS_HELD), 'the count of frames that wait for neighbours')
  const byAge = [layout.INCOMPLETE_HEAD, layout.CONFIRMED_HEAD].flatMap(list => chainOf(m, list, YOUNGER))
  sameAll(byAge, neighbours, 'neighbours')
}

function expectDatagrams(m: Arena, of: PagesOf, datagrams: readonly Address[]): void {
  const unread: Address[] = []
  const programs: Address[] = []
  for (const at of datagrams) {
    const queue = chainOf(m, at + QUEUE_HEAD, PAGE_NEXT)
    same(queue.length, m.get16(at + QUEUE_COUNT), 'the length of a queue')
    unread.push(...queue)
    if (m.get8(at + RECORD_KIND) === KIND_PACKET) unread.push(...chainOf(m, at + SLOTS, PAGE_NEXT))
    programs.push(...chainOf(m, at + FILTER, PAGE_NEXT))
  }
  sameAll(unread, [...of(layout.POOL_DATAGRAMS), ...of(layout.POOL_CAPTURE)], 'pages of datagrams')
  sameAll(programs, of(layout.POOL_FILTERS), 'pages of filters')
}

/** Each socket is in the lists that its flags name; who asks the table by its numbers finds it. */
function expectSockets(m: Arena, sockets: readonly Address[], filed: readonly Address[]): void {
  const listed = sockets.filter(at => hasFlag(m, at, FLAG_IN_EVENTS))
  sameAll(chainOf(m, layout.EVENTS_HEAD, EVENTS_NEXT), listed, 'sockets with events')
  sameAll(
    filed,
    sockets.filter(at => hasFlag(m, at, FLAG_IN_TABLE)),
    'sockets in the table',
  )
  for (const at of filed) {
    const [port, address, remotePort] = [
      m.get16(at + LOCAL_PORT),
      m.get32(at + REMOTE_ADDRESS),
      m.get16(at + REMOTE_PORT),
    ]
    let found = findSocket(m, kindOf(m, at), port, address, remotePort)
    while (found !== 0 && found !== at) found = sameSocket(m, found)
    must(found === at, 'a socket is not found by its numbers', port, address, remotePort)
  }
}

/** Records of IPv6 of one sort. */
const ofSort = (m: Arena, ipv6: readonly Address[], sort: number): Address[] =>
  ipv6.filter(at => records.sortOf(m, at) === sort)

/** Each record is in its list or in the table, each first hop is a neighbour, each word that a socket holds names an address. */
function expectIpv6(
  m: Arena,
  ipv6: readonly Address[],
  filed: readonly Address[],
  sockets: readonly Address[],
): void {
  const neighbours = ofSort(m, ipv6, records.SORT_NEIGHBOUR)
  const destinations = ofSort(m, ipv6, records.SORT_DESTINATION)
  sameAll([...neighbours, ...destinations], filed, 'neighbours and destinations of IPv6')
  for (const d of destinations) {
    const hop = m.get32(d + HOP_OF)
    must(hop === 0 || neighbours.includes(hop), 'a first hop is no neighbour', hop)
  }
  const link = records.linkOf(m)
  const lists = [
    [records.ADDRESSES, records.SORT_ADDRESS],
    [records.PREFIXES, records.SORT_PREFIX],
    [records.ROUTERS, records.SORT_ROUTER],
    [records.SERVERS, records.SORT_SERVER],
    [records.GROUPS, records.SORT_GROUP],
  ] as const
  for (const [head, sort] of lists)
    sameAll(
      link === 0 ? [] : chainOf(m, link + head, records.NEXT6),
      ofSort(m, ipv6, sort),
      `records of sort ${sort}`,
    )
  const own = ofSort(m, ipv6, records.SORT_ADDRESS)
  const named = new Set([...destinations, ...own].map(at => at + records.ADDRESS6))
  // Without IPv6 a word is a number like others.
  for (const at of link === 0 ? [] : sockets)
    for (const word of [m.get32(at + LOCAL_ADDRESS), m.get32(at + REMOTE_ADDRESS)])
      must(!isIpv6Word(word) || named.has(word), 'a socket names no address', word)
}

/** Each datagram that waits is in the table and in the list by age, its fragments are in order, every fragment is some datagram's. */
function expectReassemblies(m: Arena, filed: readonly Address[], pieces: readonly Address[]): void {
  const byAge = chainOf(m, layout.REASSEMBLIES_HEAD, NEWER)
  same(m.get32(layout.REASSEMBLIES_TAIL), byAge.at(-1) ?? 0, 'the newest datagram in fragments')
  sameAll(byAge, filed, 'datagrams in fragments')
  const fragments: Address[] = []
  let deadline = byAge[0] === undefined ? 0 : m.get32(byAge[0] + TIMER_AT)
  for (const r of byAge) {
    must(timerIsSet(m, r), 'a datagram in fragments has no timer')
    must(((m.get32(r + TIMER_AT) - deadline) | 0) >= 0, 'datagrams in fragments are not in their order')
    deadline = m.get32(r + TIMER_AT)
    const pages = chainOf(m, r + FRAGMENTS_HEAD, PAGE_NEXT)
    must(pages.includes(pageOf(m, r)), 'the record of a datagram in fragments is in none of them')
    same(bytesIn(m, pages), m.get32(r + BYTES_HELD), 'the bytes of a datagram in fragments')
    let edge = 0
    for (const page of pages) {
      must(m.get32(page + PAGE_SEQ) >= edge, 'fragments are not in their order')
      edge = m.get32(page + PAGE_SEQ) + m.get16(page + PAGE_LENGTH)
    }
    must(edge <= (m.get32(r + BYTES_IN_ALL) || 0xffff), 'fragments go beyond the datagram', edge)
    fragments.push(...pages)
  }
  sameAll(fragments, pieces, 'pages of fragments')
}

/** Every record in the hash table, which must be in use and stand there once. */
function expectTable(m: Arena): Address[] {
  const found: Address[] = []
  const table = m.get32(layout.TABLE_AT)
  const last = m.get32(layout.TABLE_MASK)
  for (let i = 0; i <= last; i++)
    if (m.get32(table + i * 4) !== 0) found.push(...chainOf(m, table + i * 4, CHAIN))
  same(new Set(found).size, found.length, 'records in the table, each once')
  for (const at of found)
    must(m.get8(at + RECORD_KIND) >= KIND_NEIGHBOUR, 'a record in the table is not in use', at)
  return found
}
