/**
 * The wire between the hosts: all hear what one sends, after a while, unless the weather has it otherwise. Frames that
 * are under way stand in the order in which they arrive.
 */
import type { Dice } from './dice.ts'
import { CALM, type Weather } from './plan.ts'

export interface UnderWay {
  readonly at: number
  readonly order: number
  readonly from: number
  readonly bytes: Uint8Array
}

const ETHERNET_HEADER = 14
const IPV4_HEADER = 20
const ARP = 0x0806

export class Wire {
  weather: Weather = CALM
  readonly #dice: Dice
  readonly #underWay: UnderWay[] = []
  /** Sides of the partitions that stand now. */
  readonly #partitions = new Set<readonly number[]>()
  #burstUntil = 0
  #sent = 0

  constructor(dice: Dice) {
    this.#dice = dice
  }

  get next(): number {
    return this.#underWay[0]?.at ?? Number.POSITIVE_INFINITY
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
    if (now >= this.#burstUntil && dice.chance(weather.burst)) this.#burstUntil = now + weather.burstLasts
    if (now < this.#burstUntil || dice.chance(weather.loss)) return
    if (dice.chance(weather.corrupt)) this.#corrupt(bytes)
    this.#put(from, bytes, now)
    if (dice.chance(weather.twice)) this.#put(from, bytes, now)
  }

  /** The first of the frames that have arrived. */
  take(now: number): UnderWay | undefined {
    return this.next <= now ? this.#underWay.shift() : undefined
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
   * a fragment, whose datagram has others, it is one of the header. Ethernet's own check, which this wire lacks, would
   * have found one in ARP.
   */
  #corrupt(bytes: Uint8Array): void {
    const isArp = (bytes[12] ?? 0) * 256 + (bytes[13] ?? 0) === ARP
    if (isArp || bytes.length <= ETHERNET_HEADER) return
    const at =
      ETHERNET_HEADER + this.#dice.below(isFragment(bytes) ? IPV4_HEADER : bytes.length - ETHERNET_HEADER)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#dice.below(8))
  }
}

/** Of IPv4: more fragments follow, or others came before (RFC 791, 3.1). */
const isFragment = (bytes: Uint8Array): boolean =>
  bytes[12] === 8 && bytes[13] === 0 && (((bytes[20] ?? 0) & 0x3f) | (bytes[21] ?? 0)) !== 0
