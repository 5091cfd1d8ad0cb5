/** A plan is drawn from a seed. */
import { Dice } from './dice.ts'
import type { HostPlan, Incident, Plan, StreamPlan, Weather, WirePlan } from './plan.ts'

const KIB = 1024
/** By its own pace a stream takes no longer than this. */
const SLOWEST = 60_000
/** Incidents begin within so long. */
const STORM_LASTS = 120_000
/** Hosts of this memory have windows that need a scale; what they say is as much longer. */
const AMPLE = 2048 * KIB

interface Ground {
  readonly wires: readonly WirePlan[]
  readonly hosts: readonly HostPlan[]
}

export function planOf(seed: number): Plan {
  const dice = new Dice(seed)
  const { wires, hosts } = drawGround(dice)
  const incidents: Incident[] = [{ at: 0, kind: 'weather', weather: drawWeather(dice) }]
  const ampleness = hosts.every(({ memory }) => memory === AMPLE) ? 4 : 1
  const stream = (id: number) => drawStream(dice, id, hosts.length, ampleness)
  incidents.push(stream(1))
  const draw = (most: number, make: (id: number) => Incident) => {
    for (let n = dice.below(most + 1); n > 0; n--) incidents.push(make(incidents.length))
  }
  draw(6, stream)
  if (dice.chance(0.15)) drawCrowd(dice, incidents, hosts.length)
  draw(3, id => drawMessages(dice, id, hosts.length))
  drawTroubles(dice, wires, hosts, draw)
  drawTools(dice, hosts, draw)
  return { seed, wires, hosts, incidents: incidents.sort((a, b) => a.at - b.at) }
}

// ---- hosts and wires -------------------------------------------------------------------------------------------------

function drawGround(dice: Dice): Ground {
  const kind = dice.one([
    'one',
    'one',
    'one',
    'one',
    'large',
    'ample',
    'lent',
    'lent',
    'auto',
    'routed',
    'routed',
  ])
  if (kind === 'routed') return drawRouted(dice)
  const wires = [drawWire(dice, 1500)]
  const few = Array.from({ length: dice.between(2, 5) }, () => drawHost(dice))
  switch (kind) {
    case 'large':
      return { wires, hosts: few.map(withLargeFrames) }
    case 'ample':
      return { wires, hosts: few.slice(0, 2).map(host => ({ ...host, profile: 'full', memory: AMPLE })) }
    case 'lent':
      return { wires, hosts: few.map((host, i) => (i === 0 ? lender(dice, host) : borrower(dice, host))) }
    case 'auto':
      return {
        wires,
        hosts: few.map((host, i) => ({
          ...host,
          address: 'auto',
          ...(i > 0 && dice.chance(0.3) ? { twin: 0 } : {}),
        })),
      }
    default:
      return { wires, hosts: few }
  }
}

/** A host takes no frame larger than a sixteenth of its memory, so all have as much. */
const withLargeFrames = (host: HostPlan): HostPlan => ({
  ...host,
  profile: 'full',
  memory: 256 * KIB,
  largestFrame: 9_000,
})

/** RFC 2131's shortest leases here, so that they are renewed, and end, in a storm. */
const lender = (dice: Dice, host: HostPlan): HostPlan => ({
  ...host,
  profile: 'full',
  memory: Math.max(host.memory, 64 * KIB),
  lease: dice.one([60, 60, 90, 150, 3_600]),
})

const borrower = (dice: Dice, host: HostPlan): HostPlan =>
  host.profile === 'minimal' || dice.chance(0.2) ? host : { ...host, address: 'dhcp' }

/** Two wires and a router, or three and two; with hosts on the first and on the last. The middle one may be narrow. */
function drawRouted(dice: Dice): Ground {
  const narrow = dice.one([1500, 1400, 1280, 1000, 576, 296])
  const three = dice.chance(0.5)
  const wires = three
    ? [drawWire(dice, 1500), drawWire(dice, narrow), drawWire(dice, 1500)]
    : [drawWire(dice, 1500), drawWire(dice, narrow)]
  const router = (of: readonly number[]): HostPlan => ({
    ...drawHost(dice),
    profile: 'full',
    memory: dice.one([64, 128, 256]) * KIB,
    wires: of,
  })
  const lends = dice.chance(0.2)
  const routers = three ? [router([0, 1]), router([1, 2])] : [router([0, 1])]
  if (lends) routers[0] = { ...(routers[0] as HostPlan), lease: dice.one([60, 120]) }
  const places = [
    0,
    wires.length - 1,
    ...Array.from({ length: dice.below(3) }, () => dice.below(wires.length)),
  ]
  const hosts = places.map((wire): HostPlan => {
    const host = { ...drawHost(dice), wires: [wire] }
    return lends && wire === 0 ? borrower(dice, host) : host
  })
  return { wires, hosts: [...routers, ...hosts] }
}

const drawWire = (dice: Dice, mtu: number): WirePlan => ({
  mtu,
  told: dice.chance(0.5),
  router6: dice.one([0, 0, 0, 1500, 1400, 1280]),
})

function drawHost(dice: Dice): HostPlan {
  const profile = dice.one(['full', 'full', 'client', 'minimal'] as const)
  const sysctls = {
    ...(dice.chance(0.3) ? { 'net.ipv4.tcp_ecn': 1 } : {}),
    ...(dice.chance(0.1) ? { 'net.ipv4.tcp_syncookies': 0 } : {}),
  }
  return {
    profile,
    memory: dice.one([20, 24, 32, 64, 64, 128, 256]) * KIB,
    ipv6: profile === 'full' && dice.chance(0.5),
    rate: dice.one([1, 10, 10_000]),
    skew: dice.one([0, dice.below(1 << 20), dice.word()]),
    ...(dice.chance(0.25) ? { named: true } : {}),
    ...(profile === 'full' ? { sysctls } : {}),
  }
}

// ---- what befalls them -----------------------------------------------------------------------------------------------

type Draw = (most: number, make: (id: number) => Incident) => void

function drawTroubles(dice: Dice, wires: readonly WirePlan[], hosts: readonly HostPlan[], draw: Draw): void {
  const at = () => dice.below(STORM_LASTS)
  const host = () => dice.below(hosts.length)
  const onWire = () => (wires.length > 1 && dice.chance(0.5) ? { wire: dice.below(wires.length) } : {})
  draw(2, () => ({ at: at(), kind: 'weather', weather: drawWeather(dice), ...onWire() }))
  draw(2, () => ({ at: at(), kind: 'partition', hosts: [host()], lasts: drawPause(dice), ...onWire() }))
  draw(1, () => ({ at: at(), kind: 'restart', host: host(), lasts: dice.below(30_000) }))
  draw(1, () => ({
    at: at(),
    kind: 'sleep',
    host: host(),
    lasts: drawPause(dice),
    clockRuns: dice.chance(0.5),
  }))
  draw(2, () => ({ at: at(), kind: 'transplant', host: host() }))
  draw(1, () => ({
    at: at(),
    kind: 'refuse',
    host: host(),
    every: dice.between(2, 40),
    lasts: dice.below(20_000),
  }))
  draw(2, () => ({ at: at(), kind: 'linkUp', host: host() }))
  if (dice.chance(0.1)) draw(1, () => ({ at: at(), kind: 'gone', host: host() }))
  if (dice.chance(0.1)) draw(1, () => ({ at: at(), kind: 'renumber', host: host() }))
}

/** What programs do beside talking. */
function drawTools(dice: Dice, hosts: readonly HostPlan[], draw: Draw): void {
  const at = () => dice.below(STORM_LASTS)
  const host = () => dice.below(hosts.length)
  if (dice.chance(0.2)) draw(1, () => ({ at: at(), kind: 'hush', host: host(), lasts: dice.below(20_000) }))
  if (dice.chance(0.2)) draw(2, () => ({ at: at(), kind: 'errand', host: host(), lasts: dice.below(60_000) }))
  if (hosts.some(({ named }) => named))
    draw(3, () => ({
      at: at(),
      kind: 'question',
      ...drawEnds(dice, hosts.length),
      asks: dice.one(['A', 'A', 'AAAA', 'PTR', 'nobody', 'server'] as const),
    }))
  if (dice.chance(0.1))
    draw(2, () => ({
      at: at(),
      kind: 'watcher',
      host: host(),
      lasts: dice.below(30_000),
      ring: dice.chance(0.5),
      filter: dice.chance(0.5),
    }))
}

function drawWeather(dice: Dice): Weather {
  const some = (most: number) => (dice.chance(0.5) ? 0 : dice.below(1_000) / 1_000) * most
  return {
    delay: dice.one([0, 1, 1, 10, 100]),
    loss: some(0.1),
    burst: some(0.01),
    burstLasts: dice.one([1, 10, 100, dice.below(3_000)]),
    late: some(0.2),
    lateBy: dice.one([2, 20, 300]),
    twice: some(0.05),
    corrupt: some(0.05),
    urgent: dice.chance(0.3) ? 0.1 : 0,
    marks: dice.chance(0.3) ? 0.1 : 0,
  }
}

/** Short ones are most. */
const drawPause = (dice: Dice): number =>
  dice.one([dice.below(1_000), dice.below(20_000), dice.below(120_000)])

function drawEnds(dice: Dice, hosts: number): { from: number; to: number } {
  const from = dice.below(hosts)
  return { from, to: (from + 1 + dice.below(hosts - 1)) % hosts }
}

// ---- what they say ---------------------------------------------------------------------------------------------------

function drawStream(dice: Dice, id: number, hosts: number, ampleness: number): Incident {
  const stream = drawTalk(dice, id, hosts, ampleness)
  const pieces = Math.max(stream.bytes, stream.back) / stream.piece
  return pieces * stream.pause > SLOWEST / 2 ? { ...stream, pause: 0 } : stream
}

function drawTalk(
  dice: Dice,
  id: number,
  hosts: number,
  ampleness: number,
): StreamPlan & { readonly at: number } {
  const size = () => dice.one([0, 1, dice.below(3_000), dice.below(80_000 * ampleness)])
  return {
    at: dice.below(STORM_LASTS / 2),
    kind: 'stream',
    id,
    ...drawEnds(dice, hosts),
    ipv6: dice.chance(0.5),
    bytes: size(),
    back: size(),
    piece: dice.one([1 + dice.below(100), 1_460, 1 + dice.below(10_000)]),
    pause: dice.one([0, 0, 1, dice.below(500)]),
    ending: dice.one([
      'order',
      'order',
      'order',
      'order',
      'order',
      'order',
      'deaf',
      'reset',
      'linger',
    ] as const),
    opening: dice.one(['call', 'call', 'call', 'call', 'text', 'cross'] as const),
    ...(dice.chance(0.3) ? { turns: dice.one(['client first', 'server first'] as const) } : {}),
    ...(dice.chance(0.2) ? { nap: dice.one([1_000, 10_000, dice.below(200_000)]) } : {}),
    ...(dice.chance(0.3) ? { noDelay: true } : {}),
    ...(dice.chance(0.2) ? { reno: true } : {}),
    ...(dice.chance(0.05) ? { userTimeout: dice.between(1_000, 200_000) } : {}),
  }
}

/** Many that are short, to one host, all at once: more than its listener has room for. */
function drawCrowd(dice: Dice, incidents: Incident[], hosts: number): void {
  const to = dice.below(hosts)
  const at = dice.below(STORM_LASTS / 2)
  for (let n = dice.between(6, 24); n > 0; n--) {
    const talk = drawTalk(dice, incidents.length, hosts, 1)
    const short = { bytes: dice.below(50), back: dice.below(50), piece: 100, pause: 0 }
    const from = (to + 1 + dice.below(hosts - 1)) % hosts
    incidents.push({ ...talk, ...short, at, from, to, ending: 'order', opening: 'call' })
  }
}

function drawMessages(dice: Dice, id: number, hosts: number): Incident {
  const kind = dice.one(['datagrams', 'ping'] as const)
  return {
    at: dice.below(STORM_LASTS),
    kind,
    id,
    ...drawEnds(dice, hosts),
    count: dice.between(1, 30),
    bytes: dice.one([0, dice.below(100), dice.below(1_400), dice.below(9_000)]),
    pause: dice.one([0, 1, dice.below(1_000)]),
    ...(dice.chance(0.3) ? { ttl: dice.between(1, 3) } : {}),
    ...(kind === 'datagrams' && dice.chance(0.3) ? { group: true } : {}),
  }
}
