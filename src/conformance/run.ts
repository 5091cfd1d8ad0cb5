/**
 * A script is played: one host, a peer that says what the script says, and time that passes only between the steps. All
 * that the host sends must be expected, in its order and at its time; all that the peer sends must be taken, or dropped
 * for the reason that the script names.
 */
import { Drop } from '../stack/drop.ts'
import { Event, type Socket, type Stack } from '../stack/stack.ts'
import { expectSound } from '../stack/testing/invariants.ts'
import { answerTo } from './answers.ts'
import { type Caller, CALLS as SOCKET_CALLS } from './calls.ts'
import { CAPTURE_CALLS } from './capture-calls.ts'
import { readVariable, stateOfSubject } from './checks.ts'
import { Conversations } from './conversations.ts'
import { Host, makeStack, type Sent } from './host.ts'
import { untilIss } from './iss.ts'
import { Journal, ScriptFailure } from './journal.ts'
import { LISTING_CALLS } from './listing-calls.ts'
import type { Names } from './names.ts'
import { NotationError } from './notation.ts'
import { address6Bytes, address6Text } from './packets/address6.ts'
import { decodePacket, encodePacket } from './packets/codec.ts'
import { HEARD_NOTHING, hear } from './packets/heard.ts'
import { formatLike, formatPacket, matches, type Packet } from './packets/packet.ts'
import { Pieces } from './packets/pieces.ts'
import type { Ends } from './packets/protocol.ts'
import type { Header, Script, Subject, TimedStep } from './script.ts'
import { SERVICE_CALLS } from './service-calls.ts'
import { hostMacOf, peerMacOf } from './settings.ts'

const CALLS = { ...SOCKET_CALLS, ...SERVICE_CALLS, ...CAPTURE_CALLS, ...LISTING_CALLS }

/** Calls whose first value is a socket. */
const ABOUT_SOCKETS =
  'bind listen accept connect send recv sendto recvfrom open setOption joinGroup leaveGroup shutdown close abort error resolved urgent'.split(
    ' ',
  )
const ROUTER = 'fe80::99'
const ROUTER_MAC = '02:00:00:00:00:99'
/** How long '*' waits, ms. */
const ANY_TIME = 3_600_000
/** How long it may take until all that was closed is gone: TIME-WAIT, retransmissions to nobody. */
const AFTERMATH_MS = 400_000

/** Plays the script. Throws ScriptFailure. */
export function runScript(script: Script): void {
  const run = new Run(script.header)
  for (const step of script.steps) run.play(step)
  run.end()
}

class Run implements Caller {
  readonly progress = new Map<string, { sent: number; received: number }>()
  private readonly host: Host
  private readonly conversations: Conversations
  private readonly journal = new Journal(() => this.unexpected())
  private readonly sockets = new Map<string, Socket>()
  private readonly pieces = new Pieces()
  /** Whether the peer answers by itself when it is asked for its MAC address. */
  private answering = { arp: true, nd: true }
  private heard = HEARD_NOTHING
  private readonly baseline: number
  private readonly countersBefore: Readonly<Record<string, number>>

  constructor(private readonly header: Header) {
    this.conversations = new Conversations(header.peer, header.iss)
    this.host = new Host(header, (frame, link) => answerTo(frame, this.ends(link), this.answering))
    if (!header.boot) this.begin()
    this.answering = { arp: header.arp === 'answered', nd: header.nd === 'answered' }
    this.journal.zero = this.host.now
    this.baseline = this.stack.memory.used
    this.countersBefore = this.stack.counters
  }

  get stack(): Stack {
    return this.host.stack
  }

  get now(): number {
    return this.host.now
  }

  /** Until the host has its address, and the initial sequence number that the script wants. */
  private begin(): void {
    const { host, header } = this
    host.advance(header.clock)
    if (header.hostIss !== undefined) {
      const copy = makeStack(header, this.stack.arena.slice(0))
      host.advance(host.now + untilIss(copy, this.ends(0), host.now, header.hostIss))
    }
    host.outbox.length = 0
  }

  play(step: TimedStep): void {
    this.journal.step = step
    try {
      this.perform(step)
    } catch (error) {
      if (error instanceof NotationError) throw this.journal.failure(error.message)
      if (error instanceof ScriptFailure) throw error
      throw this.journal.failure(error instanceof Error ? error.message : String(error))
    }
  }

  /** All was expected; what is open is ended, and the arena is sound and as it was. */
  end(): void {
    if (this.header.replay) {
      this.host.pump()
      this.overhear()
    }
    if (this.host.outbox.length > 0)
      throw this.journal.failure('The script ends, and the host has sent more.', '', this.unexpected())
    this.checkSound()
    this.host.busy = false
    this.host.asleep = false
    this.answering = { arp: true, nd: true }
    for (const socket of this.sockets.values()) if (this.stack.abort(socket) < 0) this.stack.close(socket)
    for (const peer of this.conversations.peers()) CALLS['hostGone']?.(this, [peer], '0')
    this.host.advance(this.now + AFTERMATH_MS)
    this.host.outbox.length = 0
    this.checkSound()
    if (this.header.baseline) this.checkBaseline()
  }

  // ---- steps ------------------------------------------------------------------------------------------------------

  private perform({ when, step: stepFor, text }: TimedStep): void {
    const step = stepFor(this.names)
    if (step.kind === 'some') return this.expectSome(when)
    if (step.kind === 'expect' || step.kind === 'skip') {
      const from = when === undefined ? this.now : this.timeOf(when.from, when.relative)
      const to = when === undefined ? this.now + ANY_TIME : this.timeOf(when.to, when.relative)
      if (this.header.replay) this.advanceQuietly(to)
      else this.host.advanceToPacket(to)
      if (step.kind === 'skip') this.skip()
      else this.expectPacket(step.packet, from, to)
      return
    }
    if (when === undefined || when.from !== when.to)
      throw new NotationError('Only a packet that is expected may come at any time.')
    this.advanceQuietly(this.timeOf(when.from, when.relative))
    if (this.header.replay) this.checkSound()
    if (step.kind !== 'inject') this.journal.note(this.now, text.replace(/^\S+\s+/, ''))
    switch (step.kind) {
      case 'inject':
        return this.inject(step.packet, step.drop)
      case 'quiet':
        return this.advanceQuietly(this.journal.zero + step.until)
      case 'call':
        return this.call(step.name, step.values, step.result)
      case 'event':
        return this.checkEvents(step.socket, step.names)
      case 'state':
        return this.journal.compare(step.state, stateOfSubject(this.stack.arena, this.lookedAt(step.subject)))
      case 'check':
        return this.checkVariable(step.variable, step.subject, step.operator, step.value)
      case 'counter':
        return this.journal.compare(String(step.value), String(this.counted(step.counter)))
      case 'memory':
        return step.pool === ''
          ? this.checkBaseline()
          : this.journal.compare(String(step.used), this.usedBy(step.pool))
      case 'program':
        this.host.asleep = step.asleep
        return this.host.pump()
      case 'link':
        this.host.busy = step.busy
        return this.host.pump()
    }
  }

  private inject(packet: Packet, drop: string): void {
    const numbers = packet.kind === 'tcp' ? this.conversations.of(packet.flow) : this.conversations.spokenOf()
    const link = Number(packet.fields.get('on') ?? 0)
    const frame = encodePacket(packet, this.ends(link), numbers, this.header.window, this.heard)
    this.journal.note(this.now, `< ${formatPacket(packet)}`)
    if (this.header.replay) this.host.pump()
    const reason = this.stack.input(frame, this.now, link)
    if (!this.header.replay) this.host.pump()
    const name = Object.entries(Drop).find(([, number]) => number === reason)?.[0] ?? String(reason)
    if (name !== drop && !this.header.replay)
      throw this.journal.failure('The packet met another end.', `drop ${drop}`, `drop ${name}`)
  }

  private expectPacket(expected: Packet, from: number, to: number): void {
    const line = `${this.span(from, to)} > ${formatPacket(expected)}`
    const sent = this.host.outbox.shift()
    if (sent === undefined) throw this.journal.failure('The host sent nothing.', line)
    const stamp = this.conversations.stampOf(expected)
    const seen = this.decode(sent)
    this.heard = hear(this.heard, seen)
    const same =
      this.conversations.flowText(expected) === this.conversations.flowText(seen) &&
      matches(expected, seen, stamp)
    const inTime = sent.at >= from - 0.01 && sent.at <= to + 0.01
    this.journal.noteSeen(sent.at, seen)
    if (same && inTime) return
    const shown = `${this.journal.clockText(sent.at)} > ${formatLike(expected, seen)}`
    throw this.journal.failure(
      same ? 'The host sent it at another time.' : 'The host sent something else.',
      line,
      shown,
    )
  }

  private skip(): void {
    for (const sent of this.host.outbox.splice(0)) this.note(sent)
  }

  private note(sent: Sent): void {
    const seen = this.decode(sent)
    this.heard = hear(this.heard, seen)
    this.journal.noteSeen(sent.at, seen)
  }

  /** What a replay's host sends is looked at for what is said in it: its own text must be what it was given. */
  private overhear(): void {
    for (const sent of this.host.outbox.splice(0))
      try {
        this.note(sent)
      } catch (error) {
        const isText = error instanceof Error && error.message.includes('of the host’s text')
        if (isText && !this.header.config.forward) throw error
      }
  }

  /** Something is sent within that time, whatever it is. */
  private expectSome(when: TimedStep['when']): void {
    if (when === undefined) throw new NotationError("'some' comes within a time.")
    this.advanceQuietly(this.timeOf(when.from, when.relative))
    this.host.advanceToPacket(this.timeOf(when.to, when.relative))
    if (this.host.outbox.length === 0) throw this.journal.failure('The host sent nothing.')
    this.skip()
  }

  /** A replay may come to other ends: a call on a socket that it has not got is left out. */
  private isAboutNothing(name: string, [socket = '']: readonly string[]): boolean {
    return ABOUT_SOCKETS.includes(name) && !this.sockets.has(socket)
  }

  private call(name: string, values: readonly string[], expected: string): void {
    const call = CALLS[name]
    if (call === undefined) throw new NotationError(`There is no call '${name}'.`)
    if (this.header.replay && this.isAboutNothing(name, values)) return
    const got = call(this, values, expected)
    if (!this.header.replay) this.host.pump()
    if (expected === '*' && !got.includes('is not what the peer sent')) return
    if (got !== expected) throw this.journal.failure('The call gave another result.', expected, got)
  }

  private checkEvents(name: string, names: readonly string[]): void {
    const socket = this.socketOf(name)
    const bits = this.host.events.get(socket) ?? 0
    this.host.events.delete(socket)
    const seen = Object.entries(Event)
      .filter(([, bit]) => (bits & bit) !== 0)
      .map(([event]) => event.toLowerCase())
      .filter(event => event !== 'state' || names.includes('state'))
    this.journal.compare([...names].sort().join(' ') || 'none', seen.sort().join(' ') || 'none')
  }

  private checkVariable(variable: string, subject: Subject, operator: string, value: string): void {
    const seen = readVariable(this.stack.arena, this.lookedAt(subject), variable, this.journal.zero)
    const [a, b] = [Number(seen), Number(value)]
    const holds =
      operator === '='
        ? seen === value || Math.abs(a - b) < 0.0006
        : (operator.startsWith('<') ? a < b : a > b) || (operator.endsWith('=') && a === b)
    if (!holds)
      throw this.journal.failure(
        'The variable has another value.',
        `${variable} ${operator} ${value}`,
        `${variable} = ${seen}`,
      )
  }

  private counted(counter: string): number {
    const now = this.stack.counters[counter]
    if (now === undefined) throw new NotationError(`There is no counter '${counter}' in this profile.`)
    return now - (this.countersBefore[counter] ?? 0)
  }

  /** The bytes that a pool of the arena holds. */
  private usedBy(pool: string): string {
    const found = this.stack.memory.pools.find(one => one.name === pool)
    if (found === undefined) throw new NotationError(`There is no pool '${pool}'.`)
    return String(found.used)
  }

  private checkBaseline(): void {
    const { used, pools } = this.stack.memory
    if (used === this.baseline) return
    const held = pools.filter(pool => pool.used > 0).map(pool => `${pool.name} ${pool.used}`)
    throw this.journal.failure(
      'The arena is not as it was.',
      `${this.baseline} bytes`,
      `${used} bytes: ${held.join(', ')}`,
    )
  }

  private checkSound(): void {
    try {
      expectSound(this.stack)
    } catch (error) {
      throw this.journal.failure(
        `The arena is not sound: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }

  // ---- time -------------------------------------------------------------------------------------------------------

  private timeOf(ms: number, relative: boolean): number {
    const time = relative ? this.now + ms : this.journal.zero + ms
    if (time < this.now - 0.01)
      throw new NotationError(
        `Time does not run backwards: it is ${this.journal.clockText(this.now)} already.`,
      )
    return time
  }

  /** To a step that acts: what the host has sent until then was expected. */
  private advanceQuietly(until: number): void {
    if (this.header.replay) {
      this.host.advanceSilently(until)
      return this.overhear()
    }
    this.host.advanceToPacket(until)
    if (this.host.outbox.length > 0)
      throw this.journal.failure('The host sent what no line expects.', '', this.unexpected())
  }

  private span(from: number, to: number): string {
    const { journal } = this
    if (to - from === ANY_TIME) return '*'
    return from === to ? journal.clockText(from) : `${journal.clockText(from)}~${journal.clockText(to)}`
  }

  // ---- who speaks -------------------------------------------------------------------------------------------------

  socketOf(name: string): Socket {
    const socket = this.sockets.get(name)
    if (socket === undefined) throw new NotationError(`There is no socket ${name} in this script.`)
    return socket
  }

  nameSocket(name: string, socket: Socket): void {
    if (!/^\d+$/.test(name)) throw new ScriptFailure(`The call gave a socket; expected was ${name}.`)
    this.sockets.set(name, socket)
  }

  connecting(address: string, port: number): void {
    this.conversations.connecting(address, port)
  }

  private get names(): Names {
    const own = (prefix: string): string => {
      const network = address6Bytes(prefix).slice(0, 8).join()
      const found = this.stack.ipv6?.addresses.filter(one => one.address.slice(0, 8).join() === network)
      return found?.at(-1) === undefined ? '' : address6Text([...(found.at(-1)?.address ?? [])])
    }
    const { address6 = '', peer } = this.header
    return { host: address6.split('/')[0] ?? '', peer, router: ROUTER, 'link-local': own('fe80::'), own }
  }

  private ends(link: number): Ends {
    const { host: host6, 'link-local': linkLocal, peer, router } = this.names
    const shared = {
      hostMac: hostMacOf(link, this.header.macs),
      peerMac: peerMacOf(link),
      host6,
      linkLocal,
      router,
      routerMac: ROUTER_MAC,
    }
    const other = this.header.config.links?.[link - 1]?.address?.split('/')[0]
    if (other !== undefined)
      return { ...shared, host: other, peer: other.replace(/\d+$/, n => `${Number(n) + 1}`) }
    const bytes = this.stack.address
    const own = [24, 16, 8, 0].map(shift => (bytes >>> shift) & 255).join('.')
    const [configured = ''] = this.header.address?.split('/') ?? []
    return {
      ...shared,
      host: bytes !== 0 ? own : configured.includes('.') ? configured : '169.254.0.0',
      peer,
    }
  }

  private lookedAt(subject: Subject): Socket | { address: string; port: number } {
    if (typeof subject === 'string') return this.socketOf(subject)
    return { address: subject.address ?? this.header.peer, port: subject.port }
  }

  private decode({ bytes, link }: Sent): Packet {
    const read = decodePacket(bytes, raw => this.conversations.ofSegment(raw), this.heard, this.pieces)
    const packet = { ...read, fields: new Map(read.fields).set('on', String(link)) }
    return this.conversations.seen(packet)
  }

  /** What the host has sent and nobody expected. */
  private unexpected(): string {
    return this.host.outbox.map(sent => this.journal.seenText(sent.at, this.decode(sent))).join('; ')
  }
}
