/** A worker that runs one seed after the other, as it is told; a message without one asks for its marks. */
import { parentPort, workerData } from 'node:worker_threads'
import { imported } from '../serve/imported.js'

const { Saboteur, marks } = await imported(workerData)
const saboteur = new Saboteur()
parentPort?.on('message', (/** @type {number | undefined} */ seed) =>
  parentPort?.postMessage(seed === undefined ? { marks } : { run: saboteur.run(seed) }),
)
parentPort?.postMessage({})
