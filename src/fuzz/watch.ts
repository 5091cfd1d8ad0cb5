/**
 * What the saboteur sees of the stack's work, from inside: the turns of its loops, the branches that were entered, and
 * each access to an arena. An access may not reach over the end of its page, nor into a page that nobody holds. The
 * bundle calls what is put on `globalThis` here (instrument.js).
 */
import { PAGE } from '../stack/memory/arena.ts'
import { LARGE_AT, LARGE_SIZE, PAGE_COUNT, PAGE_MAP, PAGES_AT, POOL_FREE } from '../stack/memory/layout.ts'

/** More turns of loops than this in one call, and the call does not end soon enough. */
const TURNS_AT_MOST = 50_000
const MARKS_AT_MOST = 20_000

/** Something that must never happen did. */
export class Wrong extends Error {
  override readonly name = 'Wrong'
}

let turns = 0
let trusts = 0

/** How many turns the loops took since this was asked last. */
export function takeTurns(): number {
  const taken = turns
  turns = 0
  return taken
}

/** One byte for each branch of the stack: 1 when it has been entered. */
export const marks = new Uint8Array(MARKS_AT_MOST)

/** What is looked at from outside, page by page, is no access of the stack's. */
export function trusted<A extends readonly unknown[], R>(work: (...all: A) => R, all: A): R {
  trusts++
  try {
    return work(...all)
  } finally {
    trusts--
  }
}

/** Throws `Wrong` unless `length` bytes at `at` are in the fixed area, in one page that is held, or in the room for large frames. */
function check(buffer: ArrayBuffer, at: number, length: number): void {
  if (trusts > 0 || length === 0) return
  const view = new DataView(buffer)
  const first = view.getInt32(PAGES_AT, true)
  // Before the arena is laid out there are no pages.
  if (first === 0) return
  if (at >= 0 && at + length <= first) return
  const large = view.getInt32(LARGE_AT, true)
  if (large !== 0 && at >= large && at + length <= large + 2 + view.getInt32(LARGE_SIZE, true)) return
  const page = Math.floor((at - first) / PAGE)
  if (page < 0 || page >= view.getInt32(PAGE_COUNT, true) || at - first - page * PAGE + length > PAGE)
    throw new Wrong(`an access to ${length} bytes at ${at}, beyond the end of page ${page}`)
  if (view.getUint8(PAGE_MAP + page) === POOL_FREE)
    throw new Wrong(`an access to ${length} bytes at ${at}, in page ${page}, which is free`)
}

class View extends DataView<ArrayBuffer> {
  override getUint8(at: number): number {
    check(this.buffer, at, 1)
    return super.getUint8(at)
  }
  override setUint8(at: number, value: number): void {
    check(this.buffer, at, 1)
    super.setUint8(at, value)
  }
  override getUint16(at: number, little?: boolean): number {
    check(this.buffer, at, 2)
    return super.getUint16(at, little)
  }
  override setUint16(at: number, value: number, little?: boolean): void {
    check(this.buffer, at, 2)
    super.setUint16(at, value, little)
  }
  override getInt32(at: number, little?: boolean): number {
    check(this.buffer, at, 4)
    return super.getInt32(at, little)
  }
  override getUint32(at: number, little?: boolean): number {
    check(this.buffer, at, 4)
    return super.getUint32(at, little)
  }
  override setInt32(at: number, value: number, little?: boolean): void {
    check(this.buffer, at, 4)
    super.setInt32(at, value, little)
  }
}

class Bytes extends Uint8Array<ArrayBuffer> {
  static get [Symbol.species]() {
    return Uint8Array
  }
  override set(from: ArrayLike<number>, at = 0): void {
    check(this.buffer, at, from.length)
    super.set(from, at)
  }
  override fill(value: number, start = 0, end = this.length): this {
    check(this.buffer, start, end - start)
    return super.fill(value, start, end)
  }
  override copyWithin(to: number, start: number, end = this.length): this {
    check(this.buffer, to, end - start)
    check(this.buffer, start, end - start)
    return super.copyWithin(to, start, end)
  }
}

Object.assign(globalThis, {
  $marks: marks,
  $turn: () => {
    if (++turns > TURNS_AT_MOST) {
      turns = 0
      throw new Wrong(`loops took more than ${TURNS_AT_MOST} turns`)
    }
  },
  $trusted: trusted,
  $check: check,
  $View: View,
  $Bytes: Bytes,
})
