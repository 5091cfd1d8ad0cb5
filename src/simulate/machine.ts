/**
 * A machine: a stack, its clock, its power, and the programs that run on it. Its memory may refuse, its arena may move to
 * another stack in the midst of all, and when its power goes, everything goes.
 */
import { createStack as client } from '../stack/profiles/client.ts'
import { createStack as full } from '../stack/profiles/full.ts'
import { createStack as minimal } from '../stack/profiles/minimal.ts'
import { type Ipv4, type Ipv6, Option, type Socket, type Stack, type StackConfig } from '../stack/stack.ts'
import { Dice } from './dice.ts'
import type { HostPlan } from './plan.ts'

const PROFILES = { full, client, minimal }

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
  readonly address: Ipv4
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
  readonly #seed: number
  #life = 0

  constructor(plan: HostPlan, index: number, seed: number) {
    this.plan = plan
    this.index = index
    this.#seed = seed
    this.#clock = plan.skew
    this.address = 0x0a000001 + index
    this.stack = this.#begin(plan.memory)
  }

  #begin(memory: number | ArrayBuffer): Stack {
    const dice = new Dice(this.#seed * 31 + this.index * 7 + this.#life++)
    const { profile, ipv6, largestFrame } = this.plan
    const config: StackConfig = {
      memory,
      mac: Uint8Array.of(2, 0, 0, 0, 0, this.index + 1),
      address: `10.0.0.${this.index + 1}/24`,
      ipv6,
      ...(largestFrame === undefined ? {} : { largestFrame }),
    }
    const secret = Uint8Array.from({ length: 16 }, () => dice.below(256))
    return PROFILES[profile](config, { random32: dice.word, secret })
  }

  get runs(): boolean {
    return this.sleepsUntil === 0
  }

  /** The IPv6 address that others may use now; undefined when there is none. */
  get address6(): Ipv6 | undefined {
    return this.stack.ipv6?.addresses.find(({ state }) => state === 'preferred')?.address
  }

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

  input(frame: Uint8Array, now: number): void {
    if (this.runs) this.#refusing(() => this.stack.input(frame, this.clockAt(now)))
  }

  /** Timers, events, programs, frames: all that is due. */
  step(now: number, transmit: (frame: Uint8Array) => void): void {
    if (!this.runs) return
    this.#refusing(() => {
      this.stack.poll(this.clockAt(now))
      this.stack.events((socket, bits) => this.#happened.push([socket, bits]))
      for (const [socket, bits] of this.#happened.splice(0))
        this.programs.find(program => program.owns(socket))?.step(now, socket, bits)
      for (const program of [...this.programs]) if (program.wakeAt <= now) program.step(now, 0, 0)
      this.programs = this.programs.filter(({ ended }) => ended === undefined)
      this.#output(now, transmit)
    })
  }

  readonly #happened: [Socket, number][] = []

  #output(now: number, transmit: (frame: Uint8Array) => void): void {
    this.#waits = false
    this.stack.output(frame => {
      if (this.#linkFreeAt > now) {
        this.#waits = true
        return false
      }
      this.#linkFreeAt = Math.max(this.#linkFreeAt, now - 1) + 1 / this.plan.rate
      transmit(frame.slice())
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
  transplant(): void {
    this.stack = this.#begin(this.stack.arena.slice(0))
  }

  sleep(until: number, now: number, clockRuns: boolean): void {
    this.sleepsUntil = Math.max(this.sleepsUntil, until)
    if (!clockRuns) this.#clock -= until - now
  }

  wake(): void {
    this.sleepsUntil = 0
  }

  /** All that it knew is gone. */
  losePower(): void {
    for (const program of this.programs) program.lost()
    this.programs = []
    this.#happened.length = 0
    this.#waits = false
    this.stack = this.#begin(this.plan.memory)
  }

  /** Whoever does not hear of the other end any more gives up, where the profile can. */
  keepAlive(socket: Socket): void {
    const { stack } = this
    stack.setOption(socket, Option.KeepIdle, 60)
    stack.setOption(socket, Option.KeepInterval, 10)
    stack.setOption(socket, Option.KeepCount, 6)
    stack.setOption(socket, Option.KeepAlive, 1)
  }

  remember(): void {
    this.baseline = usedBy(this.stack)
  }
}

/** Bytes by pool, of all that has to come back. What is known of neighbours and destinations may stay. */
export const usedBy = (stack: Stack): ReadonlyMap<string, number> =>
  new Map(
    stack.memory.pools
      .filter(({ name }) => !['neighbours', 'destinations', 'free'].includes(name))
      .map(({ name, used }) => [name, used]),
  )
