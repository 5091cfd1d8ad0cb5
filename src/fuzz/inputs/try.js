/** All inputs that are no frames, shared out among workers: rounds of each target, or one input of one. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** Failures that are printed of each target. */
const TOLD_AT_MOST = 2

/**
 * @typedef {{ target: number, from: number, count: number }} Job
 * @typedef {Job & { turns: number, failures: { seed: number, what: string, shown: string }[] }} Done
 */

/**
 * @param {string} program the bundled saboteur's text
 * @param {{ rounds: number, name: string, seed?: number }} wish so many rounds of one target or of `all`; or one input
 * @returns {Promise<{ inputs: number, failed: number, worstTurns: number, worst: string }>}
 */
export async function tryInputs(program, wish) {
  const sums = { inputs: 0, failed: 0, worstTurns: 0, worst: '' }
  /** @type {string[]} */
  let names = []
  /** @type {Job[] | undefined} */
  let jobs
  /** @type {Map<number, number>} */
  const told = new Map()
  const take = (/** @type {Done} */ { target, count, turns, failures }) => {
    const name = names[target] ?? ''
    sums.inputs += count
    sums.failed += failures.length
    if (turns > sums.worstTurns) Object.assign(sums, { worstTurns: turns, worst: name })
    for (const { seed, what, shown } of failures) {
      const before = told.get(target) ?? 0
      told.set(target, before + 1)
      if (before >= TOLD_AT_MOST) continue
      console.log(`npm run fuzz -- --input ${name} --seed ${seed}\n  ${what}\n  ${shown}`)
    }
  }
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./runner.js', import.meta.url), { workerData: program })
      worker.on('error', reject)
      worker.on('exit', resolve)
      worker.on('message', message => {
        if ('names' in message) {
          names = message.names
          jobs ??= jobsOf(wish, message.names, message.rounds)
        } else take(message)
        const job = jobs?.shift()
        if (job === undefined) worker.terminate()
        else worker.postMessage(job)
      })
    })
  await Promise.all(Array.from({ length: wish.seed === undefined ? availableParallelism() : 1 }, work))
  return sums
}

/**
 * @param {{ rounds: number, name: string, seed?: number }} wish
 * @param {readonly string[]} names
 * @param {readonly number[]} counts how many inputs a round has, of each target
 * @returns {Job[]}
 */
function jobsOf({ rounds, name, seed }, names, counts) {
  const wanted = name === 'all' ? names : names.filter(each => each === name)
  if (wanted.length === 0) {
    console.error(`--input takes one of ${names.join(', ')}, or all, not '${name}'.`)
    process.exit(2)
  }
  return Array.from({ length: rounds }, (_, round) =>
    wanted.map(each => {
      const target = names.indexOf(each)
      const count = seed === undefined ? (counts[target] ?? 0) : 1
      return { target, from: seed ?? 1 + round * count, count }
    }),
  ).flat()
}
