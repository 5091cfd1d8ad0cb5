/** Drawing bytes and words: the usual ones, their edges, and rubbish. */
import type { Dice } from '../../simulate/dice.ts'

export const noise = (dice: Dice, length: number): number[] => Array.from({ length }, () => dice.below(256))

export const times = <T>(n: number, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => make(i))

/** A number of 32 bits as 4 bytes. */
export const u32 = (value: number, little: boolean): number[] =>
  ordered(
    [24, 16, 8, 0].map(at => (value >>> at) & 255),
    little,
  )
export const u16 = (value: number, little: boolean): number[] =>
  ordered([(value >>> 8) & 255, value & 255], little)
const ordered = (bytes: number[], little: boolean): number[] => (little ? bytes.reverse() : bytes)

/** A number at one of the edges where readers go wrong. */
export const edge = (dice: Dice, near = 0): number =>
  dice.one([
    0,
    1,
    3,
    4,
    8,
    11,
    12,
    near - 4,
    near - 1,
    near + 1,
    near + 4,
    0x7fffffff,
    0x80000000,
    0xfffffffc,
    0xffffffff,
    dice.word(),
  ]) >>> 0

/** The bytes with a few places changed. */
export function changed(dice: Dice, bytes: readonly number[]): number[] {
  const made = [...bytes]
  for (let n = dice.between(1, 4); n > 0; n--) {
    const at = dice.below(Math.max(1, made.length))
    switch (dice.below(6)) {
      case 0:
        made.splice(at, dice.between(1, 8))
        break
      case 1:
        made.splice(at, 0, ...noise(dice, dice.between(1, 8)))
        break
      case 2:
        made.splice(at, 4, ...u32(edge(dice, bytes.length), dice.chance(0.5)))
        break
      case 3:
        made.length = at
        break
      default:
        if (made.length > 0) made[at] = dice.one([0, 1, 127, 128, 255, dice.below(256)])
    }
  }
  return made
}

/** Characters that parsers stumble over. */
const STRANGE = [
  '',
  ' ',
  '\t',
  '\n',
  '\0',
  '\\',
  '"',
  "'",
  '%',
  '%zz',
  '+',
  '-',
  '--',
  '#',
  '&',
  '=',
  ':',
  '/',
  '..',
  '.',
  ',',
  '؀',
  '٣',
  '１',
  'İ',
  'ß',
  '\ufeff',
  '\u202e',
  '\ud800',
  '😀',
  '{',
  '}',
  '[',
  ']',
  '(',
  '*',
  '$',
  '\\d+',
  '<',
  '>',
]
const WORDS = [
  '0',
  '1',
  '-1',
  '1.5',
  '1e9',
  '0x10',
  '00',
  '65535',
  '65536',
  '4294967296',
  '99999999999999999999',
  'Infinity',
  'null',
  'true',
  'constructor',
  '__proto__',
  'hasOwnProperty',
  'toString',
  'valueof',
  'length',
]

/** Words of the language that a parser knows, with strange ones between them. */
export function words(dice: Dice, known: readonly string[], most: number): string[] {
  return times(dice.between(0, most), () => {
    switch (dice.below(8)) {
      case 0:
        return dice.one(STRANGE)
      case 1:
        return dice.one(WORDS)
      case 2:
        return String.fromCharCode(dice.below(0x10000))
      case 3:
        return dice.one([...known, 'a']).repeat(dice.one([2, 3, 40, 300, dice.below(20) === 0 ? 20_000 : 2]))
      default:
        return dice.one(known)
    }
  })
}
