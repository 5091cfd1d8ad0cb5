/**
 * What must hold of every control block between two calls: its numbers are in order, its clock is one that its state has, its
 * window is a promise that can be kept, its lists and pages are its own.
 */
import {
  type Address,
  type Arena,
  ownerOf,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_SEQ,
  pageOf,
} from '../memory/arena.ts'
import * as layout from '../memory/layout.ts'
import { TIMER_AT, timerIsSet } from '../memory/wheel.ts'
import { FLAG_ORPHAN, hasFlag } from '../socket/record.ts'
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
import { OWNER } from '../tcp/settings.ts'
import * as tcb from '../tcp/tcb.ts'
import { bufferShare } from '../tcp/window.ts'
import { bytesIn, chainOf, must, same, sameAll } from './sound.ts'

/** RCV.NXT + RCV.WND as the last look at a host has seen it, and whose it was: by the control block's address. */
export type Edges = Map<Address, { readonly iss: number; readonly irs: number; readonly edge: number }>

type PagesOf = (pool: number) => readonly Address[]

const SYNCHRONIZED = tcb.ESTABLISHED

/** The clocks that a connection may have in each state, RFC 9293, 3.8: others would strike for what is over, or not begun. */
const CLOCKS: Readonly<Record<number, readonly number[]>> = {
  [tcb.CLOSED]: [tcb.CLOCK_NONE],
  [tcb.SYN_SENT]: [tcb.CLOCK_NONE, tcb.CLOCK_RETRANSMISSION],
  [tcb.SYN_RECEIVED]: [tcb.CLOCK_NONE, tcb.CLOCK_RETRANSMISSION, tcb.CLOCK_REORDERING, tcb.CLOCK_TAIL_PROBE],
  [tcb.FIN_WAIT_2]: [tcb.CLOCK_NONE, tcb.CLOCK_FIN_WAIT_2, tcb.CLOCK_REST],
  [tcb.TIME_WAIT]: [tcb.CLOCK_TIME_WAIT],
}
const CLOCKS_OF_TEXT = [
  tcb.CLOCK_NONE,
  tcb.CLOCK_RETRANSMISSION,
  tcb.CLOCK_PERSIST,
  tcb.CLOCK_REST,
  tcb.CLOCK_REORDERING,
  tcb.CLOCK_TAIL_PROBE,
]

/** Each connection is sound; every page of data, every record beside a control block is some connection's. */
export function expectConnections(
  m: Arena,
  connections: readonly tcb.Tcb[],
  of: PagesOf,
  edges?: Edges,
): void {
  expectLists(m, connections)
  const held: { send: Address[]; receive: Address[]; ahead: Address[] } = { send: [], receive: [], ahead: [] }
  for (const t of connections) {
    if (tcb.stateOf(m, t) === tcb.LISTEN) {
      expectListener(m, t)
      continue
    }
    expectNumbers(m, t)
    expectText(m, t, held)
    expectFlight(m, t)
    expectClock(m, t)
    expectWindow(m, t, edges)
    if (hasFlag(m, t, tcb.FLAG_SETTINGS))
      same(m.get32(m.get32(t + tcb.SETTINGS) + OWNER), t, 'whose settings')
  }
  sameAll(held.send, of(layout.POOL_SEND), 'pages of text to send')
  sameAll(held.receive, of(layout.POOL_RECEIVE), 'pages of text to be read')
  sameAll(held.ahead, of(layout.POOL_OUT_OF_ORDER), 'pages of text out of order')
  for (const at of edges?.keys() ?? []) if (!connections.includes(at as tcb.Tcb)) edges?.delete(at)
}

/** Each connection is in the lists that its state and its flags name, and in no other. */
function expectLists(m: Arena, connections: readonly tcb.Tcb[]): void {
  const list = (head: number, next: number, holds: (t: tcb.Tcb) => boolean, what: string): void =>
    sameAll(chainOf(m, head, next), connections.filter(holds), what)
  list(layout.SENDERS_HEAD, tcb.SENDERS_NEXT, t => hasFlag(m, t, tcb.FLAG_IN_SENDERS), 'senders')
  list(
    layout.WAITING_HEAD,
    tcb.WAITING_NEXT,
    t => tcb.stateOf(m, t) === tcb.TIME_WAIT,
    'connections in TIME-WAIT',
  )
  const inLists = [layout.LAST_ACK_HEAD, layout.CLOSING_HEAD].flatMap(head =>
    chainOf(m, head, LAST_WORDS_NEXT),
  )
  const finishing = connections.filter(t => hasFlag(m, t, tcb.FLAG_LAST_WORDS))
  sameAll(inLists, finishing, 'connections with their last words')
}

function expectListener(m: Arena, t: tcb.Tcb): void {
  const children = chainOf(m, t + tcb.FAMILY, tcb.SIBLING)
  same(children.length, m.get16(t + tcb.CHILDREN), 'the count of children')
  let ready = 0
  for (const child of children) {
    same(m.get32(child + tcb.FAMILY), t, 'whose child')
    if (tcb.stateOf(m, child as tcb.Tcb) !== tcb.SYN_RECEIVED) ready++
  }
  // One that brought text may be accepted before (RFC 7413, 4.1.2).
  const counted = m.get16(t + tcb.READY)
  must(counted >= ready && counted <= children.length, 'the count of children to be accepted', counted, ready)
  must(m.get8(t + tcb.CLOCK) === tcb.CLOCK_NONE, 'a listener has a clock')
}

/** SND.UNA =< SND.NXT =< SND.MAX, and what lies between is kept; RFC 5681, 3.1: cwnd is a segment at least. */
function expectNumbers(m: Arena, t: tcb.Tcb): void {
  const state = tcb.stateOf(m, t)
  const una = m.get32(t + tcb.SND_UNA)
  const next = (m.get32(t + tcb.SND_NXT) - una) | 0
  const max = (m.get32(t + tcb.SND_MAX) - una) | 0
  must(next >= 0 && next <= max, 'SND.UNA =< SND.NXT =< SND.MAX does not hold', next, max)
  if (state === tcb.CLOSED) return
  // What may be in flight is the text that is kept, and a SYN or a FIN; both, where text came with the SYN (RFC 7413, 2).
  const opens = state === tcb.SYN_SENT || state === tcb.SYN_RECEIVED
  const ends = hasFlag(m, t, tcb.FLAG_FIN_SENT)
  const kept = m.get32(t + tcb.SEND_QUEUED) + (opens ? 1 : 0) + (ends ? 1 : 0)
  must(max <= kept, 'more is in flight than is kept', max, kept)
  if (state === tcb.TIME_WAIT) return
  must(
    m.get32(t + tcb.CWND) >= m.get16(t + tcb.MSS) || state < SYNCHRONIZED,
    'cwnd is less than a segment',
    m.get32(t + tcb.CWND),
  )
  const owed = m.get8(t + tcb.ACKS_OWED)
  // Where memory was full what was to go out waits for the retransmission timer (output.ts).
  const hadNoMemory = flightOf(m, t) === 0 && m.get8(t + tcb.CLOCK) === tcb.CLOCK_RETRANSMISSION
  must(
    owed === 0 || hadNoMemory || hasFlag(m, t, tcb.FLAG_IN_SENDERS),
    'an ACK is owed, and nothing sends it',
    owed,
    state,
  )
}

function expectText(
  m: Arena,
  t: tcb.Tcb,
  held: { send: Address[]; receive: Address[]; ahead: Address[] },
): void {
  const send = chainOf(m, t + tcb.SEND_HEAD, PAGE_NEXT)
  const listed = hasFlag(m, t, tcb.FLAG_LAST_WORDS)
  const receive = listed ? [] : chainOf(m, t + tcb.RECV_HEAD, PAGE_NEXT)
  const ahead = chainOf(m, t + tcb.OUT_OF_ORDER, PAGE_NEXT)
  same(bytesIn(m, send), m.get32(t + tcb.SEND_QUEUED), 'the bytes to send')
  same(bytesIn(m, receive), m.get32(t + tcb.RECV_QUEUED), 'the bytes to be read')
  let edge = m.get32(t + tcb.RCV_NXT)
  for (const page of ahead) {
    must(((m.get32(page + PAGE_SEQ) - edge) | 0) >= 0, 'text out of order overlaps, or is in order')
    edge = (m.get32(page + PAGE_SEQ) + m.get16(page + PAGE_LENGTH)) | 0
  }
  held.send.push(...send)
  held.receive.push(...receive)
  held.ahead.push(...ahead)
}

/**
 * The clock is one that the state has; one that runs has a timer that fires no later; whoever waits for an answer, for a window,
 * or for time to pass, has a clock that runs.
 */
function expectClock(m: Arena, t: tcb.Tcb): void {
  const state = tcb.stateOf(m, t)
  const clock = m.get8(t + tcb.CLOCK)
  const runs = clock !== tcb.CLOCK_NONE
  must((CLOCKS[state] ?? CLOCKS_OF_TEXT).includes(clock), 'the clock is not one of its state', clock, state)
  if (runs) {
    must(timerIsSet(m, t), 'a clock runs, and no timer is set', clock, state)
    must(
      ((m.get32(t + TIMER_AT) - m.get32(t + tcb.CLOCK_AT)) | 0) <= 0,
      'the timer fires behind the clock',
      clock,
    )
  }
  if (hasFlag(m, t, tcb.FLAG_ACK_DELAYED)) must(timerIsSet(m, t), 'an ACK is delayed, and no timer is set')
  if (state === tcb.CLOSED || hasFlag(m, t, tcb.FLAG_IN_SENDERS)) return
  const inFlight = tcb.flightSize(m, t)
  if (state === tcb.TIME_WAIT || inFlight > 0)
    must(runs, 'no clock runs, and something is awaited', state, inFlight)
  if (state === tcb.FIN_WAIT_2 && hasFlag(m, t, FLAG_ORPHAN))
    must(clock === tcb.CLOCK_FIN_WAIT_2, 'nobody reads, and FIN-WAIT-2 has no end', clock)
  if (clock === tcb.CLOCK_FIN_WAIT_2) must(hasFlag(m, t, FLAG_ORPHAN), 'FIN-WAIT-2 ends, and somebody reads')
  // RFC 9293, 3.8.6.1: text that waits for a window, with nothing in flight, is what the persist timer is for.
  const waits = state >= SYNCHRONIZED && inFlight === 0 && m.get32(t + tcb.SEND_QUEUED) > 0
  if (waits)
    must(
      runs && clock !== tcb.CLOCK_REST,
      'text waits, nothing is in flight, and no clock runs',
      clock,
      state,
    )
}

/** RFC 9293, 3.8.6: the window is what may be buffered, and its right edge never moves left. */
function expectWindow(m: Arena, t: tcb.Tcb, edges: Edges | undefined): void {
  if (tcb.stateOf(m, t) < SYNCHRONIZED || hasFlag(m, t, tcb.FLAG_FIN_RECEIVED)) return
  const next = m.get32(t + tcb.RCV_NXT)
  const edge = m.get32(t + tcb.RCV_EDGE)
  const window = (edge - next) | 0
  const share = bufferShare(m)
  must(window <= share, 'the window is wider than the share of memory', window, share)
  must(
    Math.max(0, window) + m.get32(t + tcb.RECV_QUEUED) <= share,
    'what waits and the window are more than the share',
    window,
    share,
  )
  if (edges === undefined) return
  const [iss, irs] = [m.get32(t + tcb.ISS), m.get32(t + tcb.IRS)]
  const before = edges.get(t)
  if (before !== undefined && before.iss === iss && before.irs === irs)
    must(((edge - before.edge) | 0) >= 0, 'the right edge of the window has moved left', before.edge - edge)
  edges.set(t, { iss, irs, edge })
}

/** What the scoreboard sums up is what its pages are marked with; what is in flight has a record. */
function expectFlight(m: Arena, t: tcb.Tcb): void {
  const f = flightOf(m, t)
  if (f === 0) {
    if (tcb.stateOf(m, t) !== tcb.CLOSED) same(tcb.flightSize(m, t), 0, 'what is in flight without a record')
    return
  }
  same(ownerOf(m, pageOf(m, f)), layout.POOL_FLIGHTS, 'the pool of the record of what is in flight')
  let [sacked, lost, again] = [0, 0, 0]
  for (let page = firstInFlight(m, t); page !== 0; page = nextInFlight(m, t, page)) {
    const length = sentLength(m, t, page)
    if (isMarked(m, page, IS_SACKED)) sacked += length
    if (isMarked(m, page, IS_LOST)) lost += length
    if (isMarked(m, page, IS_AGAIN)) again += length
  }
  same(m.get32(f + SACKED), sacked, 'the bytes that are sacked')
  same(m.get32(f + LOST), lost, 'the bytes that are lost')
  same(m.get32(f + AGAIN), again, 'the bytes that were sent again')
}
