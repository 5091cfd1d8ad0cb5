/**
 * Less of a plan that fails the same way: first without whole incidents, then with milder ones. What is left is short
 * enough to be read, and goes among the cases (cases/).
 */
import { CALM, type Incident, type Plan } from './plan.ts'
import { type Outcome, run } from './world.ts'

/** Runs that may be spent on it. */
const RUNS_AT_MOST = 400

/** What a failure is about, without its numbers. */
const kindOf = (failure: string): string => failure.replace(/\d+(\.\d+)?/g, '#')

export function shrink(plan: Plan, play: (plan: Plan) => Pick<Outcome, 'failure'> = run): Plan {
  const first = play(plan).failure
  if (first === undefined) return plan
  const kind = kindOf(first)
  let runs = 0
  const fails = (tried: Plan): boolean => {
    if (runs++ >= RUNS_AT_MOST) return false
    const { failure } = play(tried)
    return failure !== undefined && kindOf(failure) === kind
  }
  let least = withoutIncidents(plan, fails)
  for (let before = ''; before !== JSON.stringify(least); ) {
    before = JSON.stringify(least)
    least = withMilder(least, fails)
  }
  return least
}

/** Leaves out half of the incidents, then quarters, down to single ones. */
function withoutIncidents(plan: Plan, fails: (plan: Plan) => boolean): Plan {
  let least = plan
  for (
    let size = Math.ceil(plan.incidents.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  )
    for (let from = 0; from < least.incidents.length; ) {
      const incidents = least.incidents.filter((_, i) => i < from || i >= from + size)
      const tried = { ...least, incidents }
      if (fails(tried)) least = tried
      else from += size
    }
  return least
}

function withMilder(plan: Plan, fails: (plan: Plan) => boolean): Plan {
  let least = plan
  plan.incidents.forEach((_, place) => {
    for (const milder of milderThan(least.incidents[place] as Incident)) {
      const tried = { ...least, incidents: least.incidents.with(place, milder) }
      if (fails(tried)) least = tried
    }
  })
  return least
}

/** The same with one of its numbers smaller. */
function milderThan(incident: Incident): Incident[] {
  if (incident.kind === 'weather')
    return (Object.keys(CALM) as (keyof typeof CALM)[])
      .filter(key => incident.weather[key] !== CALM[key])
      .map(key => ({ ...incident, weather: { ...incident.weather, [key]: CALM[key] } }))
  return Object.entries(incident)
    .filter(([key, value]) => ['bytes', 'back', 'count', 'lasts', 'pause'].includes(key) && value > 1)
    .map(([key, value]) => ({ ...incident, [key]: Math.floor((value as number) / 2) }) as Incident)
}
