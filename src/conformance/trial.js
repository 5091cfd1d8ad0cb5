/** A worker of `npm run mutate`: plays a script unbroken and says what it meets, or tries a mutant with many scripts. */
import { parentPort, workerData } from 'node:worker_threads'
import { importPlayer } from './bundle.js'
import { Life, Rehearsal } from './life.js'

/**
 * @typedef {{ name: string, text: string }} Script
 * @typedef {{ script: number }} Rehearse
 * @typedef {{ mutant: number, order: number[] }} Try `order`: the scripts that may tell it
 * @typedef {{ met: Uint8Array, turns: number, cost: number, failure: string | undefined }} Rehearsed
 */

/** @type {{ code: string, scripts: Script[], count: number }} */
const { code, scripts, count } = workerData
const none = new Life()
Object.assign(globalThis, { $M: none })
const { playScript } = await importPlayer(code)
/** Turns of loops that each script takes unbroken. @type {Map<number, number>} */
const turnsOf = new Map()

/** @param {number} script @param {Life} life */
function play(script, life) {
  Object.assign(globalThis, { $M: life })
  const { name, text } = /** @type {Script} */ (scripts[script])
  try {
    playScript(name, text)
    return undefined
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error)
  } finally {
    Object.assign(globalThis, { $M: none })
  }
}

/** @param {number} script @returns {Rehearsed} */
function rehearse(script) {
  const life = new Rehearsal(count)
  const began = performance.now()
  const failure = play(script, life)
  return { met: life.met, turns: life.turns, cost: performance.now() - began, failure }
}

/**
 * The first script that fails with the mutant, -1 if none does.
 *
 * @param {number} mutant
 * @param {number[]} order
 */
function tell(mutant, order) {
  const life = new Life()
  life.living = mutant
  return order.find(script => {
    life.turns = 0
    life.turnsMax = 20 * (turnsOf.get(script) ?? 0) + 100_000
    return play(script, life) !== undefined
  })
}

parentPort?.on('message', (/** @type {Rehearse | Try | { turns: number[] }} */ task) => {
  if ('turns' in task) for (const [script, turns] of task.turns.entries()) turnsOf.set(script, turns)
  else
    parentPort?.postMessage('script' in task ? rehearse(task.script) : (tell(task.mutant, task.order) ?? -1))
})
