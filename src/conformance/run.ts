/**
 * A script is played: one host, a peer that says what the script says, and time that passes only between the steps. All
 * that the host sends must be expected, in its order and at its time; all that the peer sends must be taken, or dropped
 * for the reason that the script names.
 */
import { Drop } from '../stack/drop.ts'
import { createStack as client } from '../stack/profiles/client.ts'
import { createStack as full } from '../stack/profiles/full.ts'
import { createStack as minimal } from '../stack/profiles/minimal.ts'
import { Event, type Socket, type Stack } from '../stack/stack.ts'
import { expectSound } from '../stack/testing/invariants.ts'
import { environment } from '../stack/testing/simulation.ts'
import { CALLS, type Caller } from './calls.ts'
import { readVariable, stateOfSubject } from './checks.ts'
import { decodePacket, type Ends, encodePacket, type RawNumbers } from './codec.ts'
import { type Flow, formatPacket, NotationError, type Packet, type Stamp, type TcpPacket } from './packet.ts'
import type { Header, Script, Subject, TimedStep } from './script.ts'

/** What a script expected and did not see. */
export class ScriptFailure extends Error {}

const PROFILES = { full, client, minimal }
const HOST_MAC = '02:00:00:00:00:01'
const PEER_MAC = '02:00:00:00:00:02'
const PEER_PORT = 4000
const HOST_PORT = 7
/** A host that sends this much, or wakes this often, between two steps has lost its mind. */
const RESTLESS = 20_000
/** How long '*' waits, ms. */
const ANY_TIME = 3_600_000
/** How long it may take until all that was closed is gone: TIME-WAIT, retransmissions to nobody. */
const AFTERMATH_MS = 400_000

interface Conversation {
  readonly peerAddress: string
  readonly peerPort: number
  hostPort: number
  hostIss: number
  readonly peerIss: number
  stamp: number
}

/** Plays the script. Throws ScriptFailure. */
export function runScript(script: Script): void {
  const run = new Run(script.header)
  for (const step of script.steps) run.play(step)
  run.end()
}

class Run implements Caller {
  stack: Stack
  readonly progress = new Map<string, { sent: number; received: number }>()
  private readonly sockets = new Map<string, Socket>()
  private readonly conversations = new Map<string, Conversation>()
  private readonly events = new Map<Socket, number>()
  private readonly outbox: { readonly at: number; readonly bytes: Uint8Array }[] = []
  /** What was done and seen, for the message of a failure. */
  private readonly history: string[] = []
  private first: Flow = { address: undefined, port: PEER_PORT, hostPort: HOST_PORT }
  /** The host's clock at the script's zero, ms. */
  private zero = 0
  /** The host's clock. */
  now = 0
  private busy = false
  private answering = true
  private readonly baseline: number
  private readonly countersBefore: Readonly<Record<string, number>>
  private step: TimedStep | undefined

  constructor(private readonly header: Header) {
    this.stack = this.makeStack(header.memory)
    if (!header.boot) {
      this.advance(header.clock)
      if (header.hostIss !== undefined) this.advance(this.now + this.untilIss(header.hostIss))
      this.outbox.length = 0
    }
    this.answering = header.arp === 'answered'
    this.zero = this.now
    this.baseline = this.stack.memory.used
    this.countersBefore = this.stack.counters
  }

  play(step: TimedStep): void {
    this.step = step
    try {
      this.perform(step)
    } catch (error) {
      if (error instanceof NotationError) this.fail(error.message)
      if (error instanceof ScriptFailure) throw error
      throw this.failure(error instanceof Error ? error.message : String(error))
    }
  }

  /** All was expected; what is open is ended, and the arena is sound and as it was. */
  end(): void {
    if (this.outbox.length > 0) this.fail('The script ends, and the host has sent more.', '', this.nextSeen())
    this.checkSound()
    this.busy = false
    this.answering = true
    for (const socket of this.sockets.values()) if (this.stack.abort(socket) < 0) this.stack.close(socket)
    for (const { peerAddress } of this.conversations.values()) CALLS['hostGone']?.(this, [peerAddress], '0')
    this.advance(this.now + AFTERMATH_MS)
    this.outbox.length = 0
    this.checkSound()
    if (this.header.baseline) this.checkBaseline()
  }

  // ---- steps ------------------------------------------------------------------------------------------------------

  private perform({ when, step, text }: TimedStep): void {
    if (step.kind === 'expect' || step.kind === 'skip') {
      const from = when === undefined ? this.now : this.timeOf(when.from, when.relative)
      const to = when === undefined ? this.now + ANY_TIME : this.timeOf(when.to, when.relative)
      this.advanceToPacket(to)
      if (step.kind === 'skip') this.skip()
      else this.expectPacket(step.packet, from, to)
      return
    }
    if (when === undefined || when.from !== when.to)
      throw new NotationError('Only a packet that is expected may come at any time.')
    this.advanceQuietly(this.timeOf(when.from, when.relative))
    if (step.kind !== 'inject') this.note(text.replace(/^\S+\s+/, ''))
    switch (step.kind) {
      case 'inject':
        return this.inject(step.packet, step.drop)
      case 'quiet':
        return this.advanceQuietly(this.zero + step.until)
      case 'call':
        return this.call(step.name, step.values, step.result)
      case 'event':
        return this.checkEvents(step.socket, step.names)
      case 'state':
        return this.compare(step.state, stateOfSubject(this.stack.arena, this.lookedAt(step.subject)))
      case 'check':
        return this.checkVariable(step.variable, step.subject, step.operator, step.value)
      case 'counter':
        return this.compare(String(step.value), String(this.counted(step.counter)))
      case 'memory':
        return step.pool === ''
          ? this.checkBaseline()
          : this.compare(String(step.used), this.usedBy(step.pool))
      case 'link':
        this.busy = step.busy
        return this.pump()
    }
  }

  private inject(packet: Packet, drop: string): void {
    const flow = packet.kind === 'tcp' ? packet.flow : undefined
    const frame = encodePacket(packet, this.ends, this.conversation(flow), this.header.window)
    this.note(`< ${formatPacket(packet)}`)
    const reason = this.stack.input(frame, this.now)
    this.pump()
    const name = Object.entries(Drop).find(([, number]) => number === reason)?.[0] ?? String(reason)
    if (name !== drop) this.fail('The packet met another end.', `drop ${drop}`, `drop ${name}`)
  }

  private expectPacket(expected: Packet, from: number, to: number): void {
    const line = `${this.span(from, to)} > ${formatPacket(expected)}`
    const sent = this.outbox.shift()
    if (sent === undefined) {
      this.now = Math.min(to, this.now)
      return this.fail('The host sent nothing.', line)
    }
    const before = this.stampOf(expected)
    const seen = this.decode(sent.bytes)
    const same = matches(expected, seen, before, this.flowText(expected), this.flowText(seen))
    const inTime = sent.at >= from - 0.01 && sent.at <= to + 0.01
    const shown = `${this.clockText(sent.at)} > ${formatPacket(seen, expected.fields.keys(), expected.kind === 'tcp' && expected.options !== undefined)}`
    this.history.push(`${this.clockText(sent.at)} > ${formatPacket(seen, shownWords(seen))}`)
    if (same && inTime) return
    this.fail(same ? 'The host sent it at another time.' : 'The host sent something else.', line, shown)
  }

  private skip(): void {
    for (const sent of this.outbox.splice(0)) {
      const seen = this.decode(sent.bytes)
      this.history.push(`${this.clockText(sent.at)} > ${formatPacket(seen, shownWords(seen))}`)
    }
  }

  private call(name: string, values: readonly string[], expected: string): void {
    const call = CALLS[name]
    if (call === undefined) throw new NotationError(`There is no call '${name}'.`)
    const got = call(this, values, expected)
    this.pump()
    if (got !== expected) this.fail('The call gave another result.', expected, got)
  }

  private checkEvents(name: string, names: readonly string[]): void {
    const socket = this.socketOf(name)
    const bits = this.events.get(socket) ?? 0
    this.events.delete(socket)
    const seen = Object.entries(Event)
      .filter(([, bit]) => (bits & bit) !== 0)
      .map(([event]) => event.toLowerCase())
      .filter(event => event !== 'state' || names.includes('state'))
    this.compare([...names].sort().join(' ') || 'none', seen.sort().join(' ') || 'none')
  }

  private checkVariable(variable: string, subject: Subject, operator: string, value: string): void {
    const seen = readVariable(this.stack.arena, this.lookedAt(subject), variable, this.zero)
    const [a, b] = [Number(seen), Number(value)]
    const holds =
      operator === '='
        ? seen === value || Math.abs(a - b) < 0.0006
        : (operator.startsWith('<') ? a < b : a > b) || (operator.endsWith('=') && a === b)
    if (!holds)
      this.fail(
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
    this.fail('The arena is not as it was.', `${this.baseline} bytes`, `${used} bytes: ${held.join(', ')}`)
  }

  private checkSound(): void {
    try {
      expectSound(this.stack)
    } catch (error) {
      throw this.failure(`The arena is not sound: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  private compare(expected: string, seen: string): void {
    if (expected !== seen) this.fail('It is otherwise.', expected, seen)
  }

  // ---- time -------------------------------------------------------------------------------------------------------

  private timeOf(ms: number, relative: boolean): number {
    const time = relative ? this.now + ms : this.zero + ms
    if (time < this.now - 0.01)
      throw new NotationError(`Time does not run backwards: it is ${this.clockText(this.now)} already.`)
    return time
  }

  /** Lets time pass, timers firing on their way. */
  private advance(until: number, stop = () => false): void {
    this.pump()
    for (let turns = 0; this.stack.pollAt() <= until && !stop(); turns++) {
      if (turns > RESTLESS) throw this.failure('The host never comes to rest.')
      this.now = Math.max(this.now, this.stack.pollAt())
      this.stack.poll(this.now)
      this.pump()
    }
    if (stop()) return
    this.now = Math.max(this.now, until)
    this.stack.poll(this.now)
    this.pump()
  }

  private advanceToPacket(until: number): void {
    this.advance(until, () => this.outbox.length > 0)
  }

  /** To a step that acts: what the host has sent until then was expected. */
  private advanceQuietly(until: number): void {
    this.advanceToPacket(until)
    if (this.outbox.length > 0) this.fail('The host sent what no line expects.', '', this.nextSeen())
  }

  /** Takes what the host sends, and answers it when it asks for the peer's MAC address. */
  private pump(): void {
    for (let turns = 0, asked = true; asked; turns++) {
      if (turns > RESTLESS) throw this.failure('The host never comes to rest.')
      const questions: Uint8Array[] = []
      this.stack.output(bytes => {
        if (this.busy) return false
        if (this.answering && isArp(bytes)) questions.push(bytes.slice())
        else this.outbox.push({ at: this.now, bytes: bytes.slice() })
        if (this.outbox.length > RESTLESS) throw this.failure('The host never stops sending.')
        return true
      })
      for (const question of questions) this.answerArp(question)
      asked = questions.length > 0
    }
    this.stack.events((socket, bits) => this.events.set(socket, (this.events.get(socket) ?? 0) | bits))
  }

  /** Any address but the host's own is the peer's. */
  private answerArp(question: Uint8Array): void {
    const asked = decodePacket(question, () => this.conversation(undefined))
    if (asked.kind !== 'arp' || asked.operation !== 'who-has') return
    if (asked.other === '0.0.0.0' || asked.other === asked.subject) return
    const answer: Packet = { ...asked, operation: 'is-at', mac: PEER_MAC, fields: new Map() }
    this.stack.input(encodePacket(answer, this.ends, this.conversation(undefined), 0), this.now)
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
    if (this.conversations.size === 0) this.first = { address, port, hostPort: undefined }
  }

  private get ends(): Ends {
    const bytes = this.stack.address
    const own = [24, 16, 8, 0].map(shift => (bytes >>> shift) & 255).join('.')
    const host = bytes === 0 ? (this.header.address?.split('/')[0] ?? '169.254.0.0') : own
    return { hostMac: HOST_MAC, peerMac: PEER_MAC, host, peer: this.header.peer }
  }

  /** A flow's numbers; a flow that is new begins with none of the host's. */
  private conversation(flow: Flow | undefined): Conversation {
    const { address = this.header.peer, port, hostPort } = flow ?? this.first
    const key = `${address}:${port}${hostPort === undefined || hostPort === HOST_PORT ? '' : `>${hostPort}`}`
    const known = this.conversations.get(key)
    if (known !== undefined) return known
    const made = {
      peerAddress: address,
      peerPort: port,
      hostPort: hostPort ?? HOST_PORT,
      hostIss: 0,
      peerIss: this.header.iss,
      stamp: 0,
    }
    this.conversations.set(key, made)
    return made
  }

  private conversationOf(raw: RawNumbers): Conversation {
    for (const one of this.conversations.values())
      if (
        one.peerAddress === raw.peerAddress &&
        one.peerPort === raw.peerPort &&
        one.hostPort === raw.hostPort
      )
        return one
    const found = this.conversation({ address: raw.peerAddress, port: raw.peerPort, hostPort: undefined })
    found.hostPort = raw.hostPort
    return found
  }

  private lookedAt(subject: Subject): Socket | { address: string; port: number } {
    if (typeof subject === 'string') return this.socketOf(subject)
    return { address: subject.address ?? this.header.peer, port: subject.port }
  }

  private decode(bytes: Uint8Array): Packet {
    const packet = decodePacket(bytes, raw => {
      const numbers = this.conversationOf(raw)
      if ((raw.flags & 2) !== 0) numbers.hostIss = raw.seq
      return numbers
    })
    if (packet.kind !== 'tcp') return packet
    const stamp = packet.options?.find(option => option.name === 'TS')
    const numbers = this.conversation({ ...(packet.flow as Flow), hostPort: undefined })
    if (stamp?.name === 'TS' && typeof stamp.value === 'number') numbers.stamp = stamp.value
    // A flow is named where it is not the script's first.
    const isFirst = numbers === this.conversation(undefined)
    return { ...packet, flow: isFirst ? undefined : packet.flow }
  }

  private stampOf(packet: Packet): number {
    return packet.kind === 'tcp' ? this.conversation(packet.flow).stamp : 0
  }

  private flowText(packet: Packet): string {
    if (packet.kind !== 'tcp') return ''
    const { peerAddress, peerPort } = this.conversation(
      packet.flow && { ...packet.flow, hostPort: undefined },
    )
    return `${peerAddress}:${peerPort}`
  }

  private makeStack(memory: number | ArrayBuffer): Stack {
    const { profile, mtu, largestFrame, address, gateway, seed } = this.header
    const mac = Uint8Array.from(HOST_MAC.split(':').map(pair => Number.parseInt(pair, 16)))
    return PROFILES[profile as keyof typeof PROFILES](
      {
        memory,
        mac,
        mtu,
        ...(address === undefined ? {} : { address }),
        ...(gateway === undefined ? {} : { gateway }),
        ...(largestFrame === undefined ? {} : { largestFrame }),
      },
      environment(seed),
    )
  }

  /**
   * How long until the host would choose this initial sequence number, ms: a copy of it is asked for the one that it
   * would choose now, and RFC 6528's clock ticks 250 times a millisecond.
   */
  private untilIss(wanted: number): number {
    const copy = this.makeStack(this.stack.arena.slice(0))
    const listener = copy.socket(6) as Socket
    copy.bind(listener, 0, HOST_PORT)
    copy.listen(listener, 1)
    const syn: TcpPacket = {
      kind: 'tcp',
      flow: undefined,
      flags: 'S',
      from: 0,
      to: 0,
      options: undefined,
      fields: new Map(),
    }
    const numbers = {
      peerAddress: this.header.peer,
      peerPort: PEER_PORT,
      hostPort: HOST_PORT,
      hostIss: 0,
      peerIss: 0,
      stamp: 0,
    }
    copy.input(encodePacket(syn, this.ends, numbers, 1000), this.now)
    let now = 0
    const take = (bytes: Uint8Array): boolean => {
      if (isArp(bytes)) return true
      decodePacket(bytes, raw => {
        now = raw.seq
        return numbers
      })
      return true
    }
    copy.output(take)
    const answer: Packet = {
      kind: 'arp',
      operation: 'is-at',
      subject: this.header.peer,
      other: this.ends.host,
      mac: PEER_MAC,
      fields: new Map(),
    }
    copy.input(encodePacket(answer, this.ends, numbers, 0), this.now)
    copy.output(take)
    return Math.floor(((wanted - now) >>> 0) / 250)
  }

  // ---- messages ---------------------------------------------------------------------------------------------------

  private clockText(at: number): string {
    return ((at - this.zero) / 1000).toFixed(3)
  }

  private span(from: number, to: number): string {
    if (to - from === ANY_TIME) return '*'
    return from === to ? this.clockText(from) : `${this.clockText(from)}~${this.clockText(to)}`
  }

  private note(text: string): void {
    this.history.push(`${this.clockText(this.now)} ${text}`)
  }

  /** What the host has sent and nobody expected. */
  private nextSeen(): string {
    return this.outbox
      .map(sent => {
        const seen = this.decode(sent.bytes)
        return `${this.clockText(sent.at)} > ${formatPacket(seen, shownWords(seen))}`
      })
      .join('; ')
  }

  private failure(what: string, expected = '', seen = ''): ScriptFailure {
    const lines = [`line ${this.step?.line ?? 1}: ${this.step?.text ?? ''}`, what]
    if (expected !== '') lines.push(`  expected  ${expected}`)
    if (seen !== '') lines.push(`  seen      ${seen}`)
    if (this.outbox.length > 0 && seen === '') lines.push(`  then      ${this.nextSeen()}`)
    lines.push('  around', ...this.history.slice(-10).map(line => `    ${line}`))
    return new ScriptFailure(lines.join('\n'))
  }

  private fail(what: string, expected = '', seen = ''): void {
    throw this.failure(what, expected, seen)
  }
}

const isArp = (bytes: Uint8Array): boolean => bytes[12] === 0x08 && bytes[13] === 0x06

const shownWords = (packet: Packet): string[] =>
  ['ack', 'win', 'id', 'seq'].filter(
    word => packet.fields.has(word) && (packet.kind === 'icmp' || word !== 'id'),
  )

/** Whether what was seen is what was expected, in all that the expectation names. */
function matches(
  expected: Packet,
  seen: Packet,
  stamp: number,
  expectedFlow: string,
  seenFlow: string,
): boolean {
  if (expectedFlow !== seenFlow) return false
  const withoutFlow = (packet: Packet): Packet =>
    packet.kind === 'tcp' ? { ...packet, flow: undefined } : packet
  if (expected.kind === 'icmp' && seen.kind === 'icmp') {
    const length = expected.length === undefined ? undefined : seen.length
    const quote = expected.quote === undefined ? undefined : seen.quote
    if (formatPacket(expected, []) !== formatPacket({ ...seen, length, quote }, [])) return false
  } else if (formatPacket(withoutFlow(expected), [], false) !== formatPacket(withoutFlow(seen), [], false))
    return false
  for (const [word, value] of expected.fields) {
    const other = seen.fields.get(word)
    if (other === undefined || (value !== '*' && value !== other)) return false
  }
  return expected.kind !== 'tcp' || seen.kind !== 'tcp' || optionsMatch(expected, seen, stamp)
}

function optionsMatch(expected: TcpPacket, seen: TcpPacket, stamp: number): boolean {
  if (expected.options === undefined) return true
  const others = seen.options ?? []
  if (expected.options.length !== others.length) return false
  const same = (a: Stamp, b: Stamp): boolean =>
    a === '*' || (typeof a === 'object' ? (stamp + a.plus) >>> 0 === b : a === b)
  return expected.options.every((option, i) => {
    const other = others[i]
    if (option.name === 'TS' && other?.name === 'TS')
      return same(option.value, other.value) && same(option.echo, other.echo)
    return JSON.stringify(option) === JSON.stringify(other)
  })
}
