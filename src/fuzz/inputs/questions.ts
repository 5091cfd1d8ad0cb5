/**
 * A DHCP server, name servers and neighbours that answer what the host really asks: with its transaction id, to its port, and
 * with what they like inside. A piece is the answer to one question.
 *
 * Right is: nothing thrown; no address that nobody offered; a name's answer is one that was given; honest answers are used;
 * a sound arena, whose memory comes back.
 */
import { Dice } from '../../simulate/dice.ts'
import { NameType, Option, Protocol, type Socket, type Stack } from '../../stack/stack.ts'
import { expectSound } from '../../stack/testing/invariants.ts'
import { trusted } from '../watch.ts'
import { changed, noise, times, u16, u32 } from './bytes.ts'
import { hexOf, type Input, step } from './input.ts'
import { PROFILES } from './pair.ts'

const SERVER = 0x0a000002
const OFFERED = [0x0a000064, 0x0a000065] as const
const environment = (seed: number) => {
  const dice = new Dice(seed)
  return { random32: dice.word, secret: Uint8Array.from({ length: 16 }, () => dice.below(256)) }
}

const WAIT = () => false

/** The host, and whoever answers it, on a wire without delay. */
class Asked {
  now = 0
  readonly host: Stack
  readonly server: Stack

  constructor(address: string | undefined) {
    const mac = (n: number) => Uint8Array.of(2, 0, 0, 0, 0, n)
    const config = { memory: 65_536, mac: mac(1), name: 'target', dns: ['10.0.0.2'] }
    this.host = PROFILES.full({ ...config, ...(address !== undefined && { address }) }, environment(5))
    this.server = PROFILES.minimal({ memory: 65_536, mac: mac(2), address: '10.0.0.2/24' }, environment(6))
  }

  bound(protocol: Protocol, port: number): Socket {
    const socket = this.server.socket(protocol) as Socket
    this.server.bind(socket, 0, port)
    if (protocol === Protocol.Udp) this.server.setOption(socket, Option.Broadcast, 1)
    return socket
  }

  /** `ms` pass; `act` is called in each turn, and says when that is enough. */
  pass(ms: number, act: () => boolean): void {
    const until = this.now + ms
    for (let turns = 0; turns < 3_000; turns++) {
      let said = carry(this.host, this.server, this.now)
      said = carry(this.server, this.host, this.now) || said
      if (act() && !said) return
      if (said) continue
      const next = Math.min(this.host.pollAt(), this.server.pollAt())
      if (!(next <= until)) break
      this.now = Math.max(this.now + 1, next)
      for (const stack of [this.host, this.server]) step(() => stack.poll(this.now))
    }
    this.now = until
    for (const stack of [this.host, this.server]) step(() => stack.poll(until))
    for (const stack of [this.host, this.server]) stack.events(() => {})
  }

  expectSound(): void {
    trusted(expectSound, [this.host])
  }
}

function carry(from: Stack, to: Stack, now: number): boolean {
  const frames: Uint8Array[] = []
  step(() => from.output(frame => frames.push(frame.slice()) < 8))
  for (const frame of frames) step(() => to.input(frame, now))
  return frames.length > 0
}

// ---- DHCP ---------------------------------------------------------------------------------------------------------

interface Reply {
  /** 0: silence. */
  readonly type: number
  readonly address: number
  readonly options: readonly number[]
  /** Where the options' bytes were changed, or the whole cut. */
  readonly twist: number
  readonly honest: boolean
}

const ACK = 5
const lasting = (code: number, value: readonly number[]): number[] => [code, value.length, ...value]
const usual = (lease: number): number[] => [
  ...lasting(54, u32(SERVER, false)),
  ...lasting(51, u32(lease, false)),
  ...lasting(1, u32(0xffffff00, false)),
  ...lasting(3, u32(SERVER, false)),
]

function reply(dice: Dice): Reply {
  const lease = dice.one([60, 61, 600, 3_600])
  // Who acknowledges another address than was asked for is not honest.
  const address = OFFERED[0]
  if (dice.chance(0.45)) return { type: -1, address, options: [...usual(lease), 255], twist: 0, honest: true }
  const odd = [0, 1, 59, 0x7fffffff, 0xffffffff]
  const more = times(dice.below(6), () => {
    const code = dice.one([
      0,
      1,
      3,
      6,
      12,
      15,
      26,
      50,
      51,
      52,
      53,
      54,
      55,
      56,
      58,
      59,
      81,
      255,
      dice.below(256),
    ])
    const value = dice.one([
      u32(dice.one([...odd, SERVER, dice.word()]), false),
      noise(dice, dice.one([0, 1, 2, 8, 60])),
    ])
    return dice.below(6) === 0 ? [code, dice.below(256), ...value] : lasting(code, value)
  }).flat()
  const options = dice.chance(0.6) ? [...usual(dice.one([...odd, lease])), ...more] : more
  const ended = dice.below(5) === 0 ? options : [...options, 255]
  const bytes = dice.below(3) === 0 ? changed(dice, ended) : ended
  return {
    type: dice.one([-1, -1, -1, 0, 2, ACK, 6, dice.below(256)]),
    address: dice.one([...OFFERED, 0, 0xffffffff, 0x7f000001, 0xe0000001, SERVER, dice.word()]),
    options: bytes,
    twist: dice.below(4) === 0 ? dice.below(300) : 0,
    honest: false,
  }
}

export const dhcp: Input<Reply> = {
  name: 'dhcp-answers',
  round: 30,
  draw: dice => times(dice.between(1, 12), () => reply(dice)),
  show: replies =>
    replies
      .map(
        ({ type, address, options, twist }) =>
          `{ ${type} ${address.toString(16)} ${hexOf(options)} ${twist} }`,
      )
      .join(' '),

  fault(replies) {
    const link = new Asked('dhcp')
    const socket = link.bound(Protocol.Udp, 67)
    const into = new Uint8Array(1_500)
    const given = new Set<number>(OFFERED)
    for (const one of replies) {
      let answered = false
      const answer = () => {
        const length = link.server.recvFrom(socket, into, { address: 0, port: 0 })
        if (length < 240 || answered) return answered
        answered = true
        const made = dhcpReply(into.subarray(0, length), one)
        given.add(one.address)
        if (made !== undefined) link.server.sendTo(socket, Uint8Array.from(made), 0xffffffff, 68)
        return false
      }
      // Questions come at once, when a lease grows old, or after a refusal.
      for (let i = 0; i < 8 && !answered; i++) link.pass(i < 4 ? 2_000 : 600_000, answer)
      const { address } = link.host
      if (address !== 0 && !isHosts(address))
        return `the host has ${address.toString(16)}, which no host may have`
      if (address !== 0 && address >>> 16 !== 0xa9fe && !given.has(address))
        return `the host has ${address.toString(16)}, which nobody gave it`
    }
    link.expectSound()
    // Two honest answers in a row, to a question and to a request, make an address.
    const last = replies.slice(-2)
    if (replies.length < 6 && replies.every(({ honest }) => honest) && last.length === 2) {
      link.pass(10_000, WAIT)
      if (link.host.address !== OFFERED[0]) return 'honest answers give it no address'
    }
    step(() => link.host.leave())
    link.pass(2_000, WAIT)
    link.expectSound()
    return undefined
  },
}

/** RFC 1122, 3.2.1.3. */
const isHosts = (address: number): boolean => ![0, 127].includes(address >>> 24) && address >>> 28 < 14

/** To a DISCOVER an offer, to all else an ACK, unless it says otherwise. */
function dhcpReply(question: Uint8Array, { type, address, options, twist }: Reply): number[] | undefined {
  if (type === 0) return undefined
  const asked = [...question.subarray(240)]
  const isDiscover = asked[asked.indexOf(53) + 2] === 1
  const head = [
    2,
    1,
    6,
    0,
    ...question.subarray(4, 8),
    0,
    0,
    0,
    0,
    ...u32(0, false),
    ...u32(address, false),
    ...u32(SERVER, false),
    0,
    0,
    0,
    0,
  ]
  const kind = type === -1 ? (isDiscover ? 2 : ACK) : type
  const whole = [
    ...head,
    ...question.subarray(28, 44),
    ...times(192, () => 0),
    0x63,
    0x82,
    0x53,
    0x63,
    53,
    1,
    kind & 255,
    ...options,
  ]
  return twist === 0 ? whole : whole.slice(0, whole.length - (twist % 260))
}

// ---- DNS ----------------------------------------------------------------------------------------------------------

/** What stands behind the question of a DNS message, its header's flags and its counts. */
interface Answer {
  readonly flags: number
  readonly counts: readonly number[]
  readonly records: readonly number[]
  /** Over TCP: the length before it, and in how many pieces it comes. */
  readonly length: number
  readonly pieces: number
  readonly honest: boolean
}

const GIVEN = [0x0a000009, 0x0a00000a]
const label = (text: string): number[] => [text.length, ...[...text].map(letter => letter.charCodeAt(0))]
/** The question's name begins behind the header. */
const SAME = [0xc0, 12]

function dnsName(dice: Dice): number[] {
  return dice
    .one<readonly number[]>([
      SAME,
      SAME,
      [0],
      [...label('a'), ...label('example'), 0],
      [...label('b'), ...SAME],
      // Pointers to themselves, to each other, forward, into the header, beyond the end; lengths that are none.
      [0xc0, 12 + dice.below(60)],
      // Behind such a question the first record begins at 28, and its data at 40.
      [0xc0, 28],
      [0xc0, 40],
      [0xc0, dice.below(12)],
      [0xc0 + dice.below(64), dice.below(256)],
      [0x40 + dice.below(128), dice.below(256)],
      [...times(dice.between(1, 130), () => label('x')).flat(), 0],
      [
        ...label('x'.repeat(63)),
        ...label('y'.repeat(63)),
        ...label('z'.repeat(63)),
        ...label('w'.repeat(63)),
        0,
      ],
      [63],
    ])
    .slice()
}

function dnsRecord(dice: Dice): number[] {
  const type = dice.one([1, 1, 28, 5, 5, 12, 2, 6, 41, 47, 255, dice.below(0x10000)])
  const data = dice.one<readonly number[]>([
    u32(dice.one(GIVEN), false),
    dnsName(dice),
    noise(dice, dice.one([0, 3, 16, 60])),
  ])
  const said = dice.below(8) === 0 ? dice.below(0x10000) : data.length
  const ttl = u32(dice.one([0, 1, 60, 0x7fffffff, 0xffffffff]), false)
  return [
    ...dnsName(dice),
    ...u16(type, false),
    ...u16(dice.one([1, 1, 1, 0x8001, 255, 3]), false),
    ...ttl,
    ...u16(said, false),
    ...data,
  ]
}

const HONEST: Answer = {
  flags: 0x8180,
  counts: [1, 0, 0],
  records: [...SAME, 0, 1, 0, 1, ...u32(60, false), 0, 4, ...u32(GIVEN[0] ?? 0, false)],
  length: 0,
  pieces: 1,
  honest: true,
}

function dnsAnswer(dice: Dice): Answer {
  if (dice.chance(0.2)) return HONEST
  const records = times(dice.one([0, 1, 2, 3, 8, 30]), () => dnsRecord(dice))
  const count = () => (dice.below(8) === 0 ? dice.below(0x10000) : dice.below(records.length + 1))
  const bytes = records.flat()
  return {
    // The truncated bit asks for TCP.
    flags: dice.one([0x8180, 0x8180, 0x8400, 0x8380, 0x8183, 0x8182, 0x0100, dice.below(0x10000)]),
    counts: [
      dice.chance(0.7) ? records.length : count(),
      dice.below(5) === 0 ? count() : 0,
      dice.below(5) === 0 ? count() : 0,
    ],
    records: dice.below(4) === 0 ? changed(dice, bytes) : bytes,
    length: dice.below(6) === 0 ? dice.below(0x10000) : 0,
    pieces: dice.between(1, 4),
    honest: false,
  }
}

export const dns: Input<Answer> = {
  name: 'dns-answers',
  round: 60,
  draw: dice => times(dice.between(1, 8), () => dnsAnswer(dice)),
  show: answers =>
    answers
      .map(
        ({ flags, counts, records, length, pieces }) =>
          `{ ${flags.toString(16)} ${counts} ${hexOf(records)} ${length} ${pieces} }`,
      )
      .join(' '),

  fault(answers) {
    const link = new Asked('10.0.0.1/24')
    link.pass(5_000, WAIT)
    const before = link.host.memory.used
    const servers = new NameServers(link, answers)
    for (const [i, { honest }] of answers.entries()) {
      const local = i % 4 === 3
      const asked = link.host.resolve(
        local ? `p${i}.local` : `n${i}.example`,
        i % 3 === 1 ? NameType.Aaaa : NameType.A,
      ) as Socket
      if (asked < 0) return `resolve gives ${asked}`
      servers.next = i
      for (let turns = 0; turns < 30 && servers.next === i; turns++) link.pass(500, () => servers.act())
      link.pass(1_000, () => servers.act())
      const wrong = wrongResult(link.host, asked, honest && !local && i % 3 !== 1)
      if (wrong !== undefined) return wrong
      link.host.close(asked)
      link.host.events(() => {})
    }
    link.expectSound()
    link.pass(1_200_000, () => servers.act())
    link.expectSound()
    const left = link.host.memory.pools.filter(({ name, used }) => name === 'connections' && used > 0)
    return left.length === 0 || link.host.memory.used <= before
      ? undefined
      : `${link.host.memory.used} bytes are held, there were ${before}`
  },
}

function wrongResult(host: Stack, asked: Socket, mustBe: boolean): string | undefined {
  const into = new Uint8Array(4_000)
  const length = step(() => host.resolved(asked, into))
  if (mustBe)
    return length === 4 && new DataView(into.buffer).getUint32(0) === GIVEN[0]
      ? undefined
      : `an honest answer gives ${length}`
  return length <= 4_000 ? undefined : `resolved gives ${length}`
}

/** Name servers over UDP and TCP, and a neighbour that answers over multicast. */
class NameServers {
  /** Which answer is given next; it is given once over each way. */
  next = -1
  readonly #link: Asked
  readonly #answers: readonly Answer[]
  readonly #udp: Socket
  readonly #mdns: Socket
  readonly #listener: Socket
  readonly #streams: Socket[] = []
  readonly #into = new Uint8Array(1_500)
  #told = -1

  constructor(link: Asked, answers: readonly Answer[]) {
    this.#link = link
    this.#answers = answers
    this.#udp = link.bound(Protocol.Udp, 53)
    this.#mdns = link.bound(Protocol.Udp, 5353)
    this.#listener = link.bound(Protocol.Tcp, 53)
    link.server.listen(this.#listener, 4)
  }

  act(): boolean {
    const { server } = this.#link
    const from = { address: 0, port: 0 }
    const length = server.recvFrom(this.#udp, this.#into, from)
    if (length > 12)
      this.#say(
        answerTo(this.#into.subarray(0, length), this.#answers[this.next]),
        this.#udp,
        from.address,
        from.port,
      )
    this.#neighbour()
    const accepted = server.accept(this.#listener)
    if (accepted > 0) this.#streams.push(accepted as Socket)
    for (const each of this.#streams) {
      const read = server.recv(each, this.#into)
      if (read > 14) this.#stream(each, answerTo(this.#into.subarray(2, read), this.#answers[this.next]))
    }
    return false
  }

  #say(bytes: readonly number[], socket: Socket, address: number, port: number): void {
    this.#link.server.sendTo(socket, Uint8Array.from(bytes.slice(0, 1_400)), address, port)
    this.next++
  }

  /** RFC 6762, 6: answers to a question for p3.local, from the right port, and to all. */
  #neighbour(): void {
    const answer = this.#answers[this.next]
    if (answer === undefined || this.next % 4 !== 3 || this.#told === this.next) return
    this.#told = this.next
    const question = [...label(`p${this.next}`), ...label('local'), 0]
    const head = [0, 0, ...u16(0x8400, false), 0, 0, ...answer.counts.flatMap(count => u16(count, false))]
    // Behind the header stands the name, as the first record's own.
    const rest =
      answer.records.slice(0, 2).join() === SAME.join()
        ? [...question, ...answer.records.slice(2)]
        : answer.records
    const bytes = Uint8Array.from([...head, ...rest].slice(0, 1_400))
    this.#link.server.sendTo(this.#mdns, bytes, 0xe00000fb, 5353)
  }

  #stream(socket: Socket, bytes: readonly number[]): void {
    const { length = 0, pieces = 1 } = this.#answers[this.next] ?? {}
    const whole = [...u16(length === 0 ? bytes.length : length, false), ...bytes]
    const size = Math.ceil(whole.length / pieces)
    for (let at = 0; at < whole.length; at += size)
      this.#link.server.send(socket, Uint8Array.from(whole.slice(at, at + size)))
    if (pieces === 4) this.#link.server.close(socket)
  }
}

/** With the id and the question that it answers. */
function answerTo(question: Uint8Array, answer: Answer = HONEST): number[] {
  const end = [...question].indexOf(0, 12) + 5
  const counts = answer.counts.flatMap(count => u16(count, false))
  return [
    ...question.subarray(0, 2),
    ...u16(answer.flags, false),
    0,
    1,
    ...counts,
    ...question.subarray(12, end),
    ...answer.records,
  ]
}
