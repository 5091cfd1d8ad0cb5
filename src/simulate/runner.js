/** A worker that runs one seed after the other, as it is told. */
import { parentPort, workerData } from 'node:worker_threads'
import { importSimulation } from './bundle.js'

const { planOf, run } = await importSimulation(workerData)
parentPort?.on('message', (/** @type {number} */ seed) => parentPort?.postMessage(run(planOf(seed))))
parentPort?.postMessage(undefined)
