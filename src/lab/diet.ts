/**
 * The diet: what a profile's text costs, what a switch would save, and why one cannot go without another. The figures
 * are the build's own (size.json); the rules are those by which sets are built (src/size/switches.js).
 */
import type { Sizes } from '../size/measure.js'
import { closure, SWITCHES } from '../size/switches.js'

export type { ProfileSize, Sizes, SwitchCost } from '../size/measure.js'

/** A set of switches after one was turned, and what turned with it, as sentences. */
export interface Turned {
  readonly on: ReadonlySet<string>
  readonly because: readonly string[]
}

/** Turns a switch: what needs it goes with it, what it needs comes with it, and its alternative makes room. */
export function turn(on: ReadonlySet<string>, name: string): Turned {
  return on.has(name) ? turnOff(on, name) : turnOn(on, name)
}

function turnOff(on: ReadonlySet<string>, name: string): Turned {
  const gone = [...on].filter(other => other !== name && closure(other).has(name))
  return {
    on: new Set([...on].filter(other => other !== name && !gone.includes(other))),
    because: gone.map(other => `${other} goes too: it needs ${name}.`),
  }
}

function turnOn(on: ReadonlySet<string>, name: string): Turned {
  const come = [...closure(name)].filter(need => !on.has(need))
  const features = new Map(come.map(each => [featureOf(each), each]))
  const rivals = [...on].filter(other => features.has(featureOf(other)))
  const gone = [...on].filter(other => rivals.some(rival => closure(other).has(rival)))
  const reason = (other: string): string =>
    rivals.includes(other)
      ? `${other} makes room: a stack has one of the two.`
      : `${other} goes too: it needs ${rivals.find(rival => closure(other).has(rival))}.`
  return {
    on: new Set([...[...on].filter(other => !gone.includes(other)), ...come]),
    because: [
      ...come.filter(each => each !== name).map(each => `${each} comes too: ${name} needs it.`),
      ...gone.map(reason),
    ],
  }
}

const featureOf = (name: string): string => SWITCHES.find(one => one.name === name)?.feature ?? name

export interface Cost {
  readonly min: number
  readonly gzip: number
}

/** What each switch's own measured cost sums to, between two sets: positive when `to` is the smaller one. */
export function saving({ switches }: Sizes, from: ReadonlySet<string>, to: ReadonlySet<string>): Cost {
  const sum = (on: ReadonlySet<string>, without: ReadonlySet<string>, unit: keyof Cost): number =>
    [...on].filter(name => !without.has(name)).reduce((all, name) => all + (switches[name]?.[unit] ?? 0), 0)
  return {
    min: sum(from, to, 'min') - sum(to, from, 'min'),
    gzip: sum(from, to, 'gzip') - sum(to, from, 'gzip'),
  }
}

/** The switches of a set, in the table's order. */
export const inOrder = (on: ReadonlySet<string>): readonly string[] =>
  SWITCHES.map(({ name }) => name).filter(name => on.has(name))

/**
 * What the arena may have of a budget that has to hold the text, too: a whole number of 32-bit words.
 *
 * Throws a sentence when the text alone fills it.
 */
export function arenaBeside(text: number, budget: number, profile: string): number {
  const arena = Math.floor((budget - text) / 4) * 4
  if (arena > 0) return arena
  throw new RangeError(
    `The ${profile} stack’s text alone is ${text} bytes: choose a budget that holds it and the arena, or do not count it.`,
  )
}

/** History: what the 2014 series measured, kB of text, and what it compared itself with. */
export const HISTORY = { full: 400, diet: 170, lwip: 100 } as const
