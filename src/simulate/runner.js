/** A worker that runs one seed after the other, as it is told. */
import { parentPort, workerData } from 'node:worker_threads'
import { importSimulation } from './bundle.js'

/** `built`: the same with the built files in it, which have to do the same, frame by frame. @type {{ code: string, built?: string }} */
const { code, built } = workerData
const { planOf, run } = await importSimulation(code)
const other = built === undefined ? undefined : await importSimulation(built)

/** @param {number} seed @returns {import('./world.ts').Outcome} */
function runSeed(seed) {
  const plan = planOf(seed)
  if (other === undefined) return run(plan)
  // A built file cannot be made to refuse memory.
  const without = { ...plan, incidents: plan.incidents.filter(({ kind }) => kind !== 'refuse') }
  const [expected, outcome] = [run(without), other.run(without)]
  if (expected.digest === outcome.digest) return outcome
  return {
    ...outcome,
    failure: `the built files do other than the sources: ${outcome.failure ?? 'other frames'}`,
  }
}

parentPort?.on('message', (/** @type {number} */ seed) => parentPort?.postMessage(runSeed(seed)))
parentPort?.postMessage(undefined)
