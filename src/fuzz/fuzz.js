/**
 * `npm run fuzz`: frames from a grammar, and frames that were heard with something changed, at hosts of all profiles.
 *
 *   npm run fuzz                          40,000 frames
 *   npm run fuzz -- --frames 10000000     so many
 *   npm run fuzz -- --seed 42             one run of frames, from this seed
 *   npm run fuzz -- --input pcapng        a round of one kind of input that is no frame (inputs/), or of `all`
 *   npm run fuzz -- --input pcapng --seed 42   one such input
 *   npm run fuzz -- --json                and one line of JSON
 *
 * Frames that fail are shrunk to as few as still do it, and printed as hex, with their seed. A worker's later runs change
 * frames that led its earlier ones somewhere new, so a seed alone may not bring them back: the hex does.
 * A round of all other inputs goes with each 40,000 frames; those depend on their seed alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { bundleSaboteur } from './bundle.js'
import { tryInputs } from './inputs/try.js'

/** @typedef {import('./alone.ts').Run} Run */

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
    json: { type: 'boolean', default: false },
  },
})

/** @param {string} name @param {string} text */
function whole(name, text) {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  console.error(`--${name} takes a whole number of 0 or more, not '${text}'.`)
  process.exit(2)
}

const frames = values.seed === undefined ? whole('frames', values.frames) : 1
const first = values.seed === undefined ? 1 : whole('seed', values.seed)
const rounds = Math.max(1, Math.round(frames / FRAMES_A_ROUND))
const room = mkdtempSync(join(tmpdir(), 'lanlet-fuzz-'))
const tally = await all().finally(() => rmSync(room, { recursive: true, force: true }))
const report = process.env['REPORT']
if (report !== undefined) writeFileSync(report, JSON.stringify(tally))
if (values.json) console.log(JSON.stringify(tally))
process.exitCode = tally.failed > 0 || tally.ran === 0 ? 1 : 0

async function all() {
  const began = performance.now()
  const { code, places } = await bundleSaboteur()
  const file = join(room, 'saboteur.mjs')
  writeFileSync(file, code)
  const sums = {
    ran: 0,
    failed: 0,
    skipped: 0,
    frames: 0,
    worstTurns: 0,
    branches: places.length,
    entered: 0,
    inputs: 0,
    worstInputTurns: 0,
  }
  if (values.input === undefined) await allFrames(file, places, sums)
  if (values.input !== undefined || values.seed === undefined) {
    const tried = await tryInputs(pathToFileURL(file).href, {
      rounds,
      name: values.input ?? 'all',
      ...(values.seed !== undefined && { seed: first }),
    })
    sums.ran += tried.inputs
    sums.failed += tried.failed
    Object.assign(sums, { inputs: tried.inputs, worstInputTurns: tried.worstTurns })
    console.log(
      `${tried.inputs} inputs that are no frames, ${tried.failed} failed; the worst cost ${tried.worstTurns} turns of loops: ${tried.worst}; ${since(began)} s`,
    )
  }
  return sums
}

/** @param {number} began */
function since(began) {
  return ((performance.now() - began) / 1000).toFixed(0)
}

/**
 * @param {string} file the bundled saboteur
 * @param {readonly string[]} places what its marks stand for
 * @param {{ ran: number, failed: number, frames: number, worstTurns: number, entered: number }} sums are added to
 */
async function allFrames(file, places, sums) {
  const began = performance.now()
  const marks = new Uint8Array(places.length)
  let worst = ''
  let seed = first
  const take = (/** @type {Run} */ run) => {
    sums.ran++
    sums.frames += run.frames
    if (run.worst.turns > sums.worstTurns) {
      sums.worstTurns = run.worst.turns
      worst = run.worst.frame
    }
    if (run.failure === undefined) return
    if (++sums.failed > TOLD_AT_MOST) return
    console.log(`seed ${run.failure.seed}, ${run.failure.profile}: ${run.failure.what}`)
    for (const hex of run.failure.frames) console.log(`  ${hex}`)
  }
  const workers = values.seed === undefined ? availableParallelism() : 1
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./runner.js', import.meta.url), {
        workerData: pathToFileURL(file).href,
      })
      worker.on('error', reject)
      worker.on('exit', resolve)
      worker.on('message', (/** @type {{ run?: Run, marks?: Uint8Array }} */ told) => {
        if (told.run !== undefined) take(told.run)
        if (told.marks !== undefined) {
          for (let i = 0; i < places.length; i++) if (told.marks[i] === 1) marks[i] = 1
          worker.terminate()
        } else worker.postMessage(sums.frames < frames ? seed++ : undefined)
      })
    })
  await Promise.all(Array.from({ length: workers }, work))
  sums.entered = marks.reduce((sum, mark) => sum + mark, 0)
  if (sums.worstTurns > TURNS_A_FRAME) sums.failed++
  console.log(
    `${sums.frames} frames in ${sums.ran} runs, ${sums.failed} failed; ${sums.entered} of ${places.length} branches of the stack entered; ${since(began)} s`,
  )
  console.log(
    `The worst frame cost ${sums.worstTurns} turns of loops (at most ${TURNS_A_FRAME} may be): ${worst}`,
  )
}
