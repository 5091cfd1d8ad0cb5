/**
 * `npm run mutate`: breaks src/stack/tcp, or another folder, in one place at a time, and tells which breaks no script notices.
 *
 *   npm run mutate                            all mutants: the share that is found out, by sort and file, and the survivors
 *   npm run mutate -- --file recovery         those of the files whose names contain it; rack.ts,sack.ts: of these
 *   npm run mutate -- --folder dhcp           those of src/stack/dhcp
 *   npm run mutate -- --sort condition        those of one sort
 *   npm run mutate -- --sample 200            so many, spread evenly
 *   npm run mutate -- --json                  and one line of JSON
 *
 * All scripts are played unbroken first: what each meets, and whether it would be different there; no other script can
 * tell a mutant. Those that told the last ones of the same function are asked first. Mutants that cannot be told from the
 * original stand in equivalent.txt, each with its reason.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { bundlePlayer, HERE, STACK } from './bundle.js'
import { countTurns, Mutator } from './mutants.js'
import { SCRIPTS, scriptFiles } from './script-files.js'

/** @typedef {import('./mutants.js').Mutant} Mutant */
/** @typedef {import('./trial.js').Rehearsed} Rehearsed */

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    folder: { type: 'string', default: 'tcp' },
    file: { type: 'string' },
    sort: { type: 'string' },
    sample: { type: 'string' },
  },
})
const { folder } = values
const FOLDER = join(STACK, folder, '/')
/** A file as mutants and equivalent.txt name it: those of TCP without their folder. @param {string} file */
const nameIn = file => (folder === 'tcp' ? file : `${folder}/${file}`)

/** tcb.ts is a list of offsets, seq.ts what the mutants of comparisons stand for, the others say types alone. */
const WITHOUT = ['tcp/tcb.ts', 'tcp/seq.ts', 'tcp/options.ts']

/** The program with all its mutants. @returns {Promise<{ code: string, mutants: Mutant[] }>} */
async function bundleMutants() {
  const mutator = new Mutator()
  const inFolder = (/** @type {string} */ file) => `${folder}/${basename(file)}`
  const isMutated = (/** @type {string} */ file) =>
    file.startsWith(FOLDER) && !file.endsWith('.test.ts') && !WITHOUT.includes(inFolder(file))
  for (const file of readdirSync(FOLDER))
    if (isMutated(join(FOLDER, file)))
      mutator.noteConstants(readFileSync(join(FOLDER, file), 'utf8'), nameIn(file))
  const code = await bundlePlayer((text, file) => {
    const mutated = isMutated(file) ? mutator.instrument(text, nameIn(basename(file))) : text
    return file.startsWith(STACK) ? countTurns(mutated) : text
  })
  return { code, mutants: mutator.mutants }
}

/** Workers that each do one task at a time. */
class Pool {
  /** @type {Worker[]} */
  #workers

  /** @param {unknown} workerData */
  constructor(workerData) {
    const trial = new URL('./trial.js', import.meta.url)
    this.#workers = Array.from({ length: availableParallelism() }, () => new Worker(trial, { workerData }))
  }

  /** Says the same to all. @param {unknown} message */
  tell(message) {
    for (const worker of this.#workers) worker.postMessage(message)
  }

  /**
   * The results of tasks, in their order.
   *
   * @param {number} count
   * @param {(i: number) => unknown} taskOf as late as can be
   * @param {(i: number, result: any) => void} done
   */
  async run(count, taskOf, done) {
    let next = 0
    let finished = 0
    await new Promise((resolve, reject) => {
      if (count === 0) resolve(undefined)
      for (const worker of this.#workers) {
        let at = -1
        const begin = () => {
          if (next === count) return
          at = next++
          worker.postMessage(taskOf(at))
        }
        worker.removeAllListeners('message').removeAllListeners('error')
        worker.on('error', reject)
        worker.on('message', result => {
          done(at, result)
          if (++finished === count) resolve(undefined)
          begin()
        })
        begin()
      }
    })
  }

  end() {
    return Promise.all(this.#workers.map(worker => worker.terminate()))
  }
}

/** `file function: change` of each mutant that no test can tell, by lines `… -- reason`. */
const equivalent = new Set(
  readFileSync(join(HERE, 'equivalent.txt'), 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(' -- ', 1)[0] ?? ''),
)
const nameOf = (/** @type {Mutant} */ mutant) => `${mutant.file} ${mutant.within}: ${mutant.change}`

const isWanted = (/** @type {string} */ file) =>
  (values.file ?? '')
    .split(',')
    .some(name => (name.endsWith('.ts') ? file === nameIn(name) : file.includes(name)))

const { code, mutants } = await bundleMutants()
const scripts = scriptFiles().map(file => ({
  name: relative(SCRIPTS, file),
  text: readFileSync(file, 'utf8'),
}))
const pool = new Pool({ code, scripts, count: mutants.length })

/** What each script meets; which of them play, the cheap ones first. @type {Rehearsed[]} */
const rehearsed = []
await pool.run(
  scripts.length,
  script => ({ script }),
  (i, result) => {
    rehearsed[i] = result
    // What does not play in the instrumented program, though no mutant lives, can find none out.
    if (result.failure !== undefined) console.error(`left out: ${result.failure}`)
  },
)
pool.tell({ turns: rehearsed.map(one => one.turns) })
const playable = [...scripts.keys()]
  .filter(i => rehearsed[i]?.failure === undefined)
  .sort((a, b) => (rehearsed[a]?.cost ?? 0) - (rehearsed[b]?.cost ?? 0))

const chosen = mutants
  .map((mutant, id) => ({ ...mutant, id }))
  .filter(({ sort }) => values.sort === undefined || sort === values.sort)
  .filter(mutant => isWanted(mutant.file) && !equivalent.has(nameOf(mutant)))
const step = values.sample === undefined ? 1 : Math.max(1, chosen.length / Number(values.sample))
const tried = chosen.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step))

/** The scripts that told mutants of a function, the last one first. @type {Map<string, number[]>} */
const tellers = new Map()
const placeOf = (/** @type {Mutant} */ mutant) => `${mutant.file} ${mutant.within}`
const metBy = (/** @type {number} */ script, /** @type {number} */ id) => rehearsed[script]?.met[id] ?? 0

/** @param {Mutant & { id: number }} mutant */
function orderFor(mutant) {
  const order = [...(tellers.get(placeOf(mutant)) ?? []), ...playable]
  return [...new Set(order)].filter(script => metBy(script, mutant.id) > 1)
}

/** Who told each. @type {number[]} */
const tellerOf = []
await pool.run(
  tried.length,
  i => ({ mutant: tried[i]?.id, order: orderFor(/** @type {Mutant & { id: number }} */ (tried[i])) }),
  (i, teller) => {
    tellerOf[i] = teller
    const place = placeOf(/** @type {Mutant} */ (tried[i]))
    if (teller >= 0) tellers.set(place, [teller, ...(tellers.get(place) ?? []).filter(one => one !== teller)])
  },
)
await pool.end()

/** @typedef {{ killed: number, all: number }} Share */
/**
 * @param {(mutant: Mutant) => string} group
 * @returns {Record<string, Share>}
 */
function sharesBy(group) {
  /** @type {Record<string, Share>} */
  const shares = {}
  for (const [i, mutant] of tried.entries()) {
    const name = group(mutant)
    const share = shares[name] ?? { killed: 0, all: 0 }
    shares[name] = { killed: share.killed + (tellerOf[i] === -1 ? 0 : 1), all: share.all + 1 }
  }
  return shares
}

/** How near any script came to it. @param {number} id */
function nearness(id) {
  if (playable.every(script => metBy(script, id) === 0)) return '  (no script comes here)'
  return playable.every(script => metBy(script, id) < 2) ? '  (no script comes to where they differ)' : ''
}

const survivors = tried.filter((_, i) => tellerOf[i] === -1)
for (const mutant of survivors)
  console.log(
    `src/stack/${folder === 'tcp' ? 'tcp/' : ''}${mutant.file}:${mutant.line}  ${mutant.within}: ${mutant.change}${nearness(mutant.id)}`,
  )
console.log()
/** @param {Record<string, Share>} shares */
function print(shares) {
  for (const [name, { killed, all }] of Object.entries(shares))
    console.log(`${name.padEnd(24)}${killed} of ${all} found out, ${((100 * killed) / all).toFixed(1)} %`)
}
const files = sharesBy(mutant => mutant.file)
const shares = { ...sharesBy(mutant => mutant.sort), ...sharesBy(() => 'all') }
print(files)
print(shares)
console.log(`${scripts.length} scripts; ${equivalent.size} mutants are set aside as equivalent`)
const names = new Set(mutants.map(nameOf))
const isOurs = (/** @type {string} */ name) =>
  folder === 'tcp' ? !name.split(' ', 1)[0]?.includes('/') : name.startsWith(`${folder}/`)
for (const name of equivalent)
  if (isOurs(name) && !names.has(name)) console.log(`equivalent.txt names no mutant: ${name}`)
if (values.json === true) console.log(JSON.stringify({ shares, files, survivors: survivors.map(nameOf) }))
