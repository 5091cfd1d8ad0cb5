/**
 * What the saboteur sees of the stack's work, from inside: the turns of its loops, the branches that were entered, and
 * each access to an arena, which must lie within one place that somebody holds (shadow.ts). The bundle calls what is put on
 * `globalThis` here (instrument.js).
 */
import { PAGES_AT } from '../stack/memory/layout.ts'
import { learn, Shadow, Wrong } from './shadow.ts'

/** More turns of loops than this in one call, and the call does not end soon enough. */
const TURNS_AT_MOST = 50_000
const MARKS_AT_MOST = 20_000
/** A branch that was entered no oftener is rare: frames that enter it are worth keeping. */
const RARE = 12

let turns = 0
let trusts = 0
let rare: number[] = []

/** How many turns the loops took since this was asked last. */
export function takeTurns(): number {
  const taken = turns
  turns = 0
  return taken
}

/** How often each branch of the stack was entered. */
export const marks = new Uint32Array(MARKS_AT_MOST)

/** The branches that were entered since this was asked last and that are seldom entered. */
export function takeRare(): readonly number[] {
  if (rare.length === 0) return NONE
  const taken = rare
  rare = []
  return taken
}
const NONE: readonly number[] = []

/** What is looked at from outside, page by page, is no access of the stack's. */
export function trusted<A extends readonly unknown[], R>(work: (...all: A) => R, all: A): R {
  trusts++
  try {
    return work(...all)
  } finally {
    trusts--
  }
}

const shadows = new WeakMap<ArrayBuffer, Shadow>()
/** The last one asked for: of a thousand accesses in a row all are to one arena. */
let lastBuffer: ArrayBuffer | undefined
let last: Shadow | undefined

/** Undefined before the arena is laid out. */
function shadowOf(buffer: ArrayBuffer): Shadow | undefined {
  if (buffer === lastBuffer && last !== undefined) return last
  lastBuffer = buffer
  last = shadows.get(buffer)
  if (last === undefined && new DataView(buffer).getInt32(PAGES_AT, true) !== 0) {
    last = new Shadow(buffer)
    shadows.set(buffer, last)
  }
  return last
}

function check(buffer: ArrayBuffer, at: number, length: number): void {
  if (trusts === 0 && length !== 0) shadowOf(buffer)?.check(at, length)
}

function checkByte(buffer: ArrayBuffer, at: number): void {
  if (trusts === 0) shadowOf(buffer)?.checkByte(at)
}

/** Throws `Wrong` unless what was taken and freed is what the arena's own books say. */
export function expectBooksRight(buffer: ArrayBuffer): void {
  const heard = shadowOf(buffer)
  const at = heard?.difference(new Shadow(buffer, heard))
  if (at !== undefined) throw new Wrong(`the books of the slabs say otherwise than what was taken, at ${at}`)
}

class View extends DataView<ArrayBuffer> {
  override getUint8(at: number): number {
    checkByte(this.buffer, at)
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
  override setInt32(at: number, value: number, little?: boolean): void {
    check(this.buffer, at, 4)
    super.setInt32(at, value, little)
  }
  override getUint32(at: number, little?: boolean): number {
    check(this.buffer, at, 4)
    return super.getUint32(at, little)
  }
  override setUint32(at: number, value: number, little?: boolean): void {
    check(this.buffer, at, 4)
    super.setUint32(at, value, little)
  }
  override getFloat64(at: number, little?: boolean): number {
    check(this.buffer, at, 8)
    return super.getFloat64(at, little)
  }
  override setFloat64(at: number, value: number, little?: boolean): void {
    check(this.buffer, at, 8)
    super.setFloat64(at, value, little)
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
  override slice(start = 0, end = this.length): Uint8Array<ArrayBuffer> {
    check(this.buffer, start, end - start)
    return super.slice(start, end)
  }
  override subarray(start = 0, end = this.length): Uint8Array<ArrayBuffer> {
    check(this.buffer, start, end - start)
    return super.subarray(start, end)
  }
}

Object.assign(globalThis, {
  $marks: marks,
  $rare: RARE,
  $seldom: (mark: number) => rare.push(mark),
  $turn: () => {
    if (++turns > TURNS_AT_MOST) {
      turns = 0
      throw new Wrong(`loops took more than ${TURNS_AT_MOST} turns`)
    }
  },
  $trusted: trusted,
  $check: check,
  $owned: (buffer: ArrayBuffer, page: number, pool: number) => shadowOf(buffer)?.own(page, pool),
  $slab: (buffer: ArrayBuffer, page: number, pool: number, size: number) => {
    learn(pool, size)
    shadowOf(buffer)?.slab(page, size)
  },
  $taken: (buffer: ArrayBuffer, record: number, size: number) => shadowOf(buffer)?.take(record, size),
  $freed: (buffer: ArrayBuffer, record: number, size: number) => shadowOf(buffer)?.free(record, size),
  $laidOut: (buffer: ArrayBuffer) => {
    shadows.delete(buffer)
    lastBuffer = undefined
  },
  /** The index of a byte, which is about to be read or written. */
  $at: (bytes: Uint8Array<ArrayBuffer>, at: number) => {
    if (bytes instanceof Bytes) check(bytes.buffer, at, 1)
    return at
  },
  $View: View,
  $Bytes: Bytes,
})
