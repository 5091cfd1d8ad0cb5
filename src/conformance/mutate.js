/**
 * `npm run mutate`: breaks src/stack/tcp in one place at a time, and tells which breaks no script notices.
 *
 *   npm run mutate                            all mutants: the share that is found out, by sort, and the survivors
 *   npm run mutate -- --file recovery         those of the files whose names contain it
 *   npm run mutate -- --sample 200            so many, spread evenly
 *   npm run mutate -- --json                  and one line of JSON
 *
 * Mutants that cannot be told from the original stand in equivalent.txt, each with its reason.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { HERE, loadPlayer, STACK } from './bundle.js'
import { countTurns, Mutator } from './mutants.js'
import { SCRIPTS, scriptFiles } from './script-files.js'

/** @typedef {import('./mutants.js').Mutant} Mutant */

const TCP = join(STACK, 'tcp')
/** tcb.ts is a list of offsets, seq.ts what the mutants of comparisons stand for, the others say types alone. */
const WITHOUT = ['tcb.ts', 'seq.ts', 'options.ts', 'congestion.ts']

/** What mutated code asks. `living` is the mutant's number, -1 for none. */
class Life {
  living = -1
  /** Which mutants were met. */
  met = new Uint8Array(0)
  turns = 0
  turnsMax = Number.POSITIVE_INFINITY

  /** @param {string} operator @param {number} a @param {number} b */
  static compute(operator, a, b) {
    switch (operator) {
      case '<':
        return a < b
      case '<=':
        return a <= b
      case '>':
        return a > b
      case '>=':
        return a >= b
      case '===':
        return a === b
      case '!==':
        return a !== b
      case '+':
        return a + b
      default:
        return a - b
    }
  }

  /** @param {[number, string][]} ids @param {string} operator @param {number} a @param {number} b */
  op(ids, operator, a, b) {
    for (const [id, other] of ids) {
      this.met[id] = 1
      if (id === this.living) return Life.compute(other, a, b)
    }
    return Life.compute(operator, a, b)
  }

  /** @param {[number, string][]} ids @param {string} operator @param {number} a @param {number} b */
  seq(ids, operator, a, b) {
    return this.op(ids, operator, (a - b) | 0, 0)
  }

  /** @param {number} id @param {string} operator @param {() => unknown} a @param {() => unknown} b */
  logic(id, operator, a, b) {
    this.met[id] = 1
    return (operator === '&&') !== (id === this.living) ? a() && b() : a() || b()
  }

  /** @param {number} id @param {unknown} condition */
  not(id, condition) {
    this.met[id] = 1
    return id === this.living ? !condition : condition
  }

  /** @param {number} id @param {string} name @param {number[]} values */
  bound(id, name, ...values) {
    this.met[id] = 1
    return (name === 'Math.min') !== (id === this.living) ? Math.min(...values) : Math.max(...values)
  }

  /** @param {[number, number?]} ids of one more and one less @param {number} value */
  num([more, less], value) {
    this.met[more] = 1
    if (less === undefined) return value + (more === this.living ? 1 : 0)
    this.met[less] = 1
    return value + (more === this.living ? 1 : less === this.living ? -1 : 0)
  }

  /** @param {number} id */
  keep(id) {
    this.met[id] = 1
    return id !== this.living
  }

  turn() {
    if (++this.turns > this.turnsMax) throw new Error('A loop without end.')
  }
}

/** @returns {Promise<{ life: Life, mutants: Mutant[], playScript: (file: string, text: string) => void }>} */
async function loadMutants() {
  const life = new Life()
  Object.assign(globalThis, { $M: life })
  const mutator = new Mutator()
  const isMutated = (/** @type {string} */ file) =>
    file.startsWith(TCP) && !file.endsWith('.test.ts') && !WITHOUT.includes(basename(file))
  for (const file of readdirSync(TCP))
    if (isMutated(join(TCP, file))) mutator.noteConstants(readFileSync(join(TCP, file), 'utf8'), file)
  const { playScript } = await loadPlayer((code, file) => {
    const mutated = isMutated(file) ? mutator.instrument(code, basename(file)) : code
    return file.startsWith(STACK) ? countTurns(mutated) : code
  })
  return { life, mutants: mutator.mutants, playScript }
}

/**
 * Plays every script unbroken: what each meets, and how long it takes.
 *
 * @param {Life} life
 * @param {number} count
 * @param {(file: string, text: string) => void} playScript
 */
function rehearse(life, count, playScript) {
  const scripts = scriptFiles().flatMap(file => {
    const name = relative(SCRIPTS, file)
    const text = readFileSync(file, 'utf8')
    life.met = new Uint8Array(count)
    life.turns = 0
    try {
      playScript(name, text)
    } catch (error) {
      // What does not play in the instrumented program, though no mutant lives, can find none out.
      console.error(`left out: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`)
      return []
    }
    const began = performance.now()
    playScript(name, text)
    return { name, text, met: life.met, turns: life.turns, cost: performance.now() - began }
  })
  life.turnsMax = 20 * Math.max(...scripts.map(script => script.turns)) + 100_000
  return scripts.toSorted((a, b) => a.cost - b.cost)
}

/** `file function: change` of each mutant that no test can tell, by lines `… -- reason`. */
const equivalent = new Set(
  readFileSync(join(HERE, 'equivalent.txt'), 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(' -- ', 1)[0] ?? ''),
)
const nameOf = (/** @type {Mutant} */ mutant) => `${mutant.file} ${mutant.within}: ${mutant.change}`

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, file: { type: 'string' }, sample: { type: 'string' } },
})
const { life, mutants, playScript } = await loadMutants()
const scripts = rehearse(life, mutants.length, playScript)
const chosen = mutants
  .map((mutant, id) => ({ ...mutant, id }))
  .filter(mutant => mutant.file.includes(values.file ?? '') && !equivalent.has(nameOf(mutant)))
const step = values.sample === undefined ? 1 : Math.max(1, chosen.length / Number(values.sample))
const tried = chosen.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step))

/**
 * Whether a script that comes by the mutant fails; how many do come by.
 *
 * @param {number} id
 */
function tryMutant(id) {
  const meeting = scripts.filter(script => script.met[id] === 1)
  life.living = id
  const found = meeting.some(({ name, text }) => {
    life.turns = 0
    try {
      playScript(name, text)
      return false
    } catch {
      return true
    }
  })
  life.living = -1
  return { found, meeting: meeting.length }
}

/** @type {(Mutant & { met: boolean })[]} */
const survivors = []
/** @type {Map<string, { killed: number, all: number }>} */
const shares = new Map()
for (const mutant of tried) {
  const { found, meeting } = tryMutant(mutant.id)
  if (!found) survivors.push({ ...mutant, met: meeting > 0 })
  const share = shares.get(mutant.sort) ?? { killed: 0, all: 0 }
  shares.set(mutant.sort, { killed: share.killed + (found ? 1 : 0), all: share.all + 1 })
}

for (const { file, line, within, change, met } of survivors)
  console.log(`src/stack/tcp/${file}:${line}  ${within}: ${change}${met ? '' : '  (no script comes here)'}`)
const sum = (/** @type {'killed' | 'all'} */ which) =>
  [...shares.values()].reduce((all, one) => all + one[which], 0)
shares.set('all', { killed: sum('killed'), all: sum('all') })
console.log()
for (const [sort, { killed, all }] of shares)
  console.log(`${sort.padEnd(12)}${killed} of ${all} found out, ${((100 * killed) / all).toFixed(1)} %`)
console.log(`${scripts.length} scripts; ${equivalent.size} mutants are set aside as equivalent`)
const names = new Set(mutants.map(nameOf))
for (const name of equivalent) if (!names.has(name)) console.log(`equivalent.txt names no mutant: ${name}`)
if (values.json === true)
  console.log(JSON.stringify({ shares: Object.fromEntries(shares), survivors: survivors.map(nameOf) }))
