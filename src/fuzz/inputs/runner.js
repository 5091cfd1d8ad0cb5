/** A worker that tries the inputs of one target's round, as it is told. */
import { parentPort, workerData } from 'node:worker_threads'
import { imported } from '../../serve/imported.js'

/** @typedef {import('./input.ts').Target} Target */

const { inputs } = /** @type {{ inputs: readonly Target[] }} */ (await imported(workerData))

parentPort?.on('message', async (/** @type {{ target: number, from: number, count: number }} */ job) => {
  const target = inputs[job.target]
  const failures = []
  let turns = 0
  for (let seed = job.from; target !== undefined && seed < job.from + job.count; seed++) {
    const tried = await target.run(seed)
    turns = Math.max(turns, tried.turns)
    if (tried.failure !== undefined) failures.push({ seed, ...tried.failure })
  }
  parentPort?.postMessage({ ...job, turns, failures })
})
parentPort?.postMessage({ names: inputs.map(({ name }) => name), rounds: inputs.map(({ round }) => round) })
