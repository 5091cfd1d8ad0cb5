/**
 * Frames in the midst of live conversations: two to four hosts of all profiles, in small arenas and large ones, speak with
 * each other over TCP, UDP, ICMP, by name, to a group, over IPv6 and through a router, and a saboteur puts his frames in
 * between theirs, in virtual time.
 *
 * - **Blind**: he knows addresses and ports, and not what is on the wire. He sends all but what by right disturbs (rights.ts).
 *   Every conversation must be complete, byte for byte.
 * - **Aimed**: he hears one conversation, and all its numbers. That one may be altered or broken; every other must be complete.
 * - **Everything**: he hears all, and says whatever he likes. Then no conversation needs to be complete.
 *
 * In all of them nothing is thrown, no access leaves its place (shadow.ts), the work for a frame is bounded, each arena is
 * sound (stack/testing/invariants.ts), and when the programs have gone, all memory comes back: nobody hangs beyond TCP's bounds.
 */
import { Dice } from '../simulate/dice.ts'
import { expectSound } from '../stack/testing/invariants.ts'
import { type Conversation, expectComplete, hexOf, Lease, Name, Questions, Stream } from './conversations.ts'
import { faultOf, type Run, type Sent, shrunk } from './failure.ts'
import { frame } from './grammar/ethernet.ts'
import { sequence } from './grammar/sequence.ts'
import type { Kept } from './kept.ts'
import { Knowledge, type Neighbour } from './knowledge.ts'
import { mended, mutated } from './mutate.ts'
import { Pen } from './pen.ts'
import type { Profile } from './profile.ts'
import { disturbsByRight, isBareSyn, saidBy } from './rights.ts'
import { Host, type HostPlan, type Programs, Segment } from './segment.ts'
import { Wrong } from './shadow.ts'
import { expectBooksRight, takeRare, takeTurns, trusted } from './watch.ts'

type Kind = 'blind' | 'aimed' | 'everything'

/** Hosts of a segment: profile and bytes of each; the third may be a router with one host behind it. */
const SEGMENTS: readonly {
  readonly hosts: readonly (readonly [Profile, number])[]
  readonly routes?: true
}[] = [
  {
    hosts: [
      ['full', 65_536],
      ['client', 65_536],
      ['minimal', 24_576],
    ],
  },
  {
    hosts: [
      ['full', 262_144],
      ['full', 32_768],
      ['client', 24_576],
    ],
  },
  {
    hosts: [
      ['client', 65_536],
      ['client', 24_576],
      ['minimal', 65_536],
    ],
  },
  {
    hosts: [
      ['minimal', 24_576],
      ['minimal', 65_536],
      ['full', 32_768],
    ],
  },
  {
    hosts: [
      ['full', 65_536],
      ['client', 262_144],
      ['full', 65_536],
      ['full', 65_536],
    ],
    routes: true,
  },
]
const BEGINS_AT = 20_000
const FRAMES_A_RUN = 120
/** What nobody disturbs is complete so long after the saboteur's last frame: SYNs that found a full backlog are sent again for minutes. */
const COMPLETE_WITHIN = 600_000
/** All is forgotten so long after the programs have gone: R2 of what is not acknowledged, then TIME-WAIT. */
const FORGETS_WITHIN = 2_400_000
const GROUP = 0xe0000007
const [POOL_FIRST, POOL_LAST] = [0x0a000064, 0x0a000078]
/** What a host remembers of others by their leave has its own bounds, and may outlive them. */
const REMEMBERED = [
  'neighbours',
  'destinations',
  'free',
  'routes',
  'ipv6',
  'names',
  'leases',
  'groups',
  'settings',
]

interface Settled {
  readonly number: number
  readonly plans: readonly HostPlan[]
  readonly arenas: readonly ArrayBuffer[]
  readonly programs: readonly (Programs | undefined)[]
  readonly now: number
  readonly neighbours: readonly Neighbour[]
  readonly addresses: ReadonlySet<string>
  /** Bytes by pool of each host. */
  readonly baseline: readonly ReadonlyMap<string, number>[]
}

const macOf = (index: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 0, index + 1)

function planOf(number: number, index: number): HostPlan {
  const { hosts, routes = false } = SEGMENTS[number] ?? SEGMENTS[0] ?? { hosts: [] }
  const [profile, memory] = hosts[index] ?? ['full', 65_536]
  const isRouter = routes && index === 2
  const isBehind = index === 3
  return {
    profile,
    memory,
    wires: isRouter ? [0, 1] : [isBehind ? 1 : 0],
    config: {
      mac: macOf(index),
      address: isBehind ? '10.1.0.2/24' : `10.0.0.${index + 1}/24`,
      ...(routes && !isRouter && { gateway: isBehind ? '10.1.0.1' : '10.0.0.3' }),
      ...(isRouter && {
        forward: true,
        links: [{ mac: Uint8Array.of(2, 0, 0, 0, 0, 0x13), address: '10.1.0.1/24' }],
      }),
      ...(profile !== 'minimal' && { name: `host-${index + 1}`, dns: ['10.0.0.2'] }),
      ...(profile === 'full' &&
        index === 0 && { dhcpServer: { first: '10.0.0.100', last: '10.0.0.120', lease: 600 } }),
    },
  }
}

function settle(number: number): Settled {
  const count = SEGMENTS[number]?.hosts.length ?? 0
  const plans = Array.from({ length: count }, (_, index) => planOf(number, index))
  const begin = new Segment(
    plans.map((plan, i) => new Host(plan, plan.memory, number * 10 + i + 1)),
    0,
  )
  begin.run(BEGINS_AT)
  for (const { serve } of begin.hosts.map(host => ({ serve: () => host.serve() }))) serve()
  begin.run(BEGINS_AT + 2_000)
  const hosts = begin.hosts.map(
    ({ stack, plan, programs }, i) => new Host(plan, stack.arena.slice(0), i + 1, programs),
  )
  const neighbours = hosts.map(({ address, address6 = new Uint8Array(16) }, i) => ({
    mac: macOf(i),
    address,
    address6,
  }))
  const all = hosts.flatMap(({ address, address6 = [], stack }) => [
    hexOf(address),
    hexOf(Uint8Array.from(address6)),
    ...stack.addresses.map(own => hexOf(own.address)),
  ])
  const pool = Array.from({ length: POOL_LAST - POOL_FIRST + 1 }, (_, i) => hexOf(POOL_FIRST + i))
  return {
    number,
    plans,
    arenas: hosts.map(({ stack }) => stack.arena),
    programs: hosts.map(({ programs }) => programs),
    now: begin.now,
    neighbours,
    addresses: new Set([...all, ...pool]),
    baseline: hosts.map(({ stack }) => held(stack)),
  }
}

const held = (stack: Host['stack']): ReadonlyMap<string, number> =>
  new Map(stack.memory.pools.map(({ name, used }) => [name, used]))

/** All runs of one worker among hosts that speak. */
export class Among {
  readonly #settled = new Map<number, Settled>()
  readonly #kept: Kept

  constructor(kept: Kept) {
    this.#kept = kept
  }

  run(seed: number): Run {
    const dice = new Dice(seed ^ 0x0a0b0c0d)
    const host = dice.below(SEGMENTS.length)
    const early = this.#unsettled(host)
    if (early !== undefined) {
      const failure = {
        what: early,
        form: 'blind',
        seed,
        host,
        profile: 'while they settled',
        frames: [],
      } as const
      return { frames: 0, live: 0, worst: { turns: 0, frame: '' }, failure }
    }
    const settled = this.#segment(host)
    const scene = new Scene(settled, seed, this.#kept)
    const what = faultOf(() => scene.fault())
    const { sent, worst } = scene
    if (what === undefined) return { frames: sent.length, live: sent.length, worst }
    const least = shrunk(sent, what, fewer => this.#replayed(settled, seed, fewer))
    return {
      frames: sent.length,
      live: sent.length,
      worst,
      failure: {
        what,
        form: scene.kind,
        seed,
        host: settled.number,
        profile: nameOf(settled),
        frames: least,
      },
    }
  }

  /** What is wrong when these frames are sent, at their times, into what the seed has the hosts say. */
  replay(seed: number, number: number, frames: readonly Sent[]): string | undefined {
    return this.#unsettled(number) ?? this.#replayed(this.#segment(number), seed, frames)
  }

  /** What is wrong before the saboteur has come. RangeError: there is no such segment. */
  #unsettled(number: number): string | undefined {
    if (number >= SEGMENTS.length) throw new RangeError(`there is no segment ${number}`)
    return faultOf(() => void this.#segment(number))
  }

  #replayed(settled: Settled, seed: number, frames: readonly Sent[]): string | undefined {
    return faultOf(() => new Scene(settled, seed, this.#kept, frames).fault())
  }

  #segment(number: number): Settled {
    const settled = this.#settled.get(number) ?? settle(number)
    this.#settled.set(number, settled)
    return settled
  }
}

const nameOf = ({ plans }: Settled): string => plans.map(({ profile }) => profile).join(' ')

/** One run: who speaks, and who disturbs. */
class Scene {
  readonly kind: Kind
  readonly sent: Sent[] = []
  worst = { turns: 0, frame: '' }
  wakeAt: number
  readonly #settled: Settled
  readonly #kept: Kept
  readonly #segment: Segment
  readonly #dice: Dice
  readonly #pen: Pen
  readonly #seed: number
  readonly #known: Knowledge
  readonly #aim: Conversation | undefined
  /** What is to be sent again, in the place of what the dice say. */
  readonly #given: Sent[] | undefined
  #left: number

  constructor(settled: Settled, seed: number, kept: Kept, given?: readonly Sent[]) {
    this.#kept = kept
    this.#settled = settled
    this.#seed = seed
    // Two sources, so that what the hosts say is the same whatever the saboteur sends.
    const talk = new Dice(seed ^ 0x7a1c)
    this.#dice = new Dice(seed ^ 0x5ab0)
    this.#pen = new Pen(this.#dice)
    this.kind = talk.one<Kind>(['blind', 'blind', 'aimed', 'aimed', 'everything'])
    const hosts = settled.plans.map(
      (plan, i) => new Host(plan, settled.arenas[i]?.slice(0) ?? plan.memory, seed + i, settled.programs[i]),
    )
    this.#segment = new Segment(hosts, settled.now)
    this.#segment.conversations = conversations(talk, hosts, settled, seed)
    this.#known = new Knowledge(settled.neighbours, this.kind !== 'blind')
    this.#aim = this.kind === 'aimed' ? talk.one(this.#segment.conversations) : undefined
    this.#segment.heard = bytes => this.#hear(bytes)
    this.#left = talk.between(FRAMES_A_RUN / 3, FRAMES_A_RUN)
    this.#given = given === undefined ? undefined : [...given]
    this.wakeAt =
      given === undefined ? settled.now + talk.below(50) : (given[0]?.at ?? Number.POSITIVE_INFINITY)
  }

  #hear(bytes: Uint8Array): void {
    if (this.kind === 'everything' || this.#aim?.concerns(saidBy(bytes))) this.#known.hear(bytes)
  }

  /** Undefined when all went well; throws what did not. */
  fault(): undefined {
    const segment = this.#segment
    const over = () =>
      segment.conversations.every(({ ended }) => ended !== undefined) &&
      this.wakeAt === Number.POSITIVE_INFINITY
    segment.run(segment.now + COMPLETE_WITHIN, over, this)
    for (const conversation of segment.conversations)
      if (this.kind !== 'everything' && conversation !== this.#aim) expectComplete(conversation)
    for (const { stack } of segment.hosts) this.#expectSound(stack)
    if (this.#seed % 6 === 0) this.#expectAllBack()
  }

  /** The saboteur's turn: one frame, or a few at one moment. */
  act(): void {
    const dice = this.#dice
    if (this.#given !== undefined) {
      const next = this.#given.shift()
      if (next !== undefined) this.#send(next.bytes)
      this.wakeAt = this.#given[0]?.at ?? Number.POSITIVE_INFINITY
      return
    }
    for (const conversation of this.#segment.conversations)
      if (conversation instanceof Stream && conversation.flow.fromPort !== 0 && !this.#known.informed)
        this.#known.tell(conversation.flow)
    if (dice.below(40) === 0)
      for (const bytes of sequence(this.#pen, this.#known)) {
        this.#left--
        if (this.#may(bytes)) this.#send(bytes)
      }
    for (let n = dice.below(12) === 0 ? dice.between(2, 20) : 1; n > 0 && this.#left > 0; n--) {
      this.#left--
      const bytes = this.#written()
      if (bytes !== undefined) this.#send(bytes)
    }
    const gap = dice.one([0, 0, 1, 1, 2, 3, 5, 10, 30, 100])
    this.wakeAt = this.#left > 0 ? this.#segment.now + gap + dice.below(10) / 10 : Number.POSITIVE_INFINITY
  }

  /** A frame that this saboteur may send; undefined when he cannot think of one. */
  #written(): Uint8Array | undefined {
    const dice = this.#dice
    for (let n = 0; n < 8; n++) {
      const draw = this.#drawn()
      const bytes = draw === undefined ? frame(this.#pen, this.#known) : mutated(dice, draw)
      const whole = draw !== undefined && dice.chance(0.7) ? mended(bytes) : bytes
      if (this.#may(whole)) return whole
    }
    return undefined
  }

  /** What frames are changed: those that were heard, those that were worth keeping; the blind may change only what he wrote. */
  #drawn(): (() => Uint8Array) | undefined {
    const dice = this.#dice
    const { frames } = this.#known
    if (dice.chance(0.7)) return undefined
    if (this.kind === 'everything' && !this.#kept.isEmpty && dice.chance(0.5))
      return () => this.#kept.pick(dice)
    return frames.length > 0 ? () => dice.one(frames) : () => frame(this.#pen, this.#known)
  }

  #may(bytes: Uint8Array): boolean {
    if (this.kind === 'everything') return true
    const said = saidBy(bytes)
    if (this.#aim?.concerns(said)) return true
    const isOpened = (each: Conversation) => each instanceof Stream && each.isOpening && each.concerns(said)
    if (isBareSyn(bytes) && this.#segment.conversations.some(isOpened)) return false
    return !disturbsByRight(bytes, this.#settled.addresses)
  }

  #send(bytes: Uint8Array): void {
    const segment = this.#segment
    this.sent.push({ at: segment.now, bytes })
    const to = [...segment.reached(bytes, 0)]
    for (const [host, link] of to.length > 0
      ? to
      : segment.hosts.slice(0, 1).map(host => [host, 0] as const)) {
      takeTurns()
      takeRare()
      host.stack.input(bytes, segment.now, link)
      segment.sendSome(host)
      const turns = takeTurns()
      this.#kept.note(bytes, takeRare())
      segment.attend(host)
      if (turns > this.worst.turns) this.worst = { turns, frame: Buffer.from(bytes).toString('hex') }
    }
  }

  #expectSound(stack: Host['stack']): void {
    trusted(expectSound, [stack])
    expectBooksRight(stack.arena)
  }

  /** Programs go, time passes, and what they held is given back. */
  #expectAllBack(): void {
    const segment = this.#segment
    for (const conversation of segment.conversations) conversation.close()
    segment.conversations = []
    for (const host of segment.hosts) {
      segment.attend(host)
      for (const socket of host.strangers) host.stack.close(socket)
      segment.attend(host)
    }
    segment.run(segment.now + FORGETS_WITHIN)
    this.#settled.plans.forEach((_, i) => {
      const host = segment.hosts[i]
      if (host === undefined) return
      this.#expectSound(host.stack)
      for (const [name, used] of held(host.stack)) {
        const had = this.#settled.baseline[i]?.get(name) ?? 0
        if (used > had && !REMEMBERED.includes(name))
          throw new Wrong(`host ${i}: ${used} bytes of ${name} are not given back, there were ${had}`)
      }
    })
  }
}

/** Three to six conversations between these hosts. */
function conversations(dice: Dice, hosts: Host[], { number, now }: Settled, seed: number): Conversation[] {
  const found: Conversation[] = []
  const onSegment = hosts.slice(0, 3)
  for (let n = dice.between(3, 6); n > 0; n--) {
    const id = (seed & 0xffff) * 8 + n
    const one = dice.one(hosts)
    const other = dice.one((one === hosts[3] ? onSegment : hosts).filter(host => host !== one))
    const beginsAt = now + dice.one([0, 1, 20, 100, 600])
    const ipv6 = dice.chance(0.4) && one !== hosts[3] && other !== hosts[3]
    const [asks, answers] = [one as Host, other as Host]
    const kind = dice.below(10)
    if (kind < 6)
      found.push(
        new Stream(
          asks,
          answers,
          streamPlan(dice, id, ipv6, beginsAt, Math.min(asks.plan.memory, answers.plan.memory)),
        ),
      )
    else if (kind === 6) {
      const group =
        asks !== hosts[3] && answers !== hosts[3] && answers.plan.profile !== 'minimal' && dice.chance(0.4)
      const bytes = dice.one([1, 100, 1_472, group ? 500 : 1_900])
      found.push(
        new Questions(asks, answers, {
          id,
          kind: 'udp',
          ipv6,
          to: group ? GROUP : undefined,
          bytes,
          count: dice.between(1, 10),
          beginsAt,
        }),
      )
    } else if (kind === 7 && asks.plan.profile === 'full')
      found.push(
        new Questions(asks, answers, {
          id,
          kind: 'ping',
          ipv6,
          bytes: dice.one([1, 56, 1_400, 3_000]),
          count: dice.between(1, 10),
          beginsAt,
        }),
      )
    else if (kind === 8 && asks.plan.profile !== 'minimal' && asks !== hosts[1] && asks !== hosts[3])
      found.push(new Name(asks, `n${id}.example`, undefined, beginsAt))
    else if (
      kind === 9 &&
      asks.plan.profile !== 'minimal' &&
      answers.plan.profile !== 'minimal' &&
      asks !== hosts[3] &&
      answers !== hosts[3]
    )
      found.push(new Name(asks, `host-${hosts.indexOf(answers) + 1}.local`, answers.address, beginsAt))
  }
  const serves = number === 0 || number === 1 || number === 4
  if (serves && dice.chance(0.2)) found.push(newcomer(dice, hosts, now, seed))
  if (found.length === 0 && hosts[0] !== undefined && hosts[1] !== undefined)
    found.push(new Stream(hosts[0], hosts[1], streamPlan(dice, 1, false, now, 0)))
  return found
}

/** What is said on all streams at once has to find room in the smallest of the arenas, beside what the saboteur brings. */
function streamPlan(dice: Dice, id: number, ipv6: boolean, beginsAt: number, memory: number) {
  const bytes = () => dice.one(memory < 60_000 ? [0, 1, 500, 1_460] : [0, 1, 500, 5_000, 20_000])
  return {
    id,
    ipv6,
    beginsAt,
    there: bytes(),
    back: bytes(),
    piece: dice.one([100, 1_000, 1_460, 4_000]),
    pause: dice.one([0, 5, 30, 100]),
    last: dice.one(['client', 'server', 'nobody', 'at once'] as const),
  }
}

/** A host that begins now, and asks for an address. */
function newcomer(dice: Dice, hosts: Host[], now: number, seed: number): Conversation {
  const profile = dice.one<Profile>(['full', 'client'])
  const config = { mac: Uint8Array.of(2, 0, 0, 0, 0, 0x20), address: 'dhcp', name: 'newcomer' }
  const host = new Host({ profile, memory: 32_768, wires: [0], config }, 32_768, seed)
  host.stack.poll(now)
  hosts.push(host)
  return new Lease(host.stack, POOL_FIRST, POOL_LAST, now)
}
