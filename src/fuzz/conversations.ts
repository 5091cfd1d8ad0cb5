/**
 * What hosts say to each other while the saboteur is at work: each conversation checks every byte that it hears, and ends
 * complete, or says why not. A program does what programs do on a network that promises nothing: a question without an
 * answer is asked again, an answer that is not to it is let pass; only a stream has to do without.
 */
import { checkSaid, saying } from '../simulate/programs/said.ts'
import { type Ipv4, type Ipv6, NameType, Option, Protocol, type Socket, type Stack } from '../stack/stack.ts'
import type { Said } from './rights.ts'
import { Wrong } from './shadow.ts'

export const STREAM_PORT = 7
export const QUESTION_PORT = 9
const EAGAIN = -11
const ENOBUFS = -105
const ENOTCONN = -107
/** Two FINs at once come so long after the beginning, ms: the same for both ends, and when all is said. */
const AT_ONCE_BEHIND = 1_500
/** Between two looks of a program that waits. */
const LOOK = 1_000

/** A host of the segment, as programs see it. */
export interface Station {
  readonly stack: Stack
  readonly address: Ipv4
  readonly address6: Ipv6 | undefined
}

export interface Conversation {
  /** As it is told of. */
  readonly name: string
  /** How far it has come. */
  readonly where?: string
  /** When it is to be stepped although nothing happened, ms. */
  wakeAt: number
  /** Undefined while it goes on; 'complete', or what ended it. */
  ended: string | undefined
  step(now: number): void
  owns(station: Station, socket: Socket): boolean
  /** A connection was accepted from there: whether it is this conversation's. */
  adopts(station: Station, socket: Socket, from: Ipv4 | Ipv6, port: number): boolean
  /** Whether a frame is, or pretends to be, a part of it. */
  concerns(said: Said): boolean
  /** Its sockets are given back, in order. */
  close(): void
}

export const hexOf = (address: Ipv4 | Ipv6): string =>
  typeof address === 'number'
    ? (address >>> 0).toString(16).padStart(8, '0')
    : address.reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')

// ---- streams --------------------------------------------------------------------------------------------------

export interface StreamPlan {
  readonly id: number
  readonly ipv6: boolean
  /** Bytes there and back. */
  readonly there: number
  readonly back: number
  readonly piece: number
  /** Between two pieces, ms. */
  readonly pause: number
  /** Who sends its FIN only when it has heard the other's; 'nobody' waits; or both send theirs 'at once', and they cross. */
  readonly last: 'client' | 'server' | 'nobody' | 'at once'
  readonly beginsAt: number
}

/** One end: says its bytes at its pace, and checks the other's. */
class End {
  socket: Socket | 0 = 0
  said = 0
  heard = 0
  heardEnd = false
  hasShut = false
  nextAt = 0
  readonly stack: Stack
  readonly #plan: StreamPlan
  readonly #side: 0 | 1
  readonly #into: Uint8Array

  constructor(stack: Stack, plan: StreamPlan, side: 0 | 1) {
    this.stack = stack
    this.#plan = plan
    this.#side = side
    this.#into = new Uint8Array(plan.piece * 2)
  }

  get #toSay(): number {
    return this.#side === 0 ? this.#plan.there : this.#plan.back
  }
  get #toHear(): number {
    return this.#side === 0 ? this.#plan.back : this.#plan.there
  }
  get isDone(): boolean {
    return this.heardEnd && this.hasShut
  }

  /** Undefined, or what ended it. */
  step(now: number): string | undefined {
    if (this.socket === 0) return undefined
    const failed = this.#hear() ?? this.#say(now)
    if (failed !== undefined) return failed
    const { last } = this.#plan
    const isEarly = last === 'at once' && now < this.#plan.beginsAt + AT_ONCE_BEHIND
    const waits = isEarly || last === (this.#side === 0 ? 'client' : 'server')
    if (this.said === this.#toSay && !this.hasShut && (this.heardEnd || !waits)) {
      const result = this.stack.shutdown(this.socket)
      if (result < 0 && result !== ENOTCONN) return `error ${result} of shutdown`
      this.hasShut = result === 0
    }
    return undefined
  }

  #hear(): string | undefined {
    while (!this.heardEnd) {
      const n = this.stack.recv(this.socket as Socket, this.#into)
      if (n === EAGAIN) return undefined
      if (n < 0) return `error ${this.stack.error(this.socket as Socket) || n}`
      if (n === 0) {
        this.heardEnd = true
        return this.heard === this.#toHear
          ? undefined
          : `wrong: the end came after ${this.heard} bytes of ${this.#toHear}`
      }
      const wrong = checkSaid(this.#plan.id, 1 - this.#side, this.heard, this.#into.subarray(0, n))
      this.heard += n
      if (wrong !== undefined || this.heard > this.#toHear)
        return `wrong: ${wrong ?? 'more came than was said'}`
    }
    return undefined
  }

  #say(now: number): string | undefined {
    const { id, piece, pause } = this.#plan
    while (this.said < this.#toSay && now >= this.nextAt) {
      const text = saying(id, this.#side, this.said, Math.min(piece, this.#toSay - this.said))
      const n = this.stack.send(this.socket as Socket, text)
      if (n === EAGAIN || n === ENOBUFS) {
        this.nextAt = now + 200
        return undefined
      }
      if (n < 0) return n === ENOTCONN ? undefined : `error ${this.stack.error(this.socket as Socket) || n}`
      this.said += n
      this.nextAt = now + pause
    }
    return undefined
  }
}

export class Stream implements Conversation {
  readonly name: string
  wakeAt: number
  ended: string | undefined
  readonly #client: Station
  readonly #server: Station
  readonly #near: End
  readonly #shutAt: number
  readonly #far: End
  #local: Ipv4 | Ipv6
  readonly #remote: Ipv4 | Ipv6
  #port = 0

  constructor(client: Station, server: Station, plan: StreamPlan) {
    this.name = `stream ${plan.id}`
    this.#client = client
    this.#server = server
    this.wakeAt = plan.beginsAt
    this.#shutAt = plan.beginsAt + AT_ONCE_BEHIND
    this.#near = new End(client.stack, plan, 0)
    this.#far = new End(server.stack, plan, 1)
    const both6 = plan.ipv6 && client.address6 !== undefined && server.address6 !== undefined
    this.#local = (both6 ? client.address6 : undefined) ?? client.address
    this.#remote = (both6 ? server.address6 : undefined) ?? server.address
  }

  /** What is known of it to who has only been told: the ends, no numbers. */
  get flow(): { from: Ipv4 | Ipv6; to: Ipv4 | Ipv6; fromPort: number; toPort: number } {
    return { from: this.#local, to: this.#remote, fromPort: this.#port, toPort: STREAM_PORT }
  }

  get where(): string {
    const tell = ({ said, heard, heardEnd, hasShut }: End) =>
      `${said} said${hasShut ? ' to the end' : ''}, ${heard} heard${heardEnd ? ' to the end' : ''}`
    return `client ${tell(this.#near)}; server ${tell(this.#far)}`
  }

  /** Whether the server has not been heard of. */
  get isOpening(): boolean {
    return this.#far.socket === 0
  }

  step(now: number): void {
    if (this.ended !== undefined) return
    if (this.#near.socket === 0 && !this.#begin(now)) return
    const failed = this.#near.step(now) ?? this.#far.step(now)
    if (failed !== undefined) this.ended = failed
    else if (this.#near.isDone && this.#far.isDone) this.ended = 'complete'
    if (this.ended !== undefined) this.close()
    const soon = [this.#near, this.#far].map(end =>
      end.nextAt > now ? end.nextAt : Number.POSITIVE_INFINITY,
    )
    const together = this.#shutAt > now ? this.#shutAt : Number.POSITIVE_INFINITY
    this.wakeAt = Math.min(now + LOOK, together, ...soon)
  }

  #begin(now: number): boolean {
    const { stack } = this.#client
    const made = stack.socket(Protocol.Tcp)
    this.wakeAt = now + LOOK
    if (made < 0) return false
    const error = stack.connect(made as Socket, this.#remote, STREAM_PORT)
    if (error < 0) {
      stack.close(made as Socket)
      return false
    }
    this.#near.socket = made as Socket
    // Of several addresses the host has taken one.
    const local = { address: 0, address6: new Uint8Array(16), port: 0 }
    stack.name(made as Socket, 'local', local)
    this.#local = local.address === 0 ? local.address6 : local.address
    this.#port = local.port
    return true
  }

  owns(station: Station, socket: Socket): boolean {
    return (
      (station === this.#client && socket === this.#near.socket) ||
      (station === this.#server && socket === this.#far.socket)
    )
  }

  adopts(station: Station, socket: Socket, from: Ipv4 | Ipv6, port: number): boolean {
    if (station !== this.#server || port !== this.#port || hexOf(from) !== hexOf(this.#local)) return false
    if (this.#far.socket !== 0 || this.ended !== undefined) return false
    this.#far.socket = socket
    return true
  }

  concerns({ protocol, from, to, fromPort, toPort }: Said): boolean {
    const [near, far] = [hexOf(this.#local), hexOf(this.#remote)]
    if (protocol !== 6 || this.#port === 0) return false
    return from === near
      ? to === far && fromPort === this.#port && toPort === STREAM_PORT
      : from === far && to === near && fromPort === STREAM_PORT && toPort === this.#port
  }

  close(): void {
    for (const end of [this.#near, this.#far]) {
      if (end.socket !== 0) end.stack.close(end.socket)
      end.socket = 0
    }
  }
}

// ---- questions ------------------------------------------------------------------------------------------------

/** A question over UDP, or an echo request: asked again each second until the answer to it has come; so often, one after the other. */
export class Questions implements Conversation {
  readonly name: string
  wakeAt: number
  ended: string | undefined
  readonly #asker: Station
  readonly #answerer: Station
  readonly #to: Ipv4 | Ipv6
  readonly #kind: 'udp' | 'ping'
  readonly #id: number
  readonly #bytes: number
  #left: number
  #socket: Socket | 0 = 0
  #port = 0
  #asked = 0
  readonly #into = new Uint8Array(4_000)

  constructor(
    asker: Station,
    answerer: Station,
    plan: {
      id: number
      kind: 'udp' | 'ping'
      ipv6: boolean
      to?: Ipv4 | undefined
      bytes: number
      count: number
      beginsAt: number
    },
  ) {
    this.name = `${plan.kind} ${plan.id}`
    this.#asker = asker
    this.#answerer = answerer
    const both6 = plan.ipv6 && asker.address6 !== undefined ? answerer.address6 : undefined
    this.#to = plan.to ?? both6 ?? answerer.address
    this.#kind = plan.kind
    this.#id = plan.id
    this.#bytes = plan.bytes
    this.#left = plan.count
    this.wakeAt = plan.beginsAt
  }

  step(now: number): void {
    if (this.ended !== undefined) return
    const { stack } = this.#asker
    if (this.#socket === 0) {
      const made = stack.socket(this.#kind === 'udp' ? Protocol.Udp : Protocol.Icmp)
      this.wakeAt = now + LOOK
      if (made < 0) return
      this.#socket = made as Socket
      if (this.#kind === 'udp') stack.setOption(this.#socket, Option.MulticastTtl, 1)
    }
    const from = { address: 0, port: 0 }
    for (
      let n = stack.recvFrom(this.#socket, this.#into, from);
      n !== EAGAIN;
      n = stack.recvFrom(this.#socket, this.#into, from)
    ) {
      // What an ICMP error made of the socket is read, and forgotten.
      if (n < 0 && stack.error(this.#socket) === 0) break
      if (n === this.#bytes && this.#isAnswer(n)) {
        this.#left--
        this.wakeAt = now
      }
    }
    if (this.#left === 0) {
      this.ended = 'complete'
      return this.close()
    }
    if (now < this.wakeAt) return
    const question = saying(this.#id, 0, this.#left * 4_096, this.#bytes)
    if (this.#kind === 'udp') question[0] = QUESTION
    stack.sendTo(
      this.#socket,
      question,
      this.#to,
      this.#kind === 'udp' ? QUESTION_PORT : ++this.#asked & 0xffff,
    )
    const local = { address: 0, port: 0 }
    if (stack.name(this.#socket, 'local', local)) this.#port = local.port
    this.wakeAt = now + LOOK
  }

  #isAnswer(n: number): boolean {
    if (this.#kind === 'udp' && this.#into[0] !== ANSWER) return false
    const first = this.#into[0] ?? 0
    const said = saying(this.#id, 0, this.#left * 4_096, this.#bytes)
    if (this.#kind === 'udp') said[0] = first
    return said.every((byte, i) => i >= n || byte === this.#into[i])
  }

  owns(station: Station, socket: Socket): boolean {
    return station === this.#asker && socket === this.#socket
  }
  adopts(): boolean {
    return false
  }
  concerns({ protocol, from, to, fromPort, toPort }: Said): boolean {
    const ends = [hexOf(this.#asker.address), hexOf(this.#answerer.address)]
    if (!ends.includes(from) || !ends.includes(to)) return false
    return this.#kind === 'ping' ? protocol === 1 : protocol === 17 && [fromPort, toPort].includes(this.#port)
  }
  close(): void {
    if (this.#socket !== 0) this.#asker.stack.close(this.#socket)
    this.#socket = 0
  }
}

const QUESTION = 0x51
const ANSWER = 0x41

/** Answers what is a question on a socket, to whoever asked: with what it said, marked as the answer. */
export function answerAll(stack: Stack, socket: Socket): void {
  const into = new Uint8Array(2_000)
  const address6 = new Uint8Array(16)
  const from = { address: 0, address6, port: 0 }
  for (let i = 0; i < 200; i++) {
    const n = stack.recvFrom(socket, into, from)
    if (n === EAGAIN) return
    if (n < 0 && stack.error(socket) === 0) return
    if (n < 1 || into[0] !== QUESTION) continue
    into[0] = ANSWER
    stack.sendTo(socket, into.subarray(0, n), from.address === 0 ? address6 : from.address, from.port)
  }
}

// ---- names ----------------------------------------------------------------------------------------------------

/** What every name of the server's has. */
const ADDRESS_OF_ALL = [10, 9, 8, 7]

/** A name is asked for, of the server or of the link, until it is known. */
export class Name implements Conversation {
  readonly name: string
  wakeAt: number
  ended: string | undefined
  readonly #asker: Station
  readonly #question: string
  readonly #expected: readonly number[]
  #socket: Socket | 0 = 0
  #tries = 0

  constructor(asker: Station, question: string, expected: Ipv4 | undefined, beginsAt: number) {
    this.name = `name ${question}`
    this.#asker = asker
    this.#question = question
    this.#expected =
      expected === undefined ? ADDRESS_OF_ALL : [24, 16, 8, 0].map(shift => (expected >>> shift) & 255)
    this.wakeAt = beginsAt
  }

  step(now: number): void {
    const { stack } = this.#asker
    if (this.ended !== undefined) return
    if (this.#socket !== 0) this.#read(stack)
    if (this.ended !== undefined) return this.close()
    if (now < this.wakeAt) return
    this.wakeAt = now + LOOK
    if (this.#socket !== 0) return
    const made = stack.resolve(this.#question, NameType.A)
    if (made > 0) this.#socket = made as Socket
    else if (++this.#tries > 100) this.ended = `error ${made}`
  }

  #read(stack: Stack): void {
    const into = new Uint8Array(64)
    const n = stack.resolved(this.#socket as Socket, into)
    if (n === EAGAIN) return
    if (n > 0) {
      this.ended = this.#expected.every((byte, i) => byte === into[i])
        ? 'complete'
        : `wrong: ${into.slice(0, n)}`
      return
    }
    const error = stack.error(this.#socket as Socket)
    this.close()
    if (++this.#tries > 20) this.ended = `error ${error || n}`
  }

  owns(station: Station, socket: Socket): boolean {
    return station === this.#asker && socket === this.#socket
  }
  adopts(): boolean {
    return false
  }
  concerns({ protocol, fromPort, toPort }: Said): boolean {
    return protocol === 17 && [fromPort, toPort].includes(this.#question.endsWith('.local') ? 5353 : 53)
  }
  close(): void {
    if (this.#socket !== 0) this.#asker.stack.close(this.#socket)
    this.#socket = 0
  }
}

/** A name server: the one address for every question for an A record (RFC 1035, 4.1). */
export function serveNames(stack: Stack, socket: Socket): void {
  const into = new Uint8Array(1_500)
  const from = { address: 0, port: 0 }
  for (let i = 0; i < 200; i++) {
    const n = stack.recvFrom(socket, into, from)
    if (n === EAGAIN) return
    if (n < 0 && stack.error(socket) === 0) return
    const answer = n < 17 || (into[2] ?? 0) >= 0x80 ? undefined : answerTo(into.subarray(0, n))
    if (answer !== undefined) stack.sendTo(socket, answer, from.address, from.port)
  }
}

function answerTo(question: Uint8Array): Uint8Array | undefined {
  let end = 12
  while (end < question.length && (question[end] ?? 0) !== 0) end += 1 + (question[end] ?? 0)
  end += 5
  if (end > question.length || question[end - 3] !== 1) return undefined
  const head = [...question.slice(0, 2), 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...ADDRESS_OF_ALL]
  return Uint8Array.from([...head, ...question.slice(12, end), ...record])
}

// ---- leases ---------------------------------------------------------------------------------------------------

/** A host that has just come asks for an address, and gets one of the server's. */
export class Lease implements Conversation {
  readonly name = 'lease'
  wakeAt: number
  ended: string | undefined
  readonly #stack: Stack
  readonly #first: Ipv4
  readonly #last: Ipv4

  constructor(stack: Stack, first: Ipv4, last: Ipv4, now: number) {
    this.#stack = stack
    this.#first = first
    this.#last = last
    this.wakeAt = now
  }

  step(now: number): void {
    this.wakeAt = now + LOOK
    const { address } = this.#stack
    if (this.ended === undefined && address >= this.#first && address <= this.#last) this.ended = 'complete'
  }
  owns(): boolean {
    return false
  }
  adopts(): boolean {
    return false
  }
  concerns({ protocol, fromPort, toPort }: Said): boolean {
    return protocol === 17 && [fromPort, toPort].some(port => port === 67 || port === 68)
  }
  close(): void {}
}

/** What was undisturbed must be complete. */
export function expectComplete({ name, ended, where = '' }: Conversation): void {
  if (ended !== 'complete')
    throw new Wrong(`${name}, which nobody spoke to: ${ended ?? 'it has not ended'}; ${where}`)
}
