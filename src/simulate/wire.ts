/**
 * The wire between the hosts: all hear what one sends, after a while, unless the weather has it otherwise. Frames that
 * are under way stand in the order in which they arrive.
 */
import type { Dice } from './dice.ts'
import { CALM, type Weather, type WirePlan } from './plan.ts'
import { Router6 } from './router6.ts'
import { makeUrgent, markCongestion } from './touch.ts'

export interface UnderWay {
  readonly at: number
  readonly order: number
  /** A host, or NOBODY. */
  readonly from: number
  readonly bytes: Uint8Array
}

/** Whose frames are none of the hosts': the wire's router. */
export const NOBODY = -1

const ETHERNET_HEADER = 14
const IPV4_HEADER = 20
const ARP = 0x0806

export class Wire {
  weather: Weather = CALM
  readonly #dice: Dice
  readonly #underWay: UnderWay[] = []
  /** Sides of the partitions that stand now. */
  readonly #partitions = new Set<readonly number[]>()
  readonly #router: Router6 | undefined
  readonly #isRouted: boolean
  #burstUntil = 0
  #sent = 0

  /** `isRouted`: what is on it may come from another wire. */
  constructor(plan: WirePlan, index: number, isRouted: boolean, dice: Dice) {
    this.#dice = dice
    this.#isRouted = isRouted
    if (plan.router6 > 0) this.#router = new Router6(index, plan.router6)
  }

  /** When a frame arrives, or the router speaks. */
  get next(): number {
    const first = this.#underWay[0]?.at ?? Number.POSITIVE_INFINITY
    return this.#router === undefined ? first : Math.min(first, this.#router.nextAt)
  }

  partition(hosts: readonly number[]): void {
    this.#partitions.add(hosts)
  }

  heal(hosts: readonly number[]): void {
    this.#partitions.delete(hosts)
  }

  /** No more weather, and no more partitions. */
  calm(): void {
    this.weather = CALM
    this.#partitions.clear()
  }

  hears(from: number, to: number): boolean {
    for (const side of this.#partitions) if (side.includes(from) !== side.includes(to)) return false
    return true
  }

  /** `bytes` is the wire's from now on. */
  send(from: number, bytes: Uint8Array, now: number): void {
    const { weather } = this
    const dice = this.#dice
    if (from !== NOBODY && this.#router?.stops(bytes, now, frame => this.send(NOBODY, frame, now))) return
    if (dice.chance(weather.urgent ?? 0)) makeUrgent(bytes, dice)
    if (dice.chance(weather.marks ?? 0)) markCongestion(bytes)
    if (now >= this.#burstUntil && dice.chance(weather.burst)) this.#burstUntil = now + weather.burstLasts
    if (now < this.#burstUntil || dice.chance(weather.loss)) return
    if (dice.chance(weather.corrupt)) this.#corrupt(bytes)
    this.#put(from, bytes, now)
    if (dice.chance(weather.twice)) this.#put(from, bytes, now)
  }

  /** The first of the frames that have arrived. */
  take(now: number): UnderWay | undefined {
    const advertised = this.#router?.advertise(now)
    if (advertised !== undefined) this.send(NOBODY, advertised, now)
    return (this.#underWay[0]?.at ?? Number.POSITIVE_INFINITY) <= now ? this.#underWay.shift() : undefined
  }

  #put(from: number, bytes: Uint8Array, now: number): void {
    const { delay, late, lateBy } = this.weather
    const at = now + delay + (this.#dice.chance(late) ? this.#dice.below(lateBy + 1) : 0)
    let place = this.#underWay.length
    while (place > 0 && (this.#underWay[place - 1]?.at ?? 0) > at) place--
    this.#underWay.splice(place, 0, { at, order: ++this.#sent, from, bytes })
  }

  /**
   * One bit of what checksums cover: a turned bit is what they find out for certain (RFC 1071, 1). Two may cancel each other: of
   * a fragment, whose datagram has others, it is one of the header, and so where a router may pass on a packet whose text has one
   * already. Ethernet's own check, which this wire lacks, would have found one in ARP.
   */
  #corrupt(bytes: Uint8Array): void {
    const isArp = (bytes[12] ?? 0) * 256 + (bytes[13] ?? 0) === ARP
    if (isArp || bytes.length <= ETHERNET_HEADER) return
    const at =
      ETHERNET_HEADER +
      this.#dice.below(this.#isRouted || isFragment(bytes) ? IPV4_HEADER : bytes.length - ETHERNET_HEADER)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#dice.below(8))
  }
}

/** Of IPv4: more fragments follow, or others came before (RFC 791, 3.1). */
const isFragment = (bytes: Uint8Array): boolean =>
  bytes[12] === 8 && bytes[13] === 0 && (((bytes[20] ?? 0) & 0x3f) | (bytes[21] ?? 0)) !== 0
