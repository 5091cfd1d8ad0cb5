/**
 * `npm run fuzz`: frames from a grammar, and frames that were heard with something changed, at hosts of all profiles, alone
 * and in the midst of their conversations.
 *
 *   npm run fuzz                          40,000 frames
 *   npm run fuzz -- --frames 10000000     so many
 *   npm run fuzz -- --seed 42             one run of frames, from this seed
 *   npm run fuzz -- --input pcapng        a round of one kind of input that is no frame (inputs/), or of `all`
 *   npm run fuzz -- --input pcapng --seed 42   one such input
 *   npm run fuzz -- --replay FILE         what it printed of failures, once more; - reads standard input
 *   npm run fuzz -- --missed              and the places of branches that no frame has led to
 *   npm run fuzz -- --json                and one line of JSON
 *
 * Frames that fail are shrunk to as few as still do it, and printed as hex (told.js). A worker's later runs change frames that
 * led its earlier ones somewhere new, so a seed alone may not bring them back: what is printed does.
 * A round of all other inputs goes with each 40,000 frames; those depend on their seed alone.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { imported } from '../serve/imported.js'
import { whole } from '../serve/whole-number.js'
import { bundleSaboteur } from './bundle.js'
import { tryInputs } from './inputs/try.js'
import { readTold, tell } from './told.js'

/** @typedef {import('./failure.ts').Run} Run */

const TOLD_AT_MOST = 5
/** A round of inputs that are no frames goes with so many frames. */
const FRAMES_A_ROUND = 40_000
/** The most turns that loops may take for one frame and what it causes. */
const TURNS_A_FRAME = 20_000

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '40000' },
    seed: { type: 'string' },
    input: { type: 'string' },
    replay: { type: 'string' },
    missed: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

const frames = values.seed === undefined ? whole('frames', values.frames) : 1
const first = values.seed === undefined ? 1 : whole('seed', values.seed)
const { code, places } = await bundleSaboteur()
const tally = values.replay === undefined ? await all() : await again(values.replay)
const report = process.env['REPORT']
if (report !== undefined) writeFileSync(report, JSON.stringify(tally))
if (values.json) console.log(JSON.stringify(tally))
process.exitCode = tally.failed > 0 || tally.ran === 0 ? 1 : 0

/** @param {string} file */
async function again(file) {
  try {
    const failures = readTold(readFileSync(file === '-' ? 0 : file, 'utf8'))
    const { Saboteur } = await imported(code)
    const saboteur = new Saboteur()
    let failed = 0
    for (const failure of failures) {
      const what = saboteur.replay(failure)
      if (what !== undefined) failed++
      console.log(tell({ ...failure, what: what ?? 'nothing is wrong any more' }))
    }
    return { ran: failures.length, failed, skipped: 0 }
  } catch (error) {
    console.error(`--replay ${file}: ${error instanceof Error ? error.message : error}`)
    process.exit(2)
  }
}

async function all() {
  const sums = {
    ran: 0,
    failed: 0,
    skipped: 0,
    frames: 0,
    live: 0,
    worstTurns: 0,
    branches: 0,
    entered: 0,
    inputs: 0,
    worstInputTurns: 0,
  }
  if (values.input === undefined) await allFrames(sums)
  if (values.input !== undefined || values.seed === undefined) await allInputs(sums)
  return sums
}

/** @param {{ ran: number, failed: number, inputs: number, worstInputTurns: number }} sums are added to */
async function allInputs(sums) {
  const began = performance.now()
  const { inputs, failed, worstTurns, worst } = await tryInputs(code, {
    rounds: Math.max(1, Math.round(frames / FRAMES_A_ROUND)),
    name: values.input ?? 'all',
    ...(values.seed !== undefined && { seed: first }),
  })
  sums.ran += inputs
  sums.failed += failed
  sums.inputs = inputs
  sums.worstInputTurns = worstTurns
  console.log(
    `${inputs} inputs that are no frames, ${failed} failed; the worst cost ${worstTurns} turns of loops: ${worst}; ${since(began)} s`,
  )
}

/** @param {number} began */
function since(began) {
  return ((performance.now() - began) / 1000).toFixed(0)
}

/**
 * @param {{ ran: number, failed: number, frames: number, live: number, worstTurns: number, branches: number, entered: number }} sums
 *   are added to
 */
async function allFrames(sums) {
  const began = performance.now()
  const marks = new Uint8Array(places.length)
  let worst = ''
  let seed = first
  const take = (/** @type {Run} */ run) => {
    sums.ran++
    sums.frames += run.frames
    sums.live += run.live
    if (run.worst.turns > sums.worstTurns) {
      sums.worstTurns = run.worst.turns
      worst = run.worst.frame
    }
    if (run.failure !== undefined && ++sums.failed <= TOLD_AT_MOST) console.log(tell(run.failure))
  }
  const workers = values.seed === undefined ? availableParallelism() : 1
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./runner.js', import.meta.url), { workerData: code })
      worker.on('error', reject)
      worker.on('exit', resolve)
      worker.on('message', (/** @type {{ run?: Run, marks?: Uint32Array }} */ told) => {
        if (told.run !== undefined) take(told.run)
        if (told.marks !== undefined) {
          for (let i = 0; i < places.length; i++) if ((told.marks[i] ?? 0) > 0) marks[i] = 1
          worker.terminate()
        } else worker.postMessage(sums.frames < frames ? seed++ : undefined)
      })
    })
  await Promise.all(Array.from({ length: workers }, work))
  const missed = []
  for (const [i, { place, isOnTheWay }] of places.entries()) {
    if (!isOnTheWay) continue
    sums.branches++
    if (marks[i] === 1) sums.entered++
    else missed.push(place)
  }
  if (sums.worstTurns > TURNS_A_FRAME) sums.failed++
  console.log(
    `${sums.frames} frames, ${sums.live} of them among conversations, in ${sums.ran} runs, ${sums.failed} failed; ${sums.entered} of ${sums.branches} branches on their way entered; ${since(began)} s`,
  )
  console.log(
    `The worst frame cost ${sums.worstTurns} turns of loops (at most ${TURNS_A_FRAME} may be): ${worst}`,
  )
  if (values.missed) for (const place of missed) console.log(`never: ${place}`)
}
