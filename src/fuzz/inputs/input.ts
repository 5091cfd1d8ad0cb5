/**
 * What comes in and is no frame: files, messages, filters, calls, words that somebody typed.
 *
 * An input is a list of pieces (bytes, characters, calls, messages), drawn from a seed. Its oracle plays the list from a fresh
 * beginning and says in one sentence what is wrong. What holds for every input: no exception escapes, and the work
 * is bounded (watch.ts counts the turns of the product's loops, and throws at too many). What fails is shrunk by leaving out pieces.
 */
import { Dice } from '../../simulate/dice.ts'
import { takeTurns } from '../watch.ts'

export interface Input<T> {
  readonly name: string
  /** How many of them are tried in one round. */
  readonly round: number
  draw(dice: Dice): readonly T[]
  /** What is wrong with what became of it, in a sentence. It depends on the pieces alone. */
  fault(pieces: readonly T[]): string | undefined | Promise<string | undefined>
  /** The pieces as they are printed. */
  show(pieces: readonly T[]): string
}

/** What became of one input. */
export interface Tried {
  readonly turns: number
  readonly failure?: { readonly what: string; readonly shown: string }
}

export interface Target {
  readonly name: string
  readonly round: number
  run(seed: number): Promise<Tried>
}

/** Plays that are spent on making a failing input shorter. */
const PLAYS_AT_MOST = 600

export function target<T>(input: Input<T>): Target {
  return {
    name: input.name,
    round: input.round,
    async run(seed) {
      const pieces = input.draw(new Dice(seed))
      worst = 0
      const what = await faultOf(input, pieces)
      const turns = worst
      if (what === undefined) return { turns }
      const least = await shrunk(input, pieces, what)
      return { turns, failure: { what: (await faultOf(input, least)) ?? what, shown: input.show(least) } }
    },
  }
}

let worst = 0

/** One step of an input: the turns that it takes count by themselves, and may be so many. */
export function step<R>(work: () => R, most = Infinity): R {
  takeTurns()
  const result = work()
  const turns = takeTurns()
  worst = Math.max(worst, turns)
  if (turns > most) throw new Error(`loops took ${turns} turns, ${most} may be`)
  return result
}

async function faultOf<T>(input: Input<T>, pieces: readonly T[]): Promise<string | undefined> {
  takeTurns()
  try {
    return await input.fault(pieces)
  } catch (error) {
    if (!(error instanceof Error)) return `${String(error)} was thrown`
    const at = (error.stack ?? '')
      .split('\n')
      .filter(line => line.trimStart().startsWith('at '))
      .slice(0, 5)
    return `${error.name}: ${error.message.split('\n', 1)[0]} ${at.map(line => line.trim().split(' (')[0]).join(' ')}`
  } finally {
    worst = Math.max(worst, takeTurns())
  }
}

/** What a failure is about, without its numbers and what it quotes. */
const kindOf = (what: string): string => what.replace(/[‘'].*/s, '').replace(/\d+/g, '#')

/** As few of the pieces, in order, as still fail that way. */
async function shrunk<T>(input: Input<T>, pieces: readonly T[], what: string): Promise<readonly T[]> {
  let least = pieces
  let plays = 0
  for (let size = Math.ceil(pieces.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < least.length && plays < PLAYS_AT_MOST; plays++) {
      const fewer = [...least.slice(0, at), ...least.slice(at + size)]
      const other = await faultOf(input, fewer)
      if (other !== undefined && kindOf(other) === kindOf(what)) least = fewer
      else at += size
    }
  return least
}

/** Whether it is one sentence for a person, who may be shown what was `given`. */
export const isSentence = (text: unknown, given = ''): text is string =>
  typeof text === 'string' &&
  text.length >= 8 &&
  text.length <= 400 + 4 * given.length &&
  /[.!?]$/.test(text) &&
  !/undefined|NaN|\[object/.test(text)

export const hexOf = (bytes: readonly number[]): string => Buffer.from(bytes).toString('hex') || '(none)'
