/**
 * Frames at one host that has everything open: listeners, connections, groups, a capture, questions on their way. Runs of
 * frames from a seed, each at the host as it was; then time passes, and all must be given back.
 *
 * What is true of every frame: nothing is thrown, no access leaves its record (shadow.ts), the work is bounded, and nothing that
 * lies behind the frame, or in memory that nobody holds, changes what the host does: each run is done twice, with other
 * rubbish there.
 */
import { Dice } from '../simulate/dice.ts'
import { Arena, PAGE, PAGE_FRAME } from '../stack/memory/arena.ts'
import { FREE_HEAD, INPUT_PAGE } from '../stack/memory/layout.ts'
import { NameType, Option, Protocol, type Socket, type Stack, type StackConfig } from '../stack/stack.ts'
import { expectSound } from '../stack/testing/invariants.ts'
import { faultOf, type Run, type Sent, shrunk } from './failure.ts'
import { frame } from './grammar/ethernet.ts'
import { routerAdvertisement, sequence } from './grammar/sequence.ts'
import type { Kept } from './kept.ts'
import { HOSTS, Knowledge } from './knowledge.ts'
import { mended, mutated } from './mutate.ts'
import { Pen } from './pen.ts'
import { environment, PROFILES, type Profile } from './profile.ts'
import { LINK_TAKES } from './segment.ts'
import { Wrong } from './shadow.ts'
import { expectBooksRight, takeRare, takeTurns, trusted } from './watch.ts'

const NAMES: readonly Profile[] = ['full', 'full', 'client', 'minimal']
const FRAMES_A_RUN = 60
/** What a host remembers of others by their leave has its own bounds, and may outlive the run. */
const REMEMBERED = ['neighbours', 'destinations', 'free', 'routes', 'IPv6', 'names', 'leases', 'groups']

/** So many hosts have settled; those behind them have only begun, and still ask whether somebody has their addresses. */
const OLD_HOSTS = 8
const PLACES = 11
const NEW_SINCE = 700
const isNew = (number: number): boolean => number >= OLD_HOSTS

/** A host that has settled, in a copy of its arena, and what was heard of it. */
interface Settled {
  readonly number: number
  readonly profile: Profile
  readonly config: StackConfig
  readonly arena: ArrayBuffer
  readonly now: number
  readonly known: Knowledge
  readonly sockets: readonly Socket[]
}

function settle(number: number): Settled {
  const profile = NAMES[number % 4] ?? 'full'
  const memory = number % 3 === 0 ? 24_576 : 131_072
  const service = number % 4 === 0 ? 'server' : 'client'
  const seed = number + 1
  const mac = (n: number) => Uint8Array.from(HOSTS[n]?.mac ?? [])
  const config: StackConfig = {
    memory,
    mac: mac(0),
    address: service === 'client' && profile !== 'minimal' && seed % 3 === 0 ? 'dhcp' : '10.0.0.1/24',
    gateway: '10.0.0.3',
    name: 'target',
    dns: ['10.0.0.2'],
    ...(profile === 'full' && {
      forward: service === 'server',
      largestFrame: 9_014,
      links: [{ mac: Uint8Array.of(2, 0, 0, 0, 1, 1), address: '10.1.0.1/24', mtu: 600 }],
      ...(service === 'server' && { dhcpServer: { first: '10.0.0.100', last: '10.0.0.120', lease: 60 } }),
    }),
  }
  const stack = PROFILES[profile](config, environment(seed))
  const peer = PROFILES.full(
    { memory: 262_144, mac: mac(1), address: '10.0.0.2/24', name: 'peer' },
    environment(seed + 1),
  )
  const heard: Uint8Array[] = []
  let now = 0
  const pass = (ms: number) => {
    for (const until = now + ms; now < until; now += 25) {
      for (const [one, other] of [
        [stack, peer],
        [peer, stack],
      ] as const) {
        takeTurns()
        one.poll(now)
        one.output(bytes => {
          heard.push(bytes.slice())
          under.push([other, bytes.slice()])
          return true
        })
      }
      for (const [to, bytes] of under.splice(0)) to.input(bytes, now)
    }
  }
  const under: [Stack, Uint8Array][] = []
  pass(isNew(number) ? NEW_SINCE : 12_000)
  const hosts = HOSTS.map((host, i) => ({ ...host, address6: linkLocal([stack, peer][i]) ?? host.address6 }))
  if (service === 'server') stack.input(routerAdvertisement(new Pen(new Dice(seed))), now)
  if (!isNew(number)) pass(2_000)
  const { sockets, connections } = open(stack, peer)
  pass(300)
  // The server's address is known by now, else the questions would wait for it behind the SYNs.
  sockets.push(...ask(stack))
  pass(300)
  // Text that the peer will never have heard of: it is in flight, and whoever acknowledges it is believed.
  for (const connection of connections) stack.send(connection, new Uint8Array(12_000))
  stack.output(bytes => {
    heard.push(bytes.slice())
    return true
  })
  const known = new Knowledge(hosts, true, hosts.slice(0, 1))
  for (const bytes of heard) known.hear(bytes)
  return { number, profile, config, arena: stack.arena.slice(0), now, known, sockets }
}

const linkLocal = (stack: Stack | undefined): Uint8Array | undefined => stack?.ipv6?.addresses[0]?.address

/** A program of BPF (LPF_FILTER) that uses nearly all of its words, and wants most packets. */
const FILTER = [
  [0x80, 0, 0, 0], // ld len
  [0x07, 0, 0, 0], // tax
  [0x30, 0, 0, 0], // ldb [0]
  [0x02, 0, 0, 3], // st M[3]
  [0xb1, 0, 0, 0], // ldxb 4*([0]&0xf)
  [0x48, 0, 0, 0], // ldh [x + 0]
  [0x0c, 0, 0, 0], // add x
  [0x14, 0, 0, 7], // sub #7
  [0x2c, 0, 0, 0], // mul x
  [0x3c, 0, 0, 0], // div x
  [0x54, 0, 0, 0xffff], // and
  [0x64, 0, 0, 2], // lsh
  [0x74, 0, 0, 1], // rsh
  [0x94, 0, 0, 1_000], // mod
  [0x84, 0, 0, 0], // neg
  [0x45, 0, 1, 1], // jset #1
  [0x44, 0, 0, 8], // or
  [0x61, 0, 0, 3], // ldx M[3]
  [0x2d, 1, 0, 0], // jgt x
  [0x35, 0, 1, 5], // jge #5
  [0x05, 0, 0, 0], // ja
  [0x50, 0, 0, 1], // ldb [x + 1]
  [0x15, 0, 1, 17], // jeq #17
  [0x06, 0, 0, 20], // ret #20
  [0x20, 0, 0, 2], // ld [2]
  [0x87, 0, 0, 0], // txa
  [0x16, 0, 0, 0], // ret a
] as const

/** Opens what there is to open; returns all sockets, and those that are connected to the peer. */
function open(stack: Stack, peer: Stack): { sockets: Socket[]; connections: Socket[] } {
  const sockets: Socket[] = []
  const connections: Socket[] = []
  const make = (protocol: Protocol, number?: number) => {
    const made = stack.socket(protocol, number)
    if (made > 0) sockets.push(made as Socket)
    return made as Socket
  }
  const listener = make(Protocol.Tcp)
  stack.bind(listener, 0, 7)
  stack.listen(listener, 4)
  stack.setOption(listener, Option.FastOpen, 2)
  for (const port of [9, 10]) {
    const far = peer.socket(Protocol.Tcp) as Socket
    peer.bind(far, 0, port)
    peer.listen(far, 2)
    const near = make(Protocol.Tcp)
    stack.connect(near, (port === 10 && linkLocal(stack) && linkLocal(peer)) || 0x0a000002, port)
    connections.push(near)
    stack.send(near, new Uint8Array(3_000).fill(port))
  }
  // A server for names that never answers: who does is the saboteur.
  peer.bind(peer.socket(Protocol.Udp) as Socket, 0, 53)
  const udp = make(Protocol.Udp)
  stack.bind(udp, 0, 9)
  stack.joinGroup(udp, 0xe0000007)
  stack.attachFilter(udp, FILTER)
  make(Protocol.Icmp)
  make(Protocol.Icmp6)
  make(Protocol.Raw, 99)
  make(Protocol.Raw, 1)
  stack.setOption(connections[0] ?? listener, Option.UserTimeout, 30_000)
  stack.setOption(connections[0] ?? listener, Option.KeepAlive, 1)
  make(Protocol.Packet, 0)
  const netlink = make(Protocol.Netlink)
  stack.bind(netlink, 0x555, 0)
  return { sockets, connections }
}

/** Questions for names, of the server and of the link. */
function ask(stack: Stack): Socket[] {
  const sockets: Socket[] = []
  for (const [name, type] of [
    ['a.example', NameType.A],
    ['x.local', NameType.A],
    ['b.example', NameType.Aaaa],
    ['10.0.0.9', NameType.Ptr],
  ] as const) {
    const made = stack.resolve(name, type)
    if (made > 0) sockets.push(made as Socket)
  }
  return sockets
}

/** What lies behind a frame, one time and the other: read as options, one ends the list, one is no option, one has no length. */
const RUBBISH = [
  [0x5a, 0x01],
  [0x00, 0x01],
  [0xc3, 0x00],
] as const

/** All runs of one worker at settled hosts. */
export class Alone {
  readonly #settled = new Map<number, Settled>()
  readonly #kept: Kept
  #worst = { turns: 0, frame: '' }
  #frames = 0

  constructor(kept: Kept) {
    this.#kept = kept
  }

  run(seed: number): Run {
    const dice = new Dice(seed)
    const host = dice.below(PLACES)
    this.#frames = 0
    this.#worst = { turns: 0, frame: '' }
    const early = this.#unsettled(host)
    if (early !== undefined) {
      const failure = {
        what: early,
        form: 'alone',
        seed,
        host,
        profile: 'while it settled',
        frames: [],
      } as const
      return { frames: 0, live: 0, worst: this.#worst, failure }
    }
    const settled = this.#host(host)
    const frames = this.#written(dice, settled)
    const what = this.#fault(settled, frames, seed)
    const done = { frames: this.#frames, live: 0, worst: this.#worst }
    if (what === undefined) return done
    const least = shrunk(frames, what, fewer => this.#fault(settled, fewer, seed))
    return { ...done, failure: { what, form: 'alone', seed, host, profile: settled.profile, frames: least } }
  }

  /** What is wrong when these frames come, at the times that the seed says. */
  replay(seed: number, host: number, frames: readonly Sent[]): string | undefined {
    return this.#unsettled(host) ?? this.#fault(this.#host(host), frames, seed)
  }

  /** What is wrong before any frame of the saboteur's has come. RangeError: there is no such host. */
  #unsettled(host: number): string | undefined {
    if (host >= PLACES) throw new RangeError(`there is no host ${host}`)
    return faultOf(() => void this.#host(host))
  }

  #host(number: number): Settled {
    const settled = this.#settled.get(number) ?? settle(number)
    this.#settled.set(number, settled)
    return settled
  }

  #written(dice: Dice, { known }: Settled): Sent[] {
    const pen = new Pen(dice)
    const written: Uint8Array[] = []
    for (const count = dice.between(1, FRAMES_A_RUN); written.length < count; )
      if (dice.below(30) === 0) written.push(...sequence(pen, known))
      else if (dice.chance(0.7)) written.push(frame(pen, known))
      else {
        const kept = !this.#kept.isEmpty && dice.chance(0.6)
        const changed = mutated(dice, () => (kept ? this.#kept.pick(dice) : dice.one(known.frames)))
        written.push(dice.chance(0.7) ? mended(changed) : changed)
      }
    return written.map(bytes => ({ at: 0, bytes }))
  }

  /** What is wrong with what the host does with these frames, in a sentence. */
  #fault(settled: Settled, frames: readonly Sent[], seed: number): string | undefined {
    return faultOf(() => {
      const [one, other] = RUBBISH[(seed >>> 2) % RUBBISH.length] ?? [0, 1]
      const first = this.#play(settled, frames, seed, one)
      if (seed % 4 !== 1) return undefined
      const second = this.#play(settled, frames, seed, other)
      return first === second
        ? undefined
        : `what lies behind a frame matters: ${firstDifference(first, second)}`
    })
  }

  /** What the host answered, and its reasons, as text. */
  #play(settled: Settled, frames: readonly Sent[], seed: number, rubbish: number): string {
    const arena = settled.arena.slice(0)
    const stack = PROFILES[settled.profile]({ ...settled.config, memory: arena }, environment(seed))
    const m = new Arena(arena)
    const before = held(stack)
    const told: string[] = []
    const dice = new Dice(seed ^ 0x1234)
    let now = settled.now
    const into = new Uint8Array(2_000)
    for (const { bytes } of frames) {
      now += dice.one([0, 0, 1, 5, 40, 300, 3_000])
      trusted(litter, [m, bytes.length, rubbish])
      takeTurns()
      stack.poll(now)
      takeTurns()
      const drop = stack.input(bytes, now, dice.below(8) === 0 && settled.profile === 'full' ? 1 : 0)
      told.push(`drop ${drop}`)
      let left = LINK_TAKES
      stack.output((out, link) => {
        if (left-- <= 0) return false
        told.push(`${link} ${Buffer.from(out).toString('hex')}`)
        return true
      })
      stack.events(() => {})
      this.#note(takeTurns(), bytes)
      if (dice.below(10) === 0)
        for (const socket of settled.sockets) stack.recvFrom(socket, into, { address: 0, port: 0 })
    }
    trusted(expectSound, [stack])
    expectBooksRight(stack.arena)
    // Who has only begun has more to come by himself.
    if (seed % 8 === 1 && !isNew(settled.number)) this.#expectNoLeak(stack, settled, now, before)
    return told.join('\n')
  }

  #note(turns: number, bytes: Uint8Array): void {
    this.#frames++
    if (turns > this.#worst.turns) this.#worst = { turns, frame: Buffer.from(bytes).toString('hex') }
    this.#kept.note(bytes, takeRare())
  }

  /** Everybody goes, and time passes: what the frames brought is forgotten. */
  #expectNoLeak(stack: Stack, { sockets }: Settled, from: number, before: ReadonlyMap<string, number>): void {
    for (const socket of sockets) {
      for (let made = stack.accept(socket); made > 0; made = stack.accept(socket)) stack.abort(made as Socket)
      stack.abort(socket)
      stack.close(socket)
    }
    let now = from
    for (let i = 0; i < 1_500; i++) {
      now += 500
      takeTurns()
      stack.poll(now)
      stack.output(() => true)
      stack.events(() => {})
    }
    trusted(expectSound, [stack])
    for (const [name, used] of held(stack)) {
      const had = before.get(name) ?? 0
      if (used > had && !REMEMBERED.includes(name))
        throw new Wrong(`${used} bytes of ${name} are not given back, there were ${had}`)
    }
  }
}

const held = (stack: Stack): ReadonlyMap<string, number> =>
  new Map(stack.memory.pools.map(({ name, used }) => [name, used]))

/** Rubbish behind where the next frame will end, and in each free page behind its link. */
function litter(m: Arena, length: number, rubbish: number): void {
  const input = m.get32(INPUT_PAGE)
  if (PAGE_FRAME + length < PAGE) m.bytes.fill(rubbish, input + PAGE_FRAME + length, input + PAGE)
  let page = m.get32(FREE_HEAD)
  for (let n = 0; page !== 0 && n < 6; n++) {
    m.bytes.fill(rubbish, page + 24, page + PAGE)
    page = m.get32(page)
  }
}

function firstDifference(a: string, b: string): string {
  const [left, right] = [a.split('\n'), b.split('\n')]
  const at = left.findIndex((line, i) => line !== right[i])
  return `line ${at}: ${left[at] ?? '(none)'} or ${right[at] ?? '(none)'}`
}
