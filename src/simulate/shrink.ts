/**
 * Less of a plan that fails the same way: without whole incidents, without hosts, then with milder ones of both. What is left is
 * short enough to be read; transcript.ts makes a packet script of it, and it may go among the cases (cases/).
 */
import { CALM, type HostPlan, type Incident, type Plan } from './plan.ts'
import { type Outcome, run } from './world.ts'

/** Runs that may be spent on it. */
const RUNS_AT_MOST = 600

/** What a failure is about, without its numbers. */
const kindOf = (failure: string): string => failure.replace(/\d+(\.\d+)?/g, '#')

type Fails = (plan: Plan) => boolean

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
  let least = withoutHosts(withoutIncidents(plan, fails), fails)
  for (let before = ''; before !== JSON.stringify(least); ) {
    before = JSON.stringify(least)
    least = withMilder(least, fails)
    least = withMilderHosts(least, fails)
  }
  return withoutIncidents(least, fails)
}

/** Leaves out half of the incidents, then quarters, down to single ones. */
function withoutIncidents(plan: Plan, fails: Fails): Plan {
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

/** The hosts that an incident is about. */
function hostsOf(incident: Incident): readonly number[] {
  if (incident.kind === 'weather') return []
  if (incident.kind === 'partition') return incident.hosts
  return 'host' in incident ? [incident.host] : [incident.from, incident.to]
}

/** Hosts that no incident is about, from the last on: those behind them have other numbers then. */
function withoutHosts(plan: Plan, fails: Fails): Plan {
  let least = plan
  for (let gone = plan.hosts.length - 1; gone >= 0; gone--) {
    if (least.hosts.length <= 2 || least.incidents.some(incident => hostsOf(incident).includes(gone)))
      continue
    const down = (host: number) => (host > gone ? host - 1 : host)
    const incidents = least.incidents.map((incident): Incident => {
      if (incident.kind === 'weather') return incident
      if (incident.kind === 'partition') return { ...incident, hosts: incident.hosts.map(down) }
      if ('host' in incident) return { ...incident, host: down(incident.host) }
      return { ...incident, from: down(incident.from), to: down(incident.to) }
    })
    const tried = { ...least, hosts: least.hosts.toSpliced(gone, 1), incidents }
    if (fails(tried)) least = tried
  }
  return least
}

function withMilder(plan: Plan, fails: Fails): Plan {
  let least = plan
  plan.incidents.forEach((_, place) => {
    for (const key of Object.keys(least.incidents[place] as Incident))
      for (const milder of milderIn(least.incidents[place] as Incident, key)) {
        const tried = { ...least, incidents: least.incidents.with(place, milder) }
        if (fails(tried)) least = tried
      }
  })
  return least
}

/** What a stream need not have. */
const FRILLS = ['turns', 'nap', 'noDelay', 'reno', 'userTimeout', 'ttl', 'group']
const AMOUNTS = ['bytes', 'back', 'count', 'lasts', 'pause', 'nap']
const PLAIN: Readonly<Record<string, unknown>> = {
  opening: 'call',
  ending: 'order',
  piece: 1460,
  ipv6: false,
  pause: 0,
}

/** The same with one of its values smaller, plainer, or none. */
function milderIn(incident: Incident, key: string): Incident[] {
  const value = (incident as unknown as Record<string, unknown>)[key]
  if (incident.kind === 'weather' && key === 'weather')
    return (Object.keys(CALM) as (keyof typeof CALM)[])
      .filter(part => incident.weather[part] !== CALM[part])
      .map(part => ({ ...incident, weather: { ...incident.weather, [part]: CALM[part] } }))
  const tried: unknown[] = []
  if (key in PLAIN && value !== PLAIN[key]) tried.push(PLAIN[key])
  if (AMOUNTS.includes(key) && Number(value) > 1) tried.push(Math.floor(Number(value) / 2))
  const milder = tried.map(other => ({ ...incident, [key]: other }) as Incident)
  if (FRILLS.includes(key)) milder.unshift(without(incident, key))
  return milder
}

const without = <T extends object>(of: T, key: string): T =>
  Object.fromEntries(Object.entries(of).filter(([name]) => name !== key)) as T

/** What a host is when nothing is special about it; undefined: without it. */
const USUAL: readonly (readonly [keyof HostPlan, unknown])[] = [
  ['rate', 10_000],
  ['skew', 0],
  ['ipv6', false],
  ['sysctls', undefined],
  ['named', undefined],
  ['address', undefined],
  ['lease', undefined],
  ['twin', undefined],
  ['largestFrame', undefined],
  ['memory', 65_536],
]

function withMilderHosts(plan: Plan, fails: Fails): Plan {
  let least = plan
  plan.hosts.forEach((_, place) => {
    for (const [key, value] of USUAL) {
      const host = least.hosts[place] as HostPlan
      if (host[key] === value) continue
      const milder = value === undefined ? without(host, key) : { ...host, [key]: value }
      const tried = { ...least, hosts: least.hosts.with(place, milder) }
      if (fails(tried)) least = tried
    }
  })
  const wires = least.wires?.map(wire => ({ ...wire, router6: 0 }))
  const calm = wires === undefined ? least : { ...least, wires }
  return JSON.stringify(calm) !== JSON.stringify(least) && fails(calm) ? calm : least
}
