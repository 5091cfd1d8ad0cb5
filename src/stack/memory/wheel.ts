/**
 * The timing wheel: five wheels of 32 slots, one tick of the first a millisecond, of each next 32 times the last;
 * together 9 hours. Setting and clearing a timer touch one slot. A bitmap a wheel tells which slots hold anything,
 * so that the next deadline is found without a walk and an idle clock may jump.
 *
 * A timed record carries its node at fixed offsets: next, the address of the word that points here, and the
 * deadline. Deadlines are whole milliseconds modulo 2^32 and compare by their difference.
 */
import type { Address, Arena } from './arena.ts'
import { NOW_MS, WHEEL_BITMAPS, WHEEL_LEVELS, WHEEL_SLOTS, WHEEL_TICK } from './layout.ts'

/** The node inside a timed record; its first word belongs to the hash table. */
export const TIMER_NEXT = 4
export const TIMER_PREVIOUS = 8
export const TIMER_AT = 12

const SLOT_BITS = 5
const SLOT_MASK = 31
/** The farthest that a deadline is filed; a later one is filed here, found not due, and filed anew. */
const HORIZON = 31 << (SLOT_BITS * (WHEEL_LEVELS - 1))

/** Sets, or moves, a record's timer to `at` (ms modulo 2^32). A time that has passed fires at the next poll. */
export function setTimer(m: Arena, record: Address, at: number): void {
  clearTimer(m, record)
  m.put32(record + TIMER_AT, at)
  file(m, record)
}

/** The same, `ms` milliseconds from now. */
export const startTimer = (m: Arena, record: Address, ms: number): void =>
  setTimer(m, record, (m.get32(NOW_MS) + ms) | 0)

/** Takes the record out of its slot; nothing, where its timer is not set. */
export function clearTimer(m: Arena, record: Address): void {
  const pointer = m.get32(record + TIMER_PREVIOUS)
  if (pointer === 0) return
  const next = m.get32(record + TIMER_NEXT)
  m.put32(pointer, next)
  if (next !== 0) m.put32(next + TIMER_PREVIOUS, pointer)
  m.put32(record + TIMER_PREVIOUS, 0)
}

/** Whether it will fire; false from when it has, unless it was set again. */
export const timerIsSet = (m: Arena, record: Address): boolean => m.get32(record + TIMER_PREVIOUS) !== 0

/** Fires every timer that is due at `now`. A timer is cleared before it fires and may be set again in `fire`. */
export function runTimers(m: Arena, now: number, fire: (record: Address) => void): void {
  for (;;) {
    const tick = nextTick(m)
    if (tick === undefined || ((tick - now) | 0) > 0) break
    m.put32(WHEEL_TICK, tick)
    for (let level = WHEEL_LEVELS - 1; level > 0; level--) {
      if ((tick & ((1 << (SLOT_BITS * level)) - 1)) === 0) cascade(m, level, tick)
    }
    m.put32(WHEEL_TICK, (tick + 1) | 0)
    fireSlot(m, tick, fire)
  }
  if (((now + 1 - m.get32(WHEEL_TICK)) | 0) > 0) skipTo(m, (now + 1) | 0)
}

/** The earliest time at which a timer may be due, never too late; undefined when none is set. */
export function nextTick(m: Arena): number | undefined {
  const tick = m.get32(WHEEL_TICK)
  let nearest: number | undefined
  for (let level = 0; level < WHEEL_LEVELS; level++) {
    const bits = occupied(m, level)
    if (bits === 0) continue
    const shift = SLOT_BITS * level
    const turn = (tick >>> shift) & SLOT_MASK
    const ahead = lowestBit((bits >>> turn) | (turn === 0 ? 0 : bits << (32 - turn)))
    const start = ((tick & ~((1 << shift) - 1)) + (ahead << shift)) | 0
    const wait = Math.max(0, (start - tick) | 0)
    if (nearest === undefined || wait < nearest) nearest = wait
  }
  return nearest === undefined ? undefined : (tick + nearest) | 0
}

const slotAt = (level: number, slot: number): Address => WHEEL_SLOTS + (level * 32 + slot) * 4
const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits)

function file(m: Arena, record: Address): void {
  const tick = m.get32(WHEEL_TICK)
  const wait = Math.min(Math.max(0, (m.get32(record + TIMER_AT) - tick) | 0), HORIZON)
  const at = (tick + wait) | 0
  let level = 0
  // The slot must not be the one where this wheel stands now, so the distance counts from the slot's own start.
  while (level < WHEEL_LEVELS - 1 && distance(at, tick, SLOT_BITS * level) > SLOT_MASK) level++
  const slot = (at >>> (SLOT_BITS * level)) & SLOT_MASK
  const head = slotAt(level, slot)
  const first = m.get32(head)
  m.put32(record + TIMER_NEXT, first)
  m.put32(record + TIMER_PREVIOUS, head)
  if (first !== 0) m.put32(first + TIMER_PREVIOUS, record + TIMER_NEXT)
  m.put32(head, record)
  m.put32(WHEEL_BITMAPS + level * 4, m.get32(WHEEL_BITMAPS + level * 4) | (1 << slot))
}

const distance = (at: number, tick: number, shift: number): number =>
  ((at - (tick & ~((1 << shift) - 1))) | 0) >> shift

/** The level's bitmap, less the slots that were emptied since it was last read. */
function occupied(m: Arena, level: number): number {
  const at = WHEEL_BITMAPS + level * 4
  let bits = m.get32(at)
  for (let rest = bits; rest !== 0; ) {
    const slot = lowestBit(rest)
    rest &= rest - 1
    if (m.get32(slotAt(level, slot)) === 0) bits &= ~(1 << slot)
  }
  m.put32(at, bits)
  return bits
}

function cascade(m: Arena, level: number, tick: number): void {
  const head = slotAt(level, (tick >>> (SLOT_BITS * level)) & SLOT_MASK)
  let record = m.get32(head)
  m.put32(head, 0)
  while (record !== 0) {
    const next = m.get32(record + TIMER_NEXT)
    file(m, record)
    record = next
  }
}

function fireSlot(m: Arena, tick: number, fire: (record: Address) => void): void {
  const head = slotAt(0, tick & SLOT_MASK)
  for (let record = m.get32(head); record !== 0; ) {
    // Set while this slot fires, for exactly one turn of the wheel later: it stands here too, and waits.
    if (((m.get32(record + TIMER_AT) - tick) | 0) > 0) {
      record = m.get32(record + TIMER_NEXT)
      continue
    }
    clearTimer(m, record)
    fire(record)
    record = m.get32(head)
  }
}

/** Moves an idle clock on. No slot lies between here and there, but a wheel may turn: nothing is left behind. */
function skipTo(m: Arena, tick: number): void {
  m.put32(WHEEL_TICK, tick)
  for (let level = WHEEL_LEVELS - 1; level > 0; level--) cascade(m, level, tick)
}
