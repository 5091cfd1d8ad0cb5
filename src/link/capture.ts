/**
 * The page's capture: every frame that entered the switch and where it went, in one ring of bytes. The oldest go
 * when it is full. Taking a frame is one copy and no allocation; telling the page of it is one more copy for all
 * frames since the last time, and one transfer.
 *
 * An entry is 8-byte aligned and begins with 16 bytes that all kinds share:
 *
 *   0  kind   2  port   4  number (the frame's; a note's own)   8  time, ms as a double
 *   frame:    16  length   20  the bytes
 *   arrival:  16  fate
 *   note:     nothing more: the number means something to whoever made it
 *
 * An entry never wraps: a filler takes the rest of the ring when it does not fit there. The arrivals of a frame
 * stand behind it and before the next frame.
 */
import type { Ms } from '../stack/stack.ts'
import type { Fate } from './fate.ts'
import type { PortNumber, Witness } from './switch.ts'

const FILLER = 0
const FRAME = 1
const ARRIVAL = 2
const NOTE = 3

const PORT = 2
const NUMBER = 4
const TIME = 8
const LENGTH = 16
const BYTES = 20
const FATE = 16
const ARRIVAL_SIZE = 24
const NOTE_SIZE = 16

const frameSize = (length: number): number => (BYTES + length + 7) & ~7

/** Who is told of entries, oldest first. `bytes` is a view into the entries' buffer. */
export interface CaptureReader {
  frame(no: number, from: PortNumber, time: Ms, bytes: Uint8Array): void
  arrival(no: number, at: PortNumber, time: Ms, fate: Fate): void
  note(number: number, time: Ms): void
}

/** Entries in one piece, to be transferred. */
export interface PackedEntries {
  readonly entries: ArrayBuffer
  /** How many frames, with their arrivals, were too many to tell; the ring still holds them. */
  readonly leftOut: number
}

export class Capture implements Witness {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #size: number
  /** Positions count bytes ever written; the ring's offset is the position modulo its size. */
  #head = 0
  #tail = 0
  #toldUpTo = 0
  #framesToTell = 0
  #lastNo: number

  /** `size`: bytes; a multiple of 8, room for a few frames at least. `lastNo`: the number of the frame before the first. */
  constructor(size: number, lastNo = 0) {
    if (size % 8 !== 0 || size < 8192)
      throw new RangeError('A capture ring has a multiple of 8 bytes, at least 8192.')
    const ring = new ArrayBuffer(size)
    this.#bytes = new Uint8Array(ring)
    this.#view = new DataView(ring)
    this.#size = size
    this.#lastNo = lastNo
  }

  /** How many frames were ever taken: the last frame's number. */
  get frames(): number {
    return this.#lastNo
  }

  frame(from: PortNumber, now: Ms, frame: Uint8Array): number {
    const no = ++this.#lastNo
    const at = this.#claim(frameSize(frame.length), FRAME, from, no, now)
    this.#view.setUint32(at + LENGTH, frame.length, true)
    this.#bytes.set(frame, at + BYTES)
    this.#framesToTell++
    return no
  }

  arrival(no: number, port: PortNumber, now: Ms, fate: Fate): void {
    const at = this.#claim(ARRIVAL_SIZE, ARRIVAL, port, no, now)
    this.#view.setUint32(at + FATE, fate, true)
  }

  /** A mark between frames, so that other events keep their place in the order. */
  note(number: number, now: Ms): void {
    this.#claim(NOTE_SIZE, NOTE, 0, number, now)
  }

  /** Forgets all frames; numbers go on. What was not packed yet is never told. */
  clear(): void {
    this.#tail = this.#head
    this.#toldUpTo = this.#head
    this.#framesToTell = 0
  }

  /** Makes room and writes what all kinds share; returns the entry's offset. */
  #claim(size: number, kind: number, port: PortNumber, number: number, time: Ms): number {
    const rest = this.#size - (this.#head % this.#size)
    if (size > rest) {
      this.#free(rest)
      this.#view.setUint8(this.#head % this.#size, FILLER)
      this.#head += rest
    }
    this.#free(size)
    const at = this.#head % this.#size
    this.#head += size
    this.#view.setUint8(at, kind)
    this.#view.setUint16(at + PORT, port, true)
    this.#view.setUint32(at + NUMBER, number, true)
    this.#view.setFloat64(at + TIME, time, true)
    return at
  }

  #free(size: number): void {
    while (this.#head + size - this.#tail > this.#size) this.#tail += this.#entrySize(this.#tail)
  }

  #entrySize(position: number): number {
    const at = position % this.#size
    return this.#view.getUint8(at) === FILLER ? this.#size - at : entrySize(this.#view, at)
  }

  /** Whether there is something that `pack` would tell. */
  get pending(): boolean {
    return this.#toldUpTo < this.#head
  }

  /** All that was taken since the last call: every note, and at most so many frames with their arrivals. */
  pack(mostFrames: number): PackedEntries {
    const from = Math.max(this.#toldUpTo, this.#tail)
    const all = this.#framesToTell
    this.#toldUpTo = this.#head
    this.#framesToTell = 0
    const packed = new Uint8Array(this.#head - from)
    let length = 0
    let frames = 0
    let skipped = false
    for (let position = from; position < this.#head; ) {
      const at = position % this.#size
      const size = this.#entrySize(position)
      position += size
      const kind = this.#view.getUint8(at)
      if (kind === FRAME) skipped = frames >= mostFrames
      if (kind === FILLER || (skipped && kind !== NOTE)) continue
      if (kind === FRAME) frames++
      packed.set(this.#bytes.subarray(at, at + size), length)
      length += size
    }
    return { entries: packed.slice(0, length).buffer, leftOut: all - frames }
  }

  /** Reads everything that the ring still holds. Arrivals whose frame is gone are left out. */
  read(reader: CaptureReader): void {
    let whole = false
    for (let position = this.#tail; position < this.#head; position += this.#entrySize(position)) {
      const at = position % this.#size
      const kind = this.#view.getUint8(at)
      if (kind === FRAME) whole = true
      if (kind !== FILLER && (kind !== ARRIVAL || whole)) readEntry(this.#bytes, this.#view, at, reader)
    }
  }
}

function entrySize(view: DataView, at: number): number {
  const kind = view.getUint8(at)
  return kind === FRAME
    ? frameSize(view.getUint32(at + LENGTH, true))
    : kind === ARRIVAL
      ? ARRIVAL_SIZE
      : NOTE_SIZE
}

function readEntry(bytes: Uint8Array, view: DataView, at: number, reader: CaptureReader): void {
  const kind = view.getUint8(at)
  const port = view.getUint16(at + PORT, true)
  const number = view.getUint32(at + NUMBER, true)
  const time = view.getFloat64(at + TIME, true)
  if (kind === NOTE) reader.note(number, time)
  else if (kind === ARRIVAL) reader.arrival(number, port, time, view.getUint32(at + FATE, true) as Fate)
  else
    reader.frame(
      number,
      port,
      time,
      bytes.subarray(at + BYTES, at + BYTES + view.getUint32(at + LENGTH, true)),
    )
}

/** Reads entries that `pack` made. */
export function readPacked(entries: ArrayBuffer, reader: CaptureReader): void {
  const bytes = new Uint8Array(entries)
  const view = new DataView(entries)
  for (let at = 0; at < bytes.length; at += entrySize(view, at)) readEntry(bytes, view, at, reader)
}
