/**
 * `npm run simulate`: storms in virtual time, each from a seed.
 *
 *   npm run simulate                          200 seeds, from 1
 *   npm run simulate -- --seeds 100000        so many
 *   npm run simulate -- --first 5000          from this one on
 *   npm run simulate -- --seed 42             one, told in full; twice, for it must be the same byte for byte
 *   npm run simulate -- --built               each with the sources and with the built files: the same, byte for byte?
 *   npm run simulate -- --json                and one line of JSON
 *
 * A seed that fails is shrunk, and what one host met in what is left of its plan is written as a packet script, storm-SEED.pkt, to be
 * put into src/conformance/scripts. Where no host alone fails by what it meets, the plan itself goes into cases/.
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { whole } from '../serve/whole-number.js'
import { bundleSimulation, importSimulation } from './bundle.js'

/** @typedef {import('./world.ts').Outcome} Outcome */

const SHRUNK_AT_MOST = 3

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    built: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

const code = await bundleSimulation()
const built = values.built ? await bundleSimulation(true) : undefined
const { planOf, run, shrink, storyOf } = await importSimulation(code)
const tally = values.seed === undefined ? await many() : one(whole('seed', values.seed))
const report = process.env['REPORT']
if (report !== undefined) writeFileSync(report, JSON.stringify(tally))
if (values.json) console.log(JSON.stringify(tally))
process.exitCode = tally.failed > 0 || tally.ran === 0 ? 1 : 0

/** @param {number} seed */
function one(seed) {
  const plan = planOf(seed)
  for (const host of plan.hosts) console.log(JSON.stringify(host))
  for (const incident of plan.incidents) console.log(JSON.stringify(incident))
  const [outcome, again] = [run(plan), run(plan)]
  tell(outcome)
  for (const [ending, ends] of outcome.endings) console.log(`  ${ends} ${ending}`)
  const same = outcome.digest === again.digest
  console.log(`${outcome.frames} frames; again: ${same ? 'the same, byte for byte' : 'NOT the same'}`)
  if (outcome.failure !== undefined) tellLeast(seed)
  return { ran: 1, failed: outcome.failure === undefined && same ? 0 : 1, skipped: 0, frames: outcome.frames }
}

async function many() {
  const began = performance.now()
  const first = whole('first', values.first)
  const seeds = whole('seeds', values.seeds)
  const sums = { ran: 0, failed: 0, skipped: 0, frames: 0, virtualHours: 0 }
  /** @type {Map<string, number>} */
  const endings = new Map()
  let next = first
  const take = (/** @type {Outcome} */ outcome) => {
    sums.ran++
    sums.frames += outcome.frames
    sums.virtualHours += outcome.seconds / 3600
    for (const [ending, ends] of outcome.endings) endings.set(ending, (endings.get(ending) ?? 0) + ends)
    if (outcome.failure === undefined) return
    tell(outcome)
    if (++sums.failed <= SHRUNK_AT_MOST && built === undefined) tellLeast(outcome.seed)
  }
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./runner.js', import.meta.url), { workerData: { code, built } })
      worker.on('error', reject)
      worker.on('exit', resolve)
      worker.on('message', (/** @type {Outcome | undefined} */ outcome) => {
        if (outcome !== undefined) take(outcome)
        if (next < first + seeds) worker.postMessage(next++)
        else worker.terminate()
      })
    })
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  const seconds = (performance.now() - began) / 1000
  const ends = [...endings].sort((a, b) => b[1] - a[1]).map(([ending, times]) => `${times} ${ending}`)
  console.log(
    `${sums.ran} seeds from ${first}, ${sums.failed} failed; ${sums.frames} frames in ${sums.virtualHours.toFixed(0)} virtual hours, ${seconds.toFixed(0)} s`,
  )
  console.log(`Ends of streams: ${ends.join(', ')}.`)
  return sums
}

/** @param {Outcome} outcome */
function tell({ seed, failure }) {
  console.log(`seed ${seed}: ${failure ?? 'as it should be'}`)
}

/** @param {number} seed */
function tellLeast(seed) {
  const least = shrink(planOf(seed))
  const { failure, script } = storyOf(least)
  console.log(`  shrunk to ${least.hosts.length} hosts and ${least.incidents.length} incidents, ${failure}:`)
  console.log(JSON.stringify(least))
  if (script === undefined)
    return console.log('  No host alone fails by what it meets: this plan is the case.')
  const file = `storm-${seed}.pkt`
  writeFileSync(file, script)
  console.log(`  ${file}, ${script.split('\n').length} lines: put it into src/conformance/scripts`)
}
