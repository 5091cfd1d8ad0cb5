/** A plan that fails is told: by a packet script of the host that shows it, where one host alone does. */
import type { Plan } from './plan.ts'
import { Recorder } from './recorder.ts'
import { type Symptom, scriptOf } from './transcript.ts'
import { run } from './world.ts'

export interface Story {
  readonly failure: string | undefined
  /** Undefined: no host does it alone, with what it met; the plan has to do. */
  readonly script: string | undefined
}

export function storyOf(plan: Plan): Story {
  const recorders = plan.hosts.map(() => new Recorder())
  const { failure, hosts } = run(plan, host => recorders[host])
  if (failure === undefined) return { failure, script: undefined }
  const title = `A storm (seed ${plan.seed}), ${failure}.`
  const all = [...new Set([...hosts, ...plan.hosts.keys()])]
  for (const host of all) {
    const recorder = recorders[host]
    const script = recorder && scriptOf(recorder, title, symptomsOf(failure, hosts[0] === host))
    if (script !== undefined) return { failure, script }
  }
  return { failure, script: undefined }
}

/** What a script of that failure has to ask for, the surest first. Only of the host that it is about more than what shows by itself. */
function symptomsOf(failure: string, isBlamed: boolean): Symptom[] {
  const itself: Symptom = { kind: 'itself' }
  if (!isBlamed) return [itself]
  const held = /holds \d+ bytes of ([a-z ]+), and had (\d+)/.exec(failure)
  if (held !== null) return [itself, { kind: 'memory', pool: held[1] ?? '', bytes: Number(held[2]) }]
  if (/have waited|was not told|has had no/.test(failure)) return [itself, { kind: 'silence' }]
  if (/has no excuse/.test(failure)) return [itself, { kind: 'error' }]
  return [itself]
}
