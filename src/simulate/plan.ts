/**
 * A plan is what a seed stands for: hosts, the wire between them, and what happens at which millisecond. It is data, so a run that
 * fails can be tried again with less of it (shrink.ts).
 */
import { Dice } from './dice.ts'

export type ProfileName = 'full' | 'client' | 'minimal'

export interface HostPlan {
  readonly profile: ProfileName
  /** Bytes. */
  readonly memory: number
  readonly ipv6: boolean
  /** Frames that its link takes in a millisecond; the others wait in the stack. */
  readonly rate: number
  /** How far its clock is from the others', ms. */
  readonly skew: number
  /** The largest frame that its link carries, bytes; 1514 if absent. All hosts of a plan have the same. */
  readonly largestFrame?: number
}

/** What befalls frames on the wire; probabilities for each of them, times in ms. */
export interface Weather {
  readonly delay: number
  readonly loss: number
  /** That a burst begins, in which all is lost; and how long it lasts. */
  readonly burst: number
  readonly burstLasts: number
  readonly late: number
  /** A late frame comes up to so much later. */
  readonly lateBy: number
  readonly twice: number
  /** One bit of its IP packet is turned. */
  readonly corrupt: number
}

export const CALM: Weather = {
  delay: 1,
  loss: 0,
  burst: 0,
  burstLasts: 0,
  late: 0,
  lateBy: 0,
  twice: 0,
  corrupt: 0,
}

/** A TCP connection from one host's program to another's, and what the two have to say. */
export interface StreamPlan {
  readonly kind: 'stream'
  readonly id: number
  readonly from: number
  readonly to: number
  readonly ipv6: boolean
  /** Bytes that the client sends, and the server. */
  readonly bytes: number
  readonly back: number
  /** The most that is written or read at once, and the pause after it, ms. */
  readonly piece: number
  readonly pause: number
  /** How the client ends it: in order; without reading what the server says; by a reset after half of its bytes. */
  readonly ending: 'order' | 'deaf' | 'reset'
}

export interface DatagramsPlan {
  readonly kind: 'datagrams'
  readonly id: number
  readonly from: number
  readonly to: number
  readonly count: number
  readonly bytes: number
  readonly pause: number
}

export interface PingPlan {
  readonly kind: 'ping'
  readonly id: number
  readonly from: number
  readonly to: number
  readonly count: number
  readonly bytes: number
  readonly pause: number
}

export type Incident = { readonly at: number } & (
  | StreamPlan
  | DatagramsPlan
  | PingPlan
  | { readonly kind: 'weather'; readonly weather: Weather }
  /** These hosts and the others do not hear each other for so long. */
  | { readonly kind: 'partition'; readonly hosts: readonly number[]; readonly lasts: number }
  /** The host loses its power, and all that it knew; so long after it starts again. */
  | { readonly kind: 'restart'; readonly host: number; readonly lasts: number }
  /** The machine sleeps; its clock goes on in the meantime, or stands still. */
  | { readonly kind: 'sleep'; readonly host: number; readonly lasts: number; readonly clockRuns: boolean }
  /** Its link comes up: it may have other neighbours than before, and has the same. */
  | { readonly kind: 'linkUp'; readonly host: number }
  /** The arena is copied and goes on in another stack. */
  | { readonly kind: 'transplant'; readonly host: number }
  /** Each n-th allocation fails. */
  | { readonly kind: 'refuse'; readonly host: number; readonly every: number; readonly lasts: number }
)

export interface Plan {
  readonly seed: number
  readonly hosts: readonly HostPlan[]
  readonly incidents: readonly Incident[]
}

const KIB = 1024
/** By its own pace a stream takes no longer than this. */
const SLOWEST = 60_000
/** Incidents begin within so long. */
const STORM_LASTS = 120_000

export function planOf(seed: number): Plan {
  const dice = new Dice(seed)
  const hosts = Array.from({ length: dice.between(2, 5) }, () => drawHost(dice))
  const incidents: Incident[] = [{ at: 0, kind: 'weather', weather: drawWeather(dice) }]
  const draw = (most: number, make: (id: number) => Incident) => {
    for (let n = dice.below(most + 1); n > 0; n--) incidents.push(make(incidents.length))
  }
  const at = () => dice.below(STORM_LASTS)
  const host = () => dice.below(hosts.length)
  incidents.push(drawStream(dice, 1, hosts.length))
  draw(8, id => drawStream(dice, id, hosts.length))
  draw(3, id => drawMessages(dice, id, hosts.length))
  draw(2, () => ({ at: at(), kind: 'weather', weather: drawWeather(dice) }))
  draw(2, () => ({ at: at(), kind: 'partition', hosts: [host()], lasts: drawPause(dice) }))
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
  const drawn = dice.chance(0.1) ? hosts.map(withLargeFrames) : hosts
  return { seed, hosts: drawn, incidents: incidents.sort((a, b) => a.at - b.at) }
}

/** A host takes no frame larger than a sixteenth of its memory, so all have as much. */
const withLargeFrames = (host: HostPlan): HostPlan => ({
  ...host,
  profile: 'full',
  memory: 256 * KIB,
  largestFrame: 9_000,
})

function drawHost(dice: Dice): HostPlan {
  const profile = dice.one(['full', 'full', 'client', 'minimal'] as const)
  return {
    profile,
    memory: dice.one([20, 24, 32, 64, 64, 128, 256]) * KIB,
    ipv6: profile === 'full' && dice.chance(0.5),
    rate: dice.one([1, 10, 10_000]),
    skew: dice.one([0, dice.below(1 << 20), dice.word()]),
  }
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
  }
}

/** Short ones are most. */
const drawPause = (dice: Dice): number =>
  dice.one([dice.below(1_000), dice.below(20_000), dice.below(120_000)])

function drawEnds(dice: Dice, hosts: number): { from: number; to: number } {
  const from = dice.below(hosts)
  return { from, to: (from + 1 + dice.below(hosts - 1)) % hosts }
}

function drawStream(dice: Dice, id: number, hosts: number): Incident {
  const stream = drawTalk(dice, id, hosts)
  const pieces = Math.max(stream.bytes, stream.back) / stream.piece
  return pieces * stream.pause > SLOWEST ? { ...stream, pause: 0 } : stream
}

function drawTalk(dice: Dice, id: number, hosts: number): StreamPlan & { readonly at: number } {
  return {
    at: dice.below(STORM_LASTS / 2),
    kind: 'stream',
    id,
    ...drawEnds(dice, hosts),
    ipv6: dice.chance(0.5),
    bytes: dice.one([0, 1, dice.below(3_000), dice.below(100_000)]),
    back: dice.one([0, 1, dice.below(3_000), dice.below(100_000)]),
    piece: dice.one([1 + dice.below(100), 1_460, 1 + dice.below(10_000)]),
    pause: dice.one([0, 0, 1, dice.below(500)]),
    ending: dice.one(['order', 'order', 'order', 'order', 'deaf', 'reset'] as const),
  }
}

function drawMessages(dice: Dice, id: number, hosts: number): Incident {
  return {
    at: dice.below(STORM_LASTS),
    kind: dice.one(['datagrams', 'ping'] as const),
    id,
    ...drawEnds(dice, hosts),
    count: dice.between(1, 30),
    bytes: dice.one([0, dice.below(100), dice.below(1_400), dice.below(9_000)]),
    pause: dice.one([0, 1, dice.below(1_000)]),
  }
}
