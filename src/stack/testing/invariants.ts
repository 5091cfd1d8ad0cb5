/**
 * What must hold in every arena between two calls of the stack: each page is where its owner says, each list ends, each
 * count is right. Read from outside, page by page; for tests that do at random what nobody would think of.
 */
import { expect } from 'vitest'
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
import { NEIGHBOUR_HELD, NEIGHBOUR_KIND, YOUNGER } from '../ethernet/neighbours.ts'
import { DESTINATION_NEXT } from '../ip/destinations.ts'
import { BYTES_HELD, BYTES_IN_ALL, FRAGMENTS_HEAD, NEWER } from '../ip/reassemble.ts'
import { HOP_OF } from '../ip6/destinations.ts'
import { HELD6 } from '../ip6/neighbours.ts'
import * as records from '../ip6/records.ts'
import { isIpv6Word } from '../ip6/word.ts'
import {
  type Address,
  Arena,
  ownerOf,
  PAGE,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_SEQ,
  pageOf,
} from '../memory/arena.ts'
import * as layout from '../memory/layout.ts'
import { visitRecords } from '../memory/slab.ts'
import { CHAIN } from '../memory/table.ts'
import { TIMER_AT, timerIsSet } from '../memory/wheel.ts'
import { DATAGRAM_KIND, FILTER, QUEUE_COUNT, QUEUE_HEAD, SLOTS } from '../socket/datagrams.ts'
import {
  EVENTS_NEXT,
  FLAG_IN_EVENTS,
  FLAG_IN_TABLE,
  hasFlag,
  LOCAL_ADDRESS,
  REMOTE_ADDRESS,
} from '../socket/record.ts'
import type { Stack } from '../stack.ts'
import { AGAIN, flightOf, LOST, SACKED } from '../tcp/flight.ts'
import { LAST_WORDS_NEXT } from '../tcp/last-words.ts'
import {
  firstInFlight,
  IS_AGAIN,
  IS_LOST,
  IS_SACKED,
  isMarked,
  nextInFlight,
  sentLength,
} from '../tcp/scoreboard.ts'
import * as tcb from '../tcp/tcb.ts'

/** Fails, with what does not hold, when the arena is not sound. */
export function expectSound(stack: Stack): void {
  const m = new Arena(stack.arena)
  const { size, pools } = stack.memory
  expect(pools.reduce((sum, pool) => sum + pool.used, 0)).toBe(size)
  expect(chainOf(m, layout.FREE_HEAD, 0).length).toBe(m.get32(layout.FREE_COUNT))
  for (let pool = 0; pool < layout.POOL_COUNT; pool++) {
    if (pool === layout.POOL_FREE) continue
    expect(pagesOf(m, pool).length).toBe(
      m.get32(layout.POOLS_AT + pool * layout.POOL_STRIDE + layout.POOL_PAGES),
    )
  }
  const frames = chainOf(m, layout.FRAMES_HEAD, PAGE_NEXT)
  expect(frames.length).toBe(m.get32(layout.FRAMES_COUNT))
  const neighbours = recordsOf(m, layout.POOL_NEIGHBOURS, NEIGHBOUR_KIND)
  const held = neighbours.flatMap(at => chainOf(m, at + NEIGHBOUR_HELD, PAGE_NEXT))
  const held6 = ofSort(m, records.SORT_NEIGHBOUR).flatMap(at => chainOf(m, at + HELD6, PAGE_NEXT))
  expect(frames.length + held.length + held6.length).toBe(pagesOf(m, layout.POOL_FRAMES).length)
  expect(held.length).toBe(m.get32(layout.NEIGHBOURS_HELD))
  const byAge = [layout.INCOMPLETE_HEAD, layout.CONFIRMED_HEAD].flatMap(list => chainOf(m, list, YOUNGER))
  expect(byAge.sort()).toEqual(neighbours.sort())
  let unread = 0
  let programs = 0
  for (const at of datagramsOf(m)) {
    const queue = chainOf(m, at + QUEUE_HEAD, PAGE_NEXT)
    expect(queue.length).toBe(m.get16(at + QUEUE_COUNT))
    unread += queue.length
    if (m.get8(at + RECORD_KIND) === KIND_PACKET) unread += chainOf(m, at + SLOTS, PAGE_NEXT).length
    programs += chainOf(m, at + FILTER, PAGE_NEXT).length
  }
  expect(unread).toBe(pagesOf(m, layout.POOL_DATAGRAMS).length + pagesOf(m, layout.POOL_CAPTURE).length)
  expect(programs).toBe(pagesOf(m, layout.POOL_FILTERS).length)
  const table = expectTable(m)
  const sockets = [...connectionsOf(m), ...datagramsOf(m)]
  const listed = sockets.filter(at => hasFlag(m, at, FLAG_IN_EVENTS))
  expect(chainOf(m, layout.EVENTS_HEAD, EVENTS_NEXT).sort()).toEqual(listed.sort())
  const senders = connectionsOf(m).filter(at => hasFlag(m, at, tcb.FLAG_IN_SENDERS))
  expect(chainOf(m, layout.SENDERS_HEAD, tcb.SENDERS_NEXT).sort()).toEqual(senders.sort())
  const waiting = connectionsOf(m).filter(at => tcb.stateOf(m, at) === tcb.TIME_WAIT)
  expect(chainOf(m, layout.WAITING_HEAD, tcb.WAITING_NEXT).sort()).toEqual(waiting.sort())
  const finishing = connectionsOf(m).filter(at => hasFlag(m, at, tcb.FLAG_LAST_WORDS))
  const inLists = [layout.LAST_ACK_HEAD, layout.CLOSING_HEAD].flatMap(head =>
    chainOf(m, head, LAST_WORDS_NEXT),
  )
  expect(inLists.sort()).toEqual(finishing.sort())
  const filed = sockets.filter(at => hasFlag(m, at, FLAG_IN_TABLE))
  const ofKind = (kind: number) => table.filter(at => m.get8(at + RECORD_KIND) === kind).sort()
  const others = [KIND_NEIGHBOUR, KIND_REASSEMBLY, KIND_DESTINATION, KIND_CACHED, KIND_IPV6].flatMap(ofKind)
  const remembered = chainOf(m, layout.DESTINATIONS_HEAD, DESTINATION_NEXT)
  expect(remembered.length).toBe(m.get32(layout.DESTINATIONS_COUNT))
  expect(remembered.sort()).toEqual(ofKind(KIND_DESTINATION))
  expect(table.filter(at => !others.includes(at)).sort()).toEqual(filed.sort())
  expectReassemblies(m, ofKind(KIND_REASSEMBLY))
  expectConnections(m)
  expectIpv6(m, ofKind(KIND_IPV6), sockets)
}

/** Records of IPv6 of one sort. */
const ofSort = (m: Arena, sort: number): Address[] =>
  recordsOf(m, layout.POOL_IPV6, records.IPV6_KIND).filter(at => records.sortOf(m, at) === sort)

/** Each record is in its list or in the table, each first hop is a neighbour, each word that a socket holds names an address. */
function expectIpv6(m: Arena, filed: Address[], sockets: Address[]): void {
  const neighbours = ofSort(m, records.SORT_NEIGHBOUR)
  const destinations = ofSort(m, records.SORT_DESTINATION)
  expect([...neighbours, ...destinations].sort()).toEqual(filed)
  for (const d of destinations) expect([0, ...neighbours]).toContain(m.get32(d + HOP_OF))
  const link = records.linkOf(m)
  const lists = [
    [records.ADDRESSES, records.SORT_ADDRESS],
    [records.PREFIXES, records.SORT_PREFIX],
    [records.ROUTERS, records.SORT_ROUTER],
    [records.SERVERS, records.SORT_SERVER],
    [records.GROUPS, records.SORT_GROUP],
  ] as const
  for (const [head, sort] of lists) {
    const listed = link === 0 ? [] : chainOf(m, link + head, records.NEXT6)
    expect([...listed].sort()).toEqual(ofSort(m, sort).sort())
  }
  const named = [...destinations, ...ofSort(m, records.SORT_ADDRESS)].map(at => at + records.ADDRESS6)
  // Without IPv6 a word is a number like others.
  for (const at of link === 0 ? [] : sockets)
    for (const word of [m.get32(at + LOCAL_ADDRESS), m.get32(at + REMOTE_ADDRESS)])
      if (isIpv6Word(word)) expect(named).toContain(word)
}

/** Each datagram that waits is in the table and in the list by age, its fragments are in order, every fragment is some datagram's. */
function expectReassemblies(m: Arena, filed: Address[]): void {
  const byAge = chainOf(m, layout.REASSEMBLIES_HEAD, NEWER)
  expect(m.get32(layout.REASSEMBLIES_TAIL)).toBe(byAge.at(-1) ?? 0)
  expect([...byAge].sort()).toEqual(filed)
  const fragments: Address[] = []
  let deadline = byAge[0] === undefined ? 0 : m.get32(byAge[0] + TIMER_AT)
  for (const r of byAge) {
    expect(timerIsSet(m, r)).toBe(true)
    expect((m.get32(r + TIMER_AT) - deadline) | 0).toBeGreaterThanOrEqual(0)
    deadline = m.get32(r + TIMER_AT)
    const pages = chainOf(m, r + FRAGMENTS_HEAD, PAGE_NEXT)
    expect(pages).toContain(pageOf(m, r))
    expect(bytesIn(m, pages)).toBe(m.get32(r + BYTES_HELD))
    let edge = 0
    for (const page of pages) {
      expect(m.get32(page + PAGE_SEQ)).toBeGreaterThanOrEqual(edge)
      edge = m.get32(page + PAGE_SEQ) + m.get16(page + PAGE_LENGTH)
    }
    expect(edge).toBeLessThanOrEqual(m.get32(r + BYTES_IN_ALL) || 0xffff)
    fragments.push(...pages)
  }
  expect(fragments.sort()).toEqual(pagesOf(m, layout.POOL_FRAGMENTS).sort())
}

/** Each connection's numbers are in order, and every page of data is some connection's. */
function expectConnections(m: Arena): void {
  const held = { send: 0, receive: 0, outOfOrder: 0 }
  for (const t of connectionsOf(m)) {
    if (tcb.stateOf(m, t) === tcb.LISTEN) {
      const children = chainOf(m, t + tcb.FAMILY, tcb.SIBLING)
      expect(children.length).toBe(m.get16(t + tcb.CHILDREN))
      for (const child of children) expect(m.get32(child + tcb.FAMILY)).toBe(t)
      continue
    }
    const una = m.get32(t + tcb.SND_UNA)
    const next = (m.get32(t + tcb.SND_NXT) - una) | 0
    const max = (m.get32(t + tcb.SND_MAX) - una) | 0
    expect(next >= 0 && next <= max).toBe(true)
    // What may be in flight is the text that is kept, and a SYN or a FIN.
    if (tcb.stateOf(m, t) !== tcb.CLOSED) expect(max).toBeLessThanOrEqual(m.get32(t + tcb.SEND_QUEUED) + 1)
    const send = chainOf(m, t + tcb.SEND_HEAD, PAGE_NEXT)
    const listed = hasFlag(m, t, tcb.FLAG_LAST_WORDS)
    const receive = listed ? [] : chainOf(m, t + tcb.RECV_HEAD, PAGE_NEXT)
    const ahead = chainOf(m, t + tcb.OUT_OF_ORDER, PAGE_NEXT)
    expect(bytesIn(m, send)).toBe(m.get32(t + tcb.SEND_QUEUED))
    expect(bytesIn(m, receive)).toBe(m.get32(t + tcb.RECV_QUEUED))
    expectFlight(m, t)
    expectClock(m, t)
    let edge = m.get32(t + tcb.RCV_NXT)
    for (const page of ahead) {
      expect((m.get32(page + PAGE_SEQ) - edge) | 0).toBeGreaterThanOrEqual(0)
      edge = (m.get32(page + PAGE_SEQ) + m.get16(page + PAGE_LENGTH)) | 0
    }
    held.send += send.length
    held.receive += receive.length
    held.outOfOrder += ahead.length
  }
  expect(held).toEqual({
    send: pagesOf(m, layout.POOL_SEND).length,
    receive: pagesOf(m, layout.POOL_RECEIVE).length,
    outOfOrder: pagesOf(m, layout.POOL_OUT_OF_ORDER).length,
  })
}

/** A clock that runs has a timer that fires no later; whoever waits for an answer, or for time to pass, has a clock that runs. */
function expectClock(m: Arena, t: tcb.Tcb): void {
  const state = tcb.stateOf(m, t)
  const runs = m.get8(t + tcb.CLOCK) !== tcb.CLOCK_NONE
  if (runs) {
    expect(timerIsSet(m, t)).toBe(true)
    expect((m.get32(t + TIMER_AT) - m.get32(t + tcb.CLOCK_AT)) | 0).toBeLessThanOrEqual(0)
  }
  const waits = state === tcb.TIME_WAIT || (state !== tcb.CLOSED && tcb.flightSize(m, t) > 0)
  const hasMore = hasFlag(m, t, tcb.FLAG_IN_SENDERS)
  if (waits && !hasMore) expect(runs, `the clock of a connection in state ${state}`).toBe(true)
}

/** What the scoreboard sums up is what its pages are marked with; what is in flight has a record. */
function expectFlight(m: Arena, t: tcb.Tcb): void {
  const f = flightOf(m, t)
  if (f === 0) {
    if (tcb.stateOf(m, t) !== tcb.CLOSED) expect(tcb.flightSize(m, t)).toBe(0)
    return
  }
  expect(ownerOf(m, pageOf(m, f))).toBe(layout.POOL_FLIGHTS)
  const sums = { sacked: 0, lost: 0, again: 0 }
  for (let page = firstInFlight(m, t); page !== 0; page = nextInFlight(m, t, page)) {
    const length = sentLength(m, t, page)
    if (isMarked(m, page, IS_SACKED)) sums.sacked += length
    if (isMarked(m, page, IS_LOST)) sums.lost += length
    if (isMarked(m, page, IS_AGAIN)) sums.again += length
  }
  expect({ sacked: m.get32(f + SACKED), lost: m.get32(f + LOST), again: m.get32(f + AGAIN) }).toEqual(sums)
}

/** Every record in the hash table, which must be in use and stand there once. */
function expectTable(m: Arena): Address[] {
  const found: Address[] = []
  const table = m.get32(layout.TABLE_AT)
  for (let i = 0; i <= m.get32(layout.TABLE_MASK); i++) found.push(...chainOf(m, table + i * 4, CHAIN))
  expect(new Set(found).size).toBe(found.length)
  expect(found.every(at => m.get8(at + RECORD_KIND) >= KIND_NEIGHBOUR)).toBe(true)
  return found
}

/** The addresses along a chain whose first link stands at `head`. A chain that never ends is cut off, and found out. */
function chainOf(m: Arena, head: Address, link: number): Address[] {
  const found: Address[] = []
  for (let at = m.get32(head); at !== 0 && found.length < 20_000; at = m.get32(at + link)) found.push(at)
  return found
}

function pagesOf(m: Arena, pool: number): Address[] {
  const found: Address[] = []
  const end = m.get32(layout.PAGES_AT) + m.get32(layout.PAGE_COUNT) * PAGE
  for (let page = m.get32(layout.PAGES_AT); page < end; page += PAGE)
    if (ownerOf(m, page) === pool) found.push(page)
  return found
}

const bytesIn = (m: Arena, pages: Address[]): number =>
  pages.reduce((sum, page) => {
    expect(pageOf(m, page)).toBe(page)
    return sum + m.get16(page + PAGE_LENGTH)
  }, 0)

function recordsOf(m: Arena, pool: number, kind: typeof NEIGHBOUR_KIND): Address[] {
  const found: Address[] = []
  for (const page of pagesOf(m, pool)) visitRecords(page, kind, at => found.push(at))
  return found.filter(at => m.get8(at + RECORD_KIND) !== 0)
}

const connectionsOf = (m: Arena): tcb.Tcb[] =>
  recordsOf(m, layout.POOL_CONNECTIONS, tcb.CONNECTION_KIND).filter(
    at => m.get8(at + RECORD_KIND) === KIND_CONNECTION,
  ) as tcb.Tcb[]
const datagramsOf = (m: Arena): Address[] => recordsOf(m, layout.POOL_SOCKETS, DATAGRAM_KIND)
