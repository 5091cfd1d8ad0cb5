/**
 * Writes a frame field by field. Now and then a field is taken to one of its edges instead, as often as the frame's
 * mischief says; lengths and checksums are put in behind what they speak of, and may lie as well.
 */
import type { Dice } from '../simulate/dice.ts'

/** The longest frame that is written. */
const MOST = 9_000

export class Pen {
  readonly dice: Dice
  readonly bytes = new Uint8Array(MOST)
  readonly #view = new DataView(this.bytes.buffer)
  at = 0
  /** How likely each field is to lie, 0 … 1. */
  mischief = 0

  constructor(dice: Dice) {
    this.dice = dice
  }

  begin(mischief: number): void {
    this.at = 0
    this.mischief = mischief
  }

  /** What is written so far, a copy. */
  end(): Uint8Array {
    return this.bytes.slice(0, this.at)
  }

  #field(value: number, bits: 8 | 16 | 32): number {
    const { dice } = this
    if (this.mischief === 0 || !dice.chance(this.mischief)) return value
    const most = 2 ** bits - 1
    return dice.one([
      0,
      1,
      most,
      most - 1,
      2 ** (bits - 1),
      2 ** (bits - 1) - 1,
      value + 1,
      value - 1,
      dice.word(),
    ])
  }

  #room(length: number): boolean {
    return this.at + length <= MOST
  }

  u8(value: number): this {
    if (this.#room(1)) this.bytes[this.at++] = this.#field(value, 8)
    return this
  }

  u16(value: number): this {
    if (!this.#room(2)) return this
    this.#view.setUint16(this.at, this.#field(value, 16))
    this.at += 2
    return this
  }

  u32(value: number): this {
    if (!this.#room(4)) return this
    this.#view.setUint32(this.at, this.#field(value, 32))
    this.at += 4
    return this
  }

  /** As they are; no lie. */
  copy(bytes: ArrayLike<number>): this {
    if (!this.#room(bytes.length)) return this
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
    return this
  }

  noise(length: number): this {
    for (let i = 0; i < length; i++) if (this.#room(1)) this.bytes[this.at++] = this.dice.below(256)
    return this
  }

  fill(value: number, length: number): this {
    for (let i = 0; i < length; i++) if (this.#room(1)) this.bytes[this.at++] = value
    return this
  }

  /** A length that was left open at `at`. */
  patch8(at: number, value: number): void {
    this.bytes[at] = this.#field(value, 8)
  }
  patch16(at: number, value: number): void {
    this.#view.setUint16(at, this.#field(value, 16))
  }

  /**
   * The Internet checksum (RFC 1071) of all from `from` to here, with `pseudo` added, put at `at`. Wrong now and then, but
   * seldom: behind it lie the rules that matter.
   */
  sum(at: number, from: number, to = this.at, pseudo = 0): void {
    this.#view.setUint16(at, 0)
    let sum = pseudo
    for (let i = from; i < to; i += 2)
      sum += ((this.bytes[i] ?? 0) << 8) | (i + 1 < to ? (this.bytes[i + 1] ?? 0) : 0)
    while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
    const wrong = this.mischief > 0 && this.dice.below(40) === 0
    this.#view.setUint16(at, wrong ? this.dice.below(0x10000) : ~sum & 0xffff)
  }

  /** The sum of the words of what stands from `from` to `to`: a part of a pseudo-header. */
  words(from: number, to: number): number {
    let sum = 0
    for (let i = from; i < to; i += 2) sum += this.#view.getUint16(i)
    return sum
  }
}
