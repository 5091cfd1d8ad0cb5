/**
 * A dialogue: one host, and a peer whose every segment a test writes down. In virtual time: nothing happens between
 * the lines. Segments are written as
 *
 *     'SYN 0:0 win 8192 mss 1460'      'PSH,ACK 1:101 ack 1'      'FIN,ACK 101:101 ack 1'
 *
 * flags, first and behind-last sequence number of the text, and what else matters; numbers count from each side's ISS.
 * What the host sends is compared in the fields that the line names. After each test the host's connections are ended and
 * its arena must be as it was at the start.
 */
import { afterEach, expect } from 'vitest'
import type { Drop } from '../drop.ts'
import { inspectConnection } from '../inspect/inspect.ts'
import { createStack } from '../profiles/full.ts'
import { Protocol, type Socket, type Stack, type StackConfig } from '../stack.ts'
import {
  arp,
  ethernet,
  HOST_IP,
  HOST_MAC,
  ipv4,
  PEER_IP,
  PEER_MAC,
  readArp,
  readTcp,
  type Tcp,
  tcp,
} from './raw.ts'
import { environment } from './simulation.ts'

const FLAG_BITS: Readonly<Record<string, number>> = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ECE: 64,
  CWR: 128,
}
const PEER_ISS = 0xfffff000
const PEER_PORT = 4000
export const HOST_PORT = 7
/** The address in numbers. */
export const PEER = 0x0a000002

/** A segment as a line says it; what it does not name is undefined. */
interface Line {
  readonly flags: number
  readonly from: number
  readonly to: number
  readonly ack: number | undefined
  readonly win: number | undefined
  readonly mss: number | undefined
}

const live: Dialogue[] = []

afterEach(() => {
  for (const dialogue of live.splice(0)) dialogue.end()
})

export class Dialogue {
  now = 0
  readonly stack: Stack
  /** The connection under test; 0 until there is one. */
  socket = 0 as Socket
  /** Frames that are not TCP, oldest first. */
  readonly others: Uint8Array[] = []
  private readonly heard: { at: number; segment: Tcp; tos: number }[] = []
  private readonly opened: Socket[] = []
  private readonly baseline: number
  private hostIss: number | undefined
  private hostPort = HOST_PORT
  private peerPort = PEER_PORT
  /** Whether lines show ECE and CWR. Most tests are not about them, and every SYN of the full profile has them. */
  showEcn = false
  /** While true the link takes nothing. */
  private busy = false

  /** Of the full profile, if no other is given. */
  constructor(config: Partial<StackConfig> = {}, profile: typeof createStack = createStack) {
    this.stack = profile(
      { memory: 128 * 1024, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/24', ...config },
      environment(42),
    )
    this.wait(10_000)
    this.others.length = 0
    this.baseline = this.stack.memory.used
    live.push(this)
  }

  /** Lets time pass, timers firing on their way. */
  wait(ms: number): this {
    const until = this.now + ms
    for (this.pump(); this.stack.pollAt() <= until; this.pump()) {
      this.now = Math.max(this.now, this.stack.pollAt())
      this.stack.poll(this.now)
    }
    this.now = until
    this.stack.poll(until)
    this.pump()
    return this
  }

  /** The peer sends a segment. Returns the drop reason. */
  in(
    line: string,
    more: { readonly options?: number[]; readonly data?: number[]; readonly tos?: number } = {},
  ): Drop {
    const want = parse(line)
    const data = more.data ?? Array.from({ length: want.to - want.from }, (_, i) => (want.from + i) & 255)
    const options = more.options ?? (want.mss === undefined ? [] : [2, 4, want.mss >> 8, want.mss & 255])
    const segment: Tcp = {
      from: this.peerPort,
      to: this.hostPort,
      seq: (PEER_ISS + want.from) >>> 0,
      ack: want.ack === undefined ? 0 : (want.ack + (this.hostIss ?? 0)) >>> 0,
      flags: want.flags,
      window: want.win ?? 8192,
      options,
      data,
    }
    return this.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(6, tcp(segment), { tos: more.tos ?? 0 })))
  }

  inFrame(frame: Uint8Array): Drop {
    const drop = this.stack.input(frame, this.now)
    this.pump()
    return drop
  }

  /** The next segment that the host sent, which must be this one, sent now. */
  out(line: string): this {
    const next = this.heard.shift()
    if (next === undefined) throw new Error(`Expected '${line}' at ${this.now} ms; the host sent nothing.`)
    const got = this.format(next.segment)
    const want = parse(line)
    const fields = [`${flagNames(want.flags)} ${want.from}:${want.to}`]
    if (want.ack !== undefined) fields.push(`ack ${want.ack}`)
    if (want.win !== undefined) fields.push(`win ${want.win}`)
    if (want.mss !== undefined) fields.push(`mss ${want.mss}`)
    const seen = [got.head]
    if (want.ack !== undefined) seen.push(`ack ${got.ack}`)
    if (want.win !== undefined) seen.push(`win ${next.segment.window}`)
    if (want.mss !== undefined) seen.push(`mss ${got.mss}`)
    expect(`${next.at} ms: ${seen.join(' ')}`).toBe(`${this.now} ms: ${fields.join(' ')}`)
    return this
  }

  /** The host has sent nothing more. */
  quiet(): this {
    expect(this.heard.map(h => this.format(h.segment).head)).toEqual([])
    return this
  }

  /** Forgets what the host sent, and says how many segments it was. */
  skip(): number {
    return this.heard.splice(0).length
  }

  /** The window that the host's last unread segment offers. */
  get lastWindow(): number {
    return this.heard.at(-1)?.segment.window ?? -1
  }

  /** The options of the host's last unread segment, byte by byte. */
  get lastOptions(): number[] {
    return this.heard.at(-1)?.segment.options ?? []
  }

  /** The ECN field of the host's last unread segment. */
  get lastEcn(): number {
    return (this.heard.at(-1)?.tos ?? 0) & 3
  }

  get state(): string {
    return inspectConnection(this.stack.arena, this.socket)?.state ?? 'gone'
  }

  get connection() {
    const record = inspectConnection(this.stack.arena, this.socket)
    if (record === undefined) throw new Error('There is no such connection.')
    return record
  }

  /** Stops and starts the link. */
  hold(busy: boolean): this {
    this.busy = busy
    this.pump()
    return this
  }

  open(): Socket {
    const socket = this.stack.socket(Protocol.Tcp)
    if (socket < 0) throw new Error(`socket gave ${socket}`)
    this.opened.push(socket as Socket)
    return socket as Socket
  }

  listen(backlog = 4, port = HOST_PORT): Socket {
    const listener = this.open()
    expect(this.stack.bind(listener, 0, port)).toBe(0)
    expect(this.stack.listen(listener, backlog)).toBe(0)
    return listener
  }

  /** The host begins a connection to the peer's port. Its SYN is left to be heard. */
  connect(): this {
    this.socket = this.open()
    this.peerPort = 80
    expect(this.stack.connect(this.socket, PEER, 80)).toBe(0)
    this.pump()
    return this
  }

  /** Another of the peer's ports speaks from now on, to another ISS of the host. */
  speakFrom(port: number): this {
    this.peerPort = port
    this.hostIss = undefined
    return this
  }

  accept(listener: Socket): this {
    const socket = this.stack.accept(listener)
    if (socket < 0) throw new Error(`accept gave ${socket}`)
    this.socket = socket as Socket
    this.opened.push(this.socket)
    return this
  }

  send(bytes: number): number {
    const taken = this.stack.send(
      this.socket,
      Uint8Array.from({ length: bytes }, (_, i) => i & 255),
    )
    this.pump()
    return taken
  }

  /** Reads up to `bytes`; the data, or the negative result. */
  recv(bytes = 65536): number[] | number {
    const into = new Uint8Array(bytes)
    const got = this.stack.recv(this.socket, into)
    this.pump()
    return got < 0 ? got : [...into.subarray(0, got)]
  }

  close(): this {
    this.stack.close(this.socket)
    this.pump()
    return this
  }

  shutdown(): this {
    expect(this.stack.shutdown(this.socket)).toBe(0)
    this.pump()
    return this
  }

  /** Ends what is open; the arena must be as it was. */
  end(): void {
    this.busy = false
    for (const socket of this.opened) this.stack.abort(socket)
    this.stack.hostGone(PEER)
    this.pump()
    this.wait(400_000)
    const { used, pools } = this.stack.memory
    if (used !== this.baseline) {
      const held = pools.filter(p => p.used > 0).map(p => `${p.name} ${p.used}`)
      throw new Error(
        `The arena is not at its baseline: ${used} bytes used, ${this.baseline} before: ${held.join(', ')}`,
      )
    }
  }

  private pump(): void {
    let questions = 0
    do {
      questions = 0
      this.stack.output(frame => {
        if (this.busy) return false
        const segment = readTcp(frame)
        if (segment !== undefined) this.hear(segment, frame[15] ?? 0)
        else if (isQuestionForPeer(frame)) questions++
        else this.others.push(frame.slice())
        return true
      })
      for (let i = 0; i < questions; i++) this.answerArp()
    } while (questions > 0)
    this.stack.events(() => {})
  }

  private hear(segment: Tcp, tos: number): void {
    this.hostPort = segment.from
    if ((segment.flags & 2) !== 0) this.hostIss = segment.seq
    this.heard.push({ at: this.now, segment, tos })
  }

  private answerArp(): void {
    const answer = {
      operation: 2,
      senderMac: PEER_MAC,
      senderIp: PEER_IP,
      targetMac: HOST_MAC,
      targetIp: HOST_IP,
    }
    this.stack.input(ethernet(HOST_MAC, PEER_MAC, 0x0806, arp(answer)), this.now)
  }

  private format(segment: Tcp): { head: string; ack: number | undefined; mss: number | undefined } {
    const from = (segment.seq - (this.hostIss ?? 0)) | 0
    const ack = (segment.flags & 16) === 0 ? undefined : (segment.ack - PEER_ISS) | 0
    const mss =
      segment.options[0] === 2 ? ((segment.options[2] ?? 0) << 8) | (segment.options[3] ?? 0) : undefined
    const flags = this.showEcn ? segment.flags : segment.flags & 0x3f
    return { head: `${flagNames(flags)} ${from}:${from + segment.data.length}`, ack, mss }
  }
}

/** A connection that the peer opened, accepted, its handshake behind it; the peer's window is `win`, its MSS `mss`. */
export function established(
  config: Partial<StackConfig> = {},
  win = 8192,
  mss = 1000,
  profile = createStack,
  options: readonly number[] = [],
): Dialogue {
  const d = new Dialogue(config, profile)
  const listener = d.listen()
  d.in(`SYN 0:0 win ${win}`, { options: [2, 4, mss >> 8, mss & 255, ...options] })
  d.out('SYN,ACK 0:0 ack 1')
  d.in(`ACK 1:1 ack 1 win ${win}`)
  d.accept(listener)
  d.stack.close(listener)
  return d.quiet()
}

/** The host asks who has the peer's address. */
function isQuestionForPeer(frame: Uint8Array): boolean {
  const question = readArp(frame)
  if (question === undefined || question.operation !== 1) return false
  return `${question.targetIp}` === `${PEER_IP}` && `${question.senderIp}` === `${HOST_IP}`
}

const flagNames = (flags: number): string =>
  ['SYN', 'FIN', 'RST', 'PSH', 'URG', 'ACK', 'ECE', 'CWR']
    .filter(name => (flags & (FLAG_BITS[name] ?? 0)) !== 0)
    .join(',')

function parse(line: string): Line {
  const match = /^([A-Z,]*) (-?\d+):(-?\d+)((?: \w+ -?\d+)*)$/.exec(line)
  if (match === null) throw new Error(`A segment is written like 'PSH,ACK 1:101 ack 1'; '${line}' is not.`)
  const [, flags = '', from = '', to = '', rest = ''] = match
  const named = new Map([...rest.matchAll(/ (\w+) (-?\d+)/g)].map(m => [m[1], Number(m[2])]))
  const bits = flags.split(',').reduce((sum, name) => {
    const bit = FLAG_BITS[name]
    if (bit === undefined && name !== '') throw new Error(`There is no flag ${name}.`)
    return sum | (bit ?? 0)
  }, 0)
  return {
    flags: bits,
    from: Number(from),
    to: Number(to),
    ack: named.get('ack'),
    win: named.get('win'),
    mss: named.get('mss'),
  }
}
