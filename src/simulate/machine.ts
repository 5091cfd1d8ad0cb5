/**
 * A machine: a stack, its clock, its power, and the programs that run on it. Its memory may refuse, its arena may move to
 * another stack in the midst of all, and when its power goes, everything goes.
 */
import { ENOBUFS } from '../stack/errno.ts'
import { createStack as client } from '../stack/profiles/client.ts'
import { createStack as full } from '../stack/profiles/full.ts'
import { createStack as minimal } from '../stack/profiles/minimal.ts'
import { type Ipv4, type Ipv6, Option, type Socket, type Stack, type StackConfig } from '../stack/stack.ts'
import type { Edges } from '../stack/testing/invariants.ts'
import { environment } from '../stack/testing/simulation.ts'
import { Dice } from './dice.ts'
import { errandAddress } from './errand.ts'
import type { HostPlan } from './plan.ts'
import type { Recorder } from './recorder.ts'
import { addressOn, configOf, gatewayOf, type Land, waysOf, wiresOf } from './settlement.ts'

const PROFILES = { full, client, minimal }

const KEEP_ALIVE = [
  [Option.KeepIdle, 60],
  [Option.KeepInterval, 10],
  [Option.KeepCount, 6],
  [Option.KeepAlive, 1],
] as const

/** A program has one or more sockets, hears of what happens on them, and is woken when it asked to be. */
export interface Program {
  /** When it is to be stepped although nothing happened; Infinity: never. World time. */
  readonly wakeAt: number
  owns(socket: Socket): boolean
  /** `bits` of `Event`, 0 when it was only woken. */
  step(now: number, socket: Socket | 0, bits: number): void
  /** Undefined while it runs. */
  readonly ended: string | undefined
  /** The machine lost its power: the program is no more. */
  lost(): void
}

declare global {
  /** Whether an allocation in this arena is to fail; the bundle calls it at each (bundle.js). */
  var refusesAllocation: ((arena: ArrayBuffer) => boolean) | undefined
}

export class Machine {
  readonly index: number
  readonly plan: HostPlan
  /** Its links go to these, in their order. */
  readonly wires: readonly number[]
  stack: Stack
  programs: Program[] = []
  /** World time at which it runs again; 0: it runs. */
  sleepsUntil = 0
  /** Bytes that it held when it had just begun, by pool. */
  baseline: ReadonlyMap<string, number> = new Map()
  #clock: number
  #linkFreeAt = 0
  #refuseEvery = 0
  #asked = 0
  readonly #land: Land
  readonly #recorder: Recorder | undefined
  /** What the last look at it has seen of windows. */
  readonly edges: Edges = new Map()
  /** When its address became another, world time. */
  readonly moves: number[] = []
  #address: Ipv4 = 0
  #life = 0

  constructor(land: Land, index: number, recorder?: Recorder) {
    this.plan = land.hosts[index] as HostPlan
    this.index = index
    this.wires = wiresOf(this.plan)
    this.#land = land
    this.#recorder = recorder
    this.#clock = this.plan.skew
    this.stack = this.#begin(this.plan.memory, 0)
  }

  #begin(memory: number | ArrayBuffer, now: number): Stack {
    const seed = new Dice(this.#land.seed * 31 + this.index * 7 + this.#life++).word() >>> 1
    const { profile, sysctls = {} } = this.plan
    const config: StackConfig = { memory, ...configOf(this.#land, this.index) }
    const bare = PROFILES[profile](config, environment(seed))
    const stack =
      this.#recorder?.begin(bare, { plan: this.plan, config, seed, at: this.clockAt(now) }) ?? bare
    if (typeof memory !== 'number') return stack
    for (const [name, value] of Object.entries(sysctls)) stack.setSysctl(name, value)
    for (const { wire, gateway, link } of waysOf(this.#land, this.index))
      stack.addRoute({
        destination: addressOn(wire, 0) & 0xffffff00,
        prefixLength: 24,
        gateway,
        link,
        metric: 0,
      })
    return stack
  }

  /** The IPv4 address that others reach it by; 0 while it has none. */
  get address(): Ipv4 {
    const { address = 'fixed' } = this.plan
    return address === 'fixed' && this.#renumbered === 0
      ? addressOn(this.wires[0] ?? 0, this.index)
      : this.stack.address
  }

  #renumbered = 0

  /** Another address of its network. */
  renumber(): void {
    if ((this.plan.address ?? 'fixed') !== 'fixed' || this.wires.length > 1) return
    this.#renumbered = addressOn(this.wires[0] ?? 0, 200 + this.index)
    this.stack.setAddress(this.#renumbered, 24, gatewayOf(this.#land, this.index) ?? 0)
  }

  /** Whether this is, or was, an address of its. */
  hasHad(address: Ipv4): boolean {
    return address === this.address || this.#had.has(address) || address === errandAddress(this.index)
  }

  readonly #had = new Set<Ipv4>()

  /** Whether it has an address, and this host one that it reaches: both link-local, or neither. */
  reaches(other: Machine): boolean {
    const [own, theirs] = [this.address, other.address]
    return own !== 0 && theirs !== 0 && isLinkLocal(own) === isLinkLocal(theirs)
  }

  get runs(): boolean {
    return this.sleepsUntil === 0
  }

  /** The other's IPv6 address, where this host reaches it: on a wire of both. */
  address6(other: Machine): Ipv6 | undefined {
    const own = this.stack.ipv6?.addresses.some(({ state }) => state === 'preferred')
    if (!own || this.wires[0] !== other.wires[0]) return undefined
    const usable = other.stack.ipv6?.addresses.filter(({ state }) => state === 'preferred')
    // What an errand gives is taken back (errand.ts).
    const all = usable?.map(({ address }) => address).filter(([first]) => first !== 0xfd) ?? []
    return this.stack.sortDestinations(all)[0]
  }

  /** For how long it has run, ms. */
  awake(now: number): number {
    return now - this.#slept
  }

  #slept = 0

  /** The machine's own clock at a time of the world's. */
  clockAt(now: number): number {
    return now + this.#clock
  }

  /** World time of the next thing that it does by itself. */
  nextAt(): number {
    if (!this.runs) return this.sleepsUntil
    let at = this.stack.pollAt() - this.#clock
    if (this.#waits) at = Math.min(at, this.#linkFreeAt)
    for (const { wakeAt } of this.programs) at = Math.min(at, wakeAt)
    return at
  }

  /** Whether frames wait for the link. */
  #waits = false

  /** A frame from one of its wires. */
  input(frame: Uint8Array, now: number, wire: number): void {
    if (!this.runs) return
    const link = this.wires.length === 1 ? 0 : this.wires.indexOf(wire)
    this.#refusing(() => this.stack.input(frame, this.clockAt(now), link))
  }

  /** Timers, events, programs, frames: all that is due. */
  step(now: number, transmit: (frame: Uint8Array, wire: number) => void): void {
    if (!this.runs) return
    this.#refusing(() => {
      this.stack.poll(this.clockAt(now))
      this.#noteAddress(now)
      this.stack.events((socket, bits) => this.#happened.push([socket, bits]))
      for (const [socket, bits] of this.#happened.splice(0))
        this.programs.find(program => program.owns(socket))?.step(now, socket, bits)
      for (const program of [...this.programs]) if (program.wakeAt <= now) program.step(now, 0, 0)
      this.programs = this.programs.filter(({ ended }) => ended === undefined)
      this.#output(now, transmit)
    })
  }

  readonly #happened: [Socket, number][] = []

  #noteAddress(now: number): void {
    const { address } = this.stack
    if (address === this.#address) return
    if (this.#address !== 0) this.moves.push(now)
    this.#address = address
    this.#had.add(address)
  }

  #output(now: number, transmit: (frame: Uint8Array, wire: number) => void): void {
    this.#waits = false
    this.stack.output((frame, link) => {
      if (this.#linkFreeAt > now) {
        this.#waits = true
        return false
      }
      this.#linkFreeAt = Math.max(this.#linkFreeAt, now - 1) + 1 / this.plan.rate
      transmit(frame.slice(), this.wires[link] ?? 0)
      return true
    })
  }

  /** A call into the stack, with its memory as it is now. */
  #refusing(call: () => void): void {
    if (this.#refuseEvery === 0) return call()
    const { arena } = this.stack
    globalThis.refusesAllocation = asked => asked === arena && ++this.#asked % this.#refuseEvery === 0
    try {
      call()
    } finally {
      globalThis.refusesAllocation = undefined
    }
  }

  /** From now on each n-th allocation fails; 0: none. */
  refuse(every: number): void {
    this.#refuseEvery = every
  }

  linkUp(now: number): void {
    if (this.runs) this.#refusing(() => this.stack.linkUp(this.clockAt(now)))
  }

  /** The same host goes on in another stack, around a copy of its arena. */
  transplant(now: number): void {
    this.stack = this.#begin(this.stack.arena.slice(0), now)
  }

  sleep(until: number, now: number, clockRuns: boolean): void {
    this.#slept += Math.max(0, until - Math.max(now, this.sleepsUntil))
    this.sleepsUntil = Math.max(this.sleepsUntil, until)
    if (!clockRuns) this.#clock -= until - now
  }

  wake(): void {
    this.sleepsUntil = 0
  }

  /** All that it knew is gone. */
  losePower(now: number): void {
    for (const program of this.programs) program.lost()
    this.programs = []
    this.#happened.length = 0
    this.#waits = false
    this.edges.clear()
    this.#renumbered = 0
    this.stack = this.#begin(this.plan.memory, now)
  }

  /** Whoever does not hear of the other end any more gives up, where the profile can. False: there is no memory to ask with. */
  keepAlive(socket: Socket): boolean {
    const { stack } = this
    return KEEP_ALIVE.every(([option, value]) => stack.setOption(socket, option, value) !== ENOBUFS)
  }

  remember(): void {
    this.baseline = usedBy(this.stack)
  }
}

const isLinkLocal = (address: Ipv4): boolean => address >>> 16 === 0xa9fe

/** What may stay: what is known of neighbours, destinations, better routers (RFC 1122, 3.2.2.2) and lent addresses (RFC 2131, 4.3.1). */
const REMEMBERED = ['neighbours', 'destinations', 'routes', 'leases', 'free']

/** Bytes by pool, of all that has to come back. */
export const usedBy = (stack: Stack): ReadonlyMap<string, number> =>
  new Map(
    stack.memory.pools.filter(({ name }) => !REMEMBERED.includes(name)).map(({ name, used }) => [name, used]),
  )
