/**
 * A bounded table from MAC addresses to small numbers, open-addressed with linear probing over typed arrays: looking
 * up and refreshing an entry allocates nothing. Deleting moves later entries of the same run back (Knuth 6.4, R), so
 * there are no tombstones and a full table never slows down.
 */
const EMPTY = -1

export class MacTable {
  readonly #high: Uint16Array
  readonly #low: Int32Array
  readonly #value: Int32Array
  readonly #time: Float64Array
  readonly #mask: number
  readonly #limit: number
  #count = 0

  /** `slots`: a power of two; three quarters of them can be used. */
  constructor(slots: number) {
    if (slots < 4 || (slots & (slots - 1)) !== 0)
      throw new RangeError('A MAC table has a power of two of slots, at least 4.')
    this.#high = new Uint16Array(slots)
    this.#low = new Int32Array(slots)
    this.#value = new Int32Array(slots).fill(EMPTY)
    this.#time = new Float64Array(slots)
    this.#mask = slots - 1
    this.#limit = (slots * 3) / 4
  }

  get size(): number {
    return this.#count
  }

  #home(high: number, low: number): number {
    // Fibonacci hashing: the vendor's and host's bits both reach the low bits of the slot.
    const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
    return ((mixed >>> 15) ^ mixed) & this.#mask
  }

  /** The slot that holds the address, or the empty one where its run ends. */
  #find(high: number, low: number): number {
    let slot = this.#home(high, low)
    while (this.#value[slot] !== EMPTY && (this.#low[slot] !== low || this.#high[slot] !== high))
      slot = (slot + 1) & this.#mask
    return slot
  }

  /** The address's number, or -1. */
  get(high: number, low: number): number {
    return this.#value[this.#find(high, low)] as number
  }

  /** Enters or refreshes; `value` is 0 or more. False: the table is full and the address is not in it. */
  set(high: number, low: number, value: number, time: number): boolean {
    const slot = this.#find(high, low)
    if (this.#value[slot] === EMPTY) {
      if (this.#count === this.#limit) return false
      this.#high[slot] = high
      this.#low[slot] = low
      this.#count++
    }
    this.#value[slot] = value
    this.#time[slot] = time
    return true
  }

  /** Forgets all entries with this number. */
  forgetValue(value: number): void {
    this.#forget(slot => this.#value[slot] === value)
  }

  /** Forgets all entries last set before `time`. */
  forgetBefore(time: number): void {
    this.#forget(slot => (this.#time[slot] as number) < time)
  }

  #forget(doomed: (slot: number) => boolean): void {
    // Deleting may move an entry into the slot just emptied, so the slot is looked at again.
    for (let slot = 0; slot <= this.#mask; slot++)
      while (this.#value[slot] !== EMPTY && doomed(slot)) this.#deleteSlot(slot)
  }

  #deleteSlot(from: number): void {
    this.#count--
    let hole = from
    for (let slot = (hole + 1) & this.#mask; this.#value[slot] !== EMPTY; slot = (slot + 1) & this.#mask) {
      const home = this.#home(this.#high[slot] as number, this.#low[slot] as number)
      // An entry may move into the hole unless its home lies behind the hole (cyclically).
      if (((slot - home) & this.#mask) < ((slot - hole) & this.#mask)) continue
      this.#high[hole] = this.#high[slot] as number
      this.#low[hole] = this.#low[slot] as number
      this.#value[hole] = this.#value[slot] as number
      this.#time[hole] = this.#time[slot] as number
      hole = slot
    }
    this.#value[hole] = EMPTY
  }
}
