/**
 * Functions that read alike stand beside each other, so that gzip, which looks back 32 kB and prefers what is near, finds
 * more of what it has seen. Declarations of functions may stand in any order: all are there before the first line runs.
 */
import { gzipSync } from 'node:zlib'
import { parse } from './syntax.js'

/**
 * Two functions are as alike as the runs of so many characters that they have in common, and each is compared with so
 * many that stand before it. Which numbers are best differs by chance from one text to another, by 1 %: all are tried,
 * so that chance is no part of what a switch costs.
 */
const WAYS = [
  { run: 3, looksBack: 4 },
  { run: 3, looksBack: 16 },
  { run: 4, looksBack: 16 },
  { run: 6, looksBack: 16 },
]

/**
 * @param {string} code a module
 * @returns {string} the same one, its functions first, in an order that compresses
 */
export function alikeTogether(code) {
  const body = parse(code)['body']
  const textOf = (/** @type {import('./syntax.js').Node} */ { start, end }) => code.slice(start, end)
  const [functions, others] = [true, false].map(wanted =>
    body
      .filter((/** @type {{ type: string }} */ { type }) => (type === 'FunctionDeclaration') === wanted)
      .map(textOf),
  )
  const rest = others.map((/** @type {string} */ one) => (one.endsWith(';') ? one : `${one};`))
  const texts = WAYS.map(way => [...inOrder(functions, way), ...rest].join(''))
  return texts.reduce((best, text) => (zipped(text) < zipped(best) ? text : best))
}

const zipped = (/** @type {string} */ text) => gzipSync(text, { level: 9 }).length

/**
 * From each function to the one of which most was just seen.
 *
 * @param {string[]} functions
 * @param {{ run: number, looksBack: number }} way
 * @returns {string[]}
 */
function inOrder(functions, { run: length, looksBack }) {
  const { runs, count } = runsOf(functions, length)
  /** For each run, at which step it was seen last. */
  const seen = new Int32Array(count).fill(-looksBack)
  const left = new Set(functions.keys())
  /** @type {string[]} */
  const order = []
  for (let next = 0; left.size > 0; next = mostAlike(left, runs, seen, order.length - looksBack)) {
    left.delete(next)
    for (const run of runs[next] ?? []) seen[run] = order.length
    order.push(functions[next] ?? '')
  }
  return order
}

/**
 * @param {Iterable<number>} left
 * @param {readonly (readonly number[])[]} runs
 * @param {Int32Array} seen
 * @param {number} since the step from which on a run counts as seen
 */
function mostAlike(left, runs, seen, since) {
  let [best, most] = [0, -1]
  for (const i of left) {
    const own = runs[i] ?? []
    let common = 0
    for (const run of own) if (/** @type {number} */ (seen[run]) >= since) common++
    if (common <= most * own.length) continue
    best = i
    most = common / own.length
  }
  return best
}

/**
 * The different runs of each function, numbered; its own name says nothing.
 *
 * @param {string[]} functions
 * @param {number} length
 * @returns {{ runs: number[][], count: number }}
 */
function runsOf(functions, length) {
  /** @type {Map<string, number>} */
  const numbers = new Map()
  const runs = functions.map(one => {
    const text = one.slice(one.indexOf('('))
    /** @type {Set<number>} */
    const own = new Set()
    for (let i = 0; i + length <= text.length; i++) {
      const run = text.slice(i, i + length)
      const number = numbers.get(run) ?? numbers.size
      numbers.set(run, number)
      own.add(number)
    }
    return [...own]
  })
  return { runs, count: numbers.size }
}
