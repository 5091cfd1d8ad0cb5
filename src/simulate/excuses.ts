/**
 * What excuses a stream that did not end in order. Each is something that TCP does not promise to outlive, or that the stream's own
 * user asked for; a stream that had none of it must end in order, whatever the weather.
 */
import { ECONNRESET, ETIMEDOUT } from '../stack/errno.ts'
import type { Machine } from './machine.ts'
import type { Incident, Plan, StreamPlan, Weather } from './plan.ts'
import { BACKLOG, type Ending } from './programs/stream.ts'
import { forwards, wirePlans, wiresOf } from './settlement.ts'

/** Interruptions that TCP outlives, also in the handshake: whoever was asked waits half a minute for its last ACK, and longer each time. */
const BEARABLE = 10_000
/** From the first probe on it takes as long, at least, until they are a minute apart: 0.8 s, doubled and doubled again. */
const LONG_NAP = 30_000
/** The plan's incidents are counted from here. */
export const BEGIN_TAKES = 20_000
/** The largest IP packet of Ethernet, and what of it every fragment has again. */
const WHOLE = 1500
const IPV4_HEADER = 20
/** Fragments of a segment that are lost on a wire, on the average, which TCP need not outlive. There is no weather that bad for one frame. */
const LOST_OF_EACH = 0.25
/** The same of a segment and its acknowledgement, over all wires between the two. One wire alone has no weather that bad. */
const LOST_OF_A_TRY = 0.45

/** `client` and `server` are how its two ends ended; undefined: the server never heard of it. */
export function isExcused(
  stream: StreamPlan,
  plan: Plan,
  machines: readonly Machine[],
  client: Ending,
  server: Ending | undefined,
): boolean {
  const ends = [stream.from, stream.to].map(index => machines[index] as Machine)
  // Memory that is full resets, refuses and forgets (DESIGN's memory; RFC 9293, 3.8.6: "resource management").
  if (ends.some(({ stack }) => stack.memory.failures > 0)) return true
  // RFC 9293, 3.9.1.1, USER TIMEOUT: its user has said how long.
  if (stream.userTimeout !== undefined) return true
  // RFC 9293, 3.8.6.1: whoever reads nothing for long keeps the window closed, and a connection whose user has gone is given up
  // when its probes are a minute apart (tcp/clock.ts, abandon).
  if ((stream.nap ?? 0) > LONG_NAP) return true
  if (hasMoved(stream, plan, ends)) return true
  if (client === `error ${ECONNRESET}` && mayBeMistaken(stream, plan)) return true
  if ([client, server].includes(`error ${ETIMEDOUT}`) && isInPieces(stream, plan)) return true
  if (isFarInBadWeather(stream, plan) && wasGivenUp([client, server])) return true
  const onTheWay = [...ends.map(({ index }) => index), ...routersFor(stream, plan)]
  return plan.incidents.some(incident => breaks(incident, stream, onTheWay))
}

/**
 * A connection's addresses cannot change (RFC 9293, 3.3.1): one whose host has come to another since, by a lease that ended
 * (RFC 2131, 4.4.5), by a conflict (RFC 3927, 2.5; RFC 5227, 2.4) or by its user, has ended with it.
 */
function hasMoved(stream: StreamPlan, { incidents }: Plan, ends: readonly Machine[]): boolean {
  const began = incidents.find(incident => incident.kind === 'stream' && incident.id === stream.id)?.at ?? 0
  return ends.some(({ moves }) => moves.some(at => at >= BEGIN_TAKES + began))
}

/**
 * RFC 4987, 3.6: a SYN that a crowded listener answered with a cookie, and that came once more when there was room again, begins
 * a second connection. The peer acknowledges the first number there, which the second must reset (RFC 9293, 3.10.7.4, fifth).
 */
function mayBeMistaken({ to }: StreamPlan, { hosts, incidents }: Plan): boolean {
  const { profile, sysctls = {} } = hosts[to] as Plan['hosts'][number]
  if (profile !== 'full' || sysctls['net.ipv4.tcp_syncookies'] === 0) return false
  const calls = incidents.filter(each => each.kind === 'stream' && each.to === to && each.opening !== 'cross')
  return calls.length > BACKLOG && weathers(incidents).some(({ twice }) => twice > 0)
}

/**
 * Who does not discover path MTUs lets routers cut its segments, and one is lost with any of its fragments (RFC 791, 3.2). Where
 * most are, eight in a row may be, after which TCP gives up (RFC 1122, 4.2.3.5: R2).
 */
function isInPieces(stream: StreamPlan, plan: Plan): boolean {
  const discovers = [stream.from, stream.to].every(index => plan.hosts[index]?.profile !== 'minimal')
  if (discovers || routersFor(stream, plan).length === 0) return false
  const narrowest = Math.min(...wirePlans(plan).map(({ mtu }) => mtu))
  const pieces = Math.ceil((WHOLE - IPV4_HEADER) / ((narrowest - IPV4_HEADER) & ~7))
  const most = Math.max(...weathers(plan.incidents).map(({ loss, corrupt }) => loss + corrupt))
  return pieces > 1 && pieces * most > LOST_OF_EACH
}

/** Where most tries are lost, eight in a row may be, after which TCP gives up (RFC 1122, 4.2.3.5: R2). */
function isFarInBadWeather(stream: StreamPlan, plan: Plan): boolean {
  const wires = routersFor(stream, plan).length === 0 ? 1 : wirePlans(plan).length
  const worst = Math.max(...weathers(plan.incidents).map(({ loss, corrupt }) => loss + corrupt))
  return 2 * wires * worst > LOST_OF_A_TRY
}

/** Who gives up is told, unless its program had ended in order before; the other is reset when it speaks again. */
const wasGivenUp = (ends: readonly (Ending | undefined)[]): boolean =>
  ends.includes(`error ${ETIMEDOUT}`) || (ends.includes(`error ${ECONNRESET}`) && ends.includes('complete'))

const weathers = (incidents: Plan['incidents']): Weather[] =>
  incidents.flatMap(each => (each.kind === 'weather' ? [each.weather] : []))

/** Between wires: all routers, of which any may be on the way. */
function routersFor({ from, to }: StreamPlan, { hosts }: Plan): number[] {
  const [own, theirs] = [from, to].map(index => wiresOf(hosts[index] as Plan['hosts'][number]))
  if (own?.[0] === theirs?.[0]) return []
  return hosts.flatMap((host, index) => (forwards(host) ? [index] : []))
}

function breaks(incident: Incident, { from, to }: StreamPlan, onTheWay: readonly number[]): boolean {
  switch (incident.kind) {
    case 'partition':
      return incident.lasts > BEARABLE
    case 'sleep':
      return onTheWay.includes(incident.host) && incident.lasts > BEARABLE
    case 'restart':
    case 'refuse':
      return onTheWay.includes(incident.host)
    // A listener's connections that nobody has accepted are reset with it (RFC 9293, 3.10.4: CLOSE in LISTEN).
    case 'hush':
      return incident.host === to
    // Connections to it were told to end.
    case 'gone':
      return incident.host === from || incident.host === to
    default:
      return false
  }
}
