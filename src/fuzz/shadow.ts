/**
 * What the stack may touch, word by word: a second picture of an arena, kept beside it by whoever hears of each page and record
 * that is taken and freed (instrument.js). A word is nobody's, or it belongs to one place: the fixed area, the room for
 * large frames, a page of data, the head of a slab's page, or one record. An access lies within one place, or it is wrong: so
 * is one that reaches from a record into the next, and one to a record that was freed.
 */
import { RECORD_KIND } from '../stack/core.ts'
import { PAGE } from '../stack/memory/arena.ts'
import { LARGE_AT, LARGE_SIZE, PAGE_COUNT, PAGE_MAP, PAGES_AT, POOL_FREE } from '../stack/memory/layout.ts'

/** Something that must never happen did. */
export class Wrong extends Error {
  override readonly name = 'Wrong'
}

/** A slab's page begins with four words (slab.ts); the word at this place is the first of its free records. */
const SLAB_HEAD = 16
const FIRST_FREE = 8

/** Places: 0 is nobody's. Those of pages that follow each other differ, so that what ends one is no beginning of the next. */
const NOBODYS = 0
const PAGE_PLACE = 1
const FIRST_RECORD = 2
const ODD_PAGE = 100
const FIXED = 255
const LARGE = 254

/** How long the records of each pool are: learnt when their first page is taken, the same in each arena. */
const sizes = new Map<number, number>()

/** A pool has records of this many bytes. */
export function learn(pool: number, size: number): void {
  sizes.set(pool, size)
}

export class Shadow {
  readonly #first: number
  readonly #count: number
  /** A place for each word. */
  readonly #places: Uint8Array
  /** For each page, how long its records are; 0 where it has none. */
  readonly #recordSizes: Uint16Array

  /**
   * As the arena's own books have it: of a host that was copied, too. A page of data in a pool of records (dns/stream.ts) looks like
   * a slab to who has not heard that it was taken; `heard` has.
   */
  constructor(buffer: ArrayBuffer, heard?: Shadow) {
    const view = new DataView(buffer)
    this.#places = new Uint8Array(buffer.byteLength >> 2)
    this.#first = view.getInt32(PAGES_AT, true)
    this.#count = view.getInt32(PAGE_COUNT, true)
    this.#recordSizes = new Uint16Array(this.#count)
    this.#fill(0, this.#first, FIXED)
    for (let i = 0; i < this.#count; i++) {
      const page = this.#first + i * PAGE
      const pool = view.getUint8(PAGE_MAP + i)
      this.own(page, pool)
      const size = sizes.get(pool)
      if (size === undefined || (heard !== undefined && heard.#recordSizes[i] === 0)) continue
      this.slab(page, size)
      const free = new Set<number>()
      for (let at = view.getInt32(page + FIRST_FREE, true); at !== 0; at = view.getInt32(at, true)) {
        if (free.has(at)) throw new Wrong(`the list of free records of page ${i} has ${at} in it twice`)
        free.add(at)
      }
      for (let at = page + SLAB_HEAD; at + size <= page + PAGE; at += size)
        if (!free.has(at)) this.take(at, size)
    }
    const large = view.getInt32(LARGE_AT, true)
    if (large !== 0) this.large(large, view.getInt32(LARGE_SIZE, true))
  }

  /** The room for frames larger than a page, behind two bytes that align them. */
  large(at: number, size: number): void {
    this.#fill(at, at + 2 + size, LARGE)
  }

  /** Throws `Wrong` unless all of the bytes belong to one place. */
  check(at: number, length: number): void {
    const place = this.#places[at >> 2] ?? NOBODYS
    if (place !== NOBODYS && place === this.#places[(at + length - 1) >> 2]) {
      if (length <= PAGE || place >= LARGE) return
    }
    throw new Wrong(this.#complaint(at, length))
  }

  /** `check` of a byte that is read. To read what kind of record stands there is to ask whether it is free, and is right. */
  checkByte(at: number): void {
    const place = this.#places[at >> 2] ?? NOBODYS
    if (place !== NOBODYS) return
    const page = this.#page(at)
    const size = this.#recordSizes[(page - this.#first) / PAGE] ?? 0
    if (size === 0 || (at - page - SLAB_HEAD - RECORD_KIND) % size !== 0)
      throw new Wrong(this.#complaint(at, 1))
  }

  /** A page changes hands. */
  own(page: number, pool: number): void {
    this.#recordSizes[(page - this.#first) / PAGE] = 0
    if (pool === POOL_FREE) this.#fill(page, page + PAGE, NOBODYS)
    else if (this.#places[page >> 2] === NOBODYS) this.#fill(page, page + PAGE, this.#base(page) + PAGE_PLACE)
  }

  /** A page is cut into records, all free. */
  slab(page: number, size: number): void {
    this.#recordSizes[(page - this.#first) / PAGE] = size
    this.#fill(page + SLAB_HEAD, page + PAGE, NOBODYS)
  }

  take(record: number, size: number): void {
    if (this.#places[record >> 2] !== NOBODYS) throw new Wrong(`the record at ${record} is taken twice`)
    this.#fill(record, record + size, this.#recordPlace(record, size))
  }

  free(record: number, size: number): void {
    const index = this.#index(record, size)
    if (!Number.isInteger(index) || index < 0) throw new Wrong(`there is no record at ${record} to be freed`)
    if (this.#places[record >> 2] !== this.#recordPlace(record, size))
      throw new Wrong(`the record at ${record} is freed twice`)
    this.#fill(record, record + size, NOBODYS)
  }

  /** Where the two pictures differ, the first place; undefined when they are the same. */
  difference(other: Shadow): number | undefined {
    const at = this.#places.findIndex((place, i) => place !== other.#places[i])
    return at < 0 ? undefined : at * 4
  }

  #page = (at: number): number => at - ((at - this.#first) % PAGE)
  #base = (page: number): number => (((page - this.#first) / PAGE) & 1) * ODD_PAGE
  #index = (record: number, size: number): number => (record - this.#page(record) - SLAB_HEAD) / size
  #recordPlace = (record: number, size: number): number =>
    this.#base(this.#page(record)) + FIRST_RECORD + this.#index(record, size)

  #fill(from: number, to: number, place: number): void {
    this.#places.fill(place, from >> 2, (to + 3) >> 2)
  }

  #complaint(at: number, length: number): string {
    const page = Math.floor((at - this.#first) / PAGE)
    const access = `an access to ${length} bytes at ${at}`
    if (page < 0 || page >= this.#count) return `${access}, beyond all pages`
    const within = at - this.#first - page * PAGE
    const place = this.#places[at >> 2]
    if (within + length > PAGE) return `${access}, beyond the end of page ${page}`
    if (this.#places[(this.#first + page * PAGE) >> 2] === NOBODYS)
      return `${access}, in page ${page}, which is free`
    return place === NOBODYS
      ? `${access}, in page ${page}, in a record that is free`
      : `${access}, in page ${page}, beyond the end of its record`
  }
}
