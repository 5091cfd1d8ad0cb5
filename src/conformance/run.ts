/**
 * A script is played: one host, a peer that says what the script says, and time that passes only between the steps. All
 * that the host sends must be expected, in its order and at its time; all that the peer sends must be taken, or dropped
 * for the reason that the script names.
 */
import { Drop } from '../stack/drop.ts'
import { Event, type Socket, type Stack } from '../stack/stack.ts'
import { expectSound } from '../stack/testing/invariants.ts'
import { answerTo } from './answers.ts'
import { CALLS, type Caller } from './calls.ts'
import { readVariable, stateOfSubject } from './checks.ts'
import { Conversations } from './conversations.ts'
import { HOST_MAC, Host, makeStack } from './host.ts'
import { untilIss } from './iss.ts'
import { Journal, ScriptFailure } from './journal.ts'
import type { Names } from './names.ts'
import { NotationError } from './notation.ts'
import { address6Bytes, address6Text } from './packets/address6.ts'
import { decodePacket, encodePacket } from './packets/codec.ts'
import { formatLike, formatPacket, matches, type Packet } from './packets/packet.ts'
import { Pieces } from './packets/pieces.ts'
import type { Ends } from './packets/protocol.ts'
import type { Header, Script, Subject, TimedStep } from './script.ts'

const PEER_MAC = '02:00:00:00:00:02'
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
  private readonly baseline: number
  private readonly countersBefore: Readonly<Record<string, number>>

  constructor(private readonly header: Header) {
    this.conversations = new Conversations(header.peer, header.iss)
    this.host = new Host(header, frame => answerTo(frame, this.ends, this.answering))
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
      host.advance(host.now + untilIss(copy, this.ends, host.now, header.hostIss))
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
    if (step.kind === 'expect' || step.kind === 'skip') {
      const from = when === undefined ? this.now : this.timeOf(when.from, when.relative)
      const to = when === undefined ? this.now + ANY_TIME : this.timeOf(when.to, when.relative)
      this.host.advanceToPacket(to)
      if (step.kind === 'skip') this.skip()
      else this.expectPacket(step.packet, from, to)
      return
    }
    if (when === undefined || when.from !== when.to)
      throw new NotationError('Only a packet that is expected may come at any time.')
    this.advanceQuietly(this.timeOf(when.from, when.relative))
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
    const frame = encodePacket(packet, this.ends, numbers, this.header.window)
    this.journal.note(this.now, `< ${formatPacket(packet)}`)
    const reason = this.stack.input(frame, this.now)
    this.host.pump()
    const name = Object.entries(Drop).find(([, number]) => number === reason)?.[0] ?? String(reason)
    if (name !== drop)
      throw this.journal.failure('The packet met another end.', `drop ${drop}`, `drop ${name}`)
  }

  private expectPacket(expected: Packet, from: number, to: number): void {
    const line = `${this.span(from, to)} > ${formatPacket(expected)}`
    const sent = this.host.outbox.shift()
    if (sent === undefined) throw this.journal.failure('The host sent nothing.', line)
    const stamp = this.conversations.stampOf(expected)
    const seen = this.decode(sent.bytes)
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
    for (const sent of this.host.outbox.splice(0)) this.journal.noteSeen(sent.at, this.decode(sent.bytes))
  }

  private call(name: string, values: readonly string[], expected: string): void {
    const call = CALLS[name]
    if (call === undefined) throw new NotationError(`There is no call '${name}'.`)
    const got = call(this, values, expected)
    this.host.pump()
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

  private get ends(): Ends {
    const bytes = this.stack.address
    const own = [24, 16, 8, 0].map(shift => (bytes >>> shift) & 255).join('.')
    const host = bytes === 0 ? (this.header.address?.split('/')[0] ?? '169.254.0.0') : own
    const { host: host6, 'link-local': linkLocal, peer, router } = this.names
    return {
      hostMac: HOST_MAC,
      peerMac: PEER_MAC,
      host,
      host6,
      linkLocal,
      peer,
      router,
      routerMac: ROUTER_MAC,
    }
  }

  private lookedAt(subject: Subject): Socket | { address: string; port: number } {
    if (typeof subject === 'string') return this.socketOf(subject)
    return { address: subject.address ?? this.header.peer, port: subject.port }
  }

  private decode(bytes: Uint8Array): Packet {
    const seen = decodePacket(bytes, raw => this.conversations.ofSegment(raw), this.pieces)
    return this.conversations.seen(seen)
  }

  /** What the host has sent and nobody expected. */
  private unexpected(): string {
    return this.host.outbox.map(sent => this.journal.seenText(sent.at, this.decode(sent.bytes))).join('; ')
  }
}
