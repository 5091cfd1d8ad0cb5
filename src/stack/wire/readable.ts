/** How headers are put into words. For traces, tests and the page; never in a profile. */
import type { Field, Layer } from './dissect.ts'

/** 0x0a000001 as '10.0.0.1'. */
export const dotted = (address: number): string =>
  `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`

/** The four bytes at `at`, in network order, as '10.0.0.1'. */
export const addressAt = (view: DataView, at: number): string => dotted(view.getUint32(at))

/** 'xx:xx:xx:xx:xx:xx'. */
export function macAt(view: DataView, at: number): string {
  let text = ''
  for (let i = 0; i < 6; i++)
    text +=
      (i ? ':' : '') +
      view
        .getUint8(at + i)
        .toString(16)
        .padStart(2, '0')
  return text
}

/** 0x0800 for (2048, 4). */
export const hex = (value: number, digits: number): string =>
  `0x${(value >>> 0).toString(16).padStart(digits, '0')}`

/** '1 byte', '2 bytes'. */
export const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

/** 2914330117 as '2 914 330 117', with spaces that do not break. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, '\u00a0')

/** The sum of RFC 1071, 1, written for reading; the stack has a fast one. `seed` starts it, for a pseudo-header. */
export function onesComplementSum(view: DataView, from: number, to: number, seed = 0): number {
  let sum = seed
  for (let i = from; i < to; i += 2) sum += i + 1 < to ? view.getUint16(i) : view.getUint8(i) << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return sum
}

/** What a checksum field should hold, and whether it does. `without` is the sum over all but the field itself. */
export function checksumFault(found: number, sumWithField: number): string | undefined {
  if (sumWithField === 0xffff) return undefined
  let rest = sumWithField - found
  if (rest < 0) rest += 0xffff
  return `Checksum is ${hex(found, 4)}, should be ${hex(~rest & 0xffff, 4)}.`
}

/**
 * One header while it is read. A field that does not fit in the bytes there are is left out, and said to be missing,
 * so reading never throws, whatever came over the wire.
 */
export class Reading {
  readonly view: DataView
  /** Where the header begins. */
  readonly at: number
  /** Where the bytes that belong to it and to what it carries end. */
  readonly end: number
  readonly #fields: Field[] = []
  #missing = 0

  constructor(view: DataView, at: number, end: number) {
    this.view = view
    this.at = at
    this.end = Math.min(end, view.byteLength)
  }

  has(offset: number, length: number): boolean {
    return this.at + offset + length <= this.end
  }

  /** `say` and `wrong` are asked only when the bytes are there. `offset` counts from the header's start. */
  field(
    name: string,
    offset: number,
    length: number,
    note: string,
    say: (at: number) => string,
    wrong?: (at: number) => string | undefined,
  ): void {
    if (!this.has(offset, length)) {
      this.#missing = Math.max(this.#missing, this.at + offset + length - this.end)
      return
    }
    const at = this.at + offset
    const fault = wrong?.(at)
    const field = { name, value: say(at), offset: at, length, note }
    this.#fields.push(fault === undefined ? field : { ...field, wrong: fault })
  }

  done(name: string, source: string, length: number, summary: string): Layer {
    const available = Math.max(0, Math.min(length, this.end - this.at))
    if (this.#missing > 0 && this.end > 0) this.#fields.push(this.#truncation())
    return { name, source, offset: this.at, length: available, fields: this.#fields, summary }
  }

  #truncation(): Field {
    const wrong = `The frame ends inside this header: ${count(this.#missing, 'more byte')} should follow.`
    return {
      name: 'Truncated',
      value: `${count(this.#missing, 'byte')} missing`,
      offset: this.end - 1,
      length: 1,
      note: 'A header that is cut short is dropped and counted; nothing in it can be trusted.',
      wrong,
    }
  }
}
