/** A worker that runs one seed after the other, as it is told; a message without one asks for its marks. */
import { parentPort, workerData } from 'node:worker_threads'

const { Alone, marks } = await import(workerData)
const alone = new Alone()
parentPort?.on('message', (/** @type {number | undefined} */ seed) =>
  parentPort?.postMessage(seed === undefined ? { marks } : { run: alone.run(seed) }),
)
parentPort?.postMessage({})
