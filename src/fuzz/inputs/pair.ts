/**
 * Two hosts on a wire, settled, with a conversation of TCP between them, in copies of their arenas: one is tried, the other is
 * there so that it has somebody to talk with, and so that it shows whether the conversation goes on undisturbed.
 */
import { Dice } from '../../simulate/dice.ts'
import { createStack as client } from '../../stack/profiles/client.ts'
import { createStack as full } from '../../stack/profiles/full.ts'
import { createStack as minimal } from '../../stack/profiles/minimal.ts'
import { Protocol, type Socket, type Stack, type StackConfig } from '../../stack/stack.ts'
import { expectSound } from '../../stack/testing/invariants.ts'
import { trusted } from '../watch.ts'
import { step } from './input.ts'

export const PROFILES = { full, client, minimal }
export type Profile = keyof typeof PROFILES

export const OWN = 0x0a000001
export const PEER = 0x0a000002
const MEMORY = 65_536

const environment = (seed: number) => {
  const dice = new Dice(seed)
  return { random32: dice.word, secret: Uint8Array.from({ length: 16 }, () => dice.below(256)) }
}

interface Settled {
  readonly configs: readonly [StackConfig, StackConfig]
  readonly arenas: readonly [ArrayBuffer, ArrayBuffer]
  readonly now: number
  readonly talk: readonly [Socket, Socket]
}

const settled = new Map<Profile, Settled>()

export class Pair {
  readonly profile: Profile
  readonly stack: Stack
  readonly peer: Stack
  /** The two ends of a conversation that nobody else knows of. */
  readonly talk: readonly [Socket, Socket]
  now: number
  /** Sees each frame that the first host sends. */
  sees: (frame: Uint8Array) => void = () => {}
  readonly #before: ReadonlyMap<string, number>

  constructor(profile: Profile) {
    const known = settled.get(profile) ?? settle(profile)
    settled.set(profile, known)
    this.profile = profile
    this.talk = known.talk
    this.now = known.now
    const at = (i: 0 | 1) => ({ ...known.configs[i], memory: known.arenas[i].slice(0) })
    this.stack = PROFILES[profile](at(0), environment(1))
    this.peer = full(at(1), environment(2))
    this.#before = held(this.stack)
  }

  /** What both have to say passes, until neither has more; then time goes on to the next deadline, for so long. */
  pass(ms: number): void {
    const until = this.now + ms
    for (let turns = 0; turns < 20_000; turns++) {
      if (carry(this.stack, this.peer, this.now, this.sees)) continue
      if (carry(this.peer, this.stack, this.now)) continue
      const next = Math.min(this.stack.pollAt(), this.peer.pollAt())
      if (!(next <= until)) break
      this.now = Math.max(this.now, next)
      for (const stack of [this.stack, this.peer]) step(() => stack.poll(this.now))
    }
    this.now = until
    for (const stack of [this.stack, this.peer]) {
      step(() => stack.poll(until))
      stack.events(() => {})
    }
  }

  expectSound(): void {
    trusted(expectSound, [this.stack])
  }

  /** What keeps the conversation from going on, if anything does. */
  stalled(): string | undefined {
    const word = Uint8Array.from([1, 2, 3, this.now & 255])
    const into = new Uint8Array(16)
    for (const [from, to, end, other] of [
      [this.stack, this.peer, ...this.talk],
      [this.peer, this.stack, this.talk[1], this.talk[0]],
    ] as const) {
      const sent = from.send(end, word)
      if (sent !== word.length) return `the conversation beside it does not go on: send gives ${sent}`
      this.pass(2_000)
      const heard = to.recv(other, into)
      if (heard !== word.length || into[3] !== word[3])
        return `the conversation beside it does not go on: recv gives ${heard}`
    }
    return undefined
  }

  /** What is not given back after a quarter of an hour, but for what a host may remember of others, if anything. */
  leak(remembered: readonly string[]): string | undefined {
    this.pass(900_000)
    for (const [name, used] of held(this.stack)) {
      const had = this.#before.get(name) ?? 0
      if (used > had && !remembered.includes(name))
        return `${used} bytes of ${name} are not given back, there were ${had}`
    }
    return undefined
  }
}

/** Bytes by pool. */
const held = (stack: Stack): ReadonlyMap<string, number> =>
  new Map(stack.memory.pools.map(({ name, used }) => [name, used]))

/** False: there was nothing to say. */
function carry(from: Stack, to: Stack, now: number, sees: (frame: Uint8Array) => void = () => {}): boolean {
  const frames: Uint8Array[] = []
  step(() =>
    from.output((frame, link) => {
      if (link === 0) {
        sees(frame)
        frames.push(frame.slice())
      }
      return frames.length < 8
    }),
  )
  for (const frame of frames) step(() => to.input(frame, now))
  return frames.length > 0
}

function settle(profile: Profile): Settled {
  const config = (n: number): StackConfig => ({
    memory: MEMORY,
    mac: Uint8Array.of(2, 0, 0, 0, 0, n),
    address: `10.0.0.${n}/24`,
    name: n === 1 ? 'target' : 'peer',
    dns: ['10.0.0.2'],
    ...(n === 1 &&
      profile === 'full' && {
        largestFrame: 9_014,
        links: [{ mac: Uint8Array.of(2, 0, 0, 0, 1, 1), address: '10.1.0.1/24', mtu: 600 }],
      }),
  })
  const configs = [config(1), config(2)] as const
  const stack = PROFILES[profile](configs[0], environment(1))
  const peer = full(configs[1], environment(2))
  const pass = (from: number, ms: number) => {
    for (let now = from; now < from + ms; now += 25)
      for (let more = true; more; ) {
        stack.poll(now)
        peer.poll(now)
        const there = carry(stack, peer, now)
        more = carry(peer, stack, now) || there
      }
  }
  pass(0, 20_000)
  const listener = peer.socket(Protocol.Tcp) as Socket
  peer.bind(listener, 0, 7)
  peer.listen(listener, 4)
  const talk = stack.socket(Protocol.Tcp) as Socket
  stack.connect(talk, PEER, 7)
  pass(20_000, 2_000)
  const other = peer.accept(listener) as Socket
  if (other < 0) throw new Error('The two hosts do not talk.')
  stack.events(() => {})
  peer.events(() => {})
  const arenas = [stack.arena.slice(0), peer.arena.slice(0)] as const
  return { configs, arenas, now: 22_000, talk: [talk, other] }
}
