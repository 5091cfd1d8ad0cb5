/**
 * Composition: a configuration, an environment and the features of a profile become a stack. Its arena is laid out, or
 * taken over when it is a running host's copy (memory/lay-out.ts).
 */

import { fireTimers, setNow } from './clock.ts'
import type { Core, Emit, Features } from './core.ts'
import { dropped, KIND_CONNECTION } from './core.ts'
import { Drop } from './drop.ts'
import { emitFrames } from './ethernet/frames.ts'
import { isLink, linkAt } from './ethernet/links.ts'
import { hostCalls } from './host-calls.ts'
import { acquireAddress, acquireLinkLocal, announceGiven } from './ip/acquire.ts'
import { lengthOf } from './ip/addresses.ts'
import { type LinkSettings, readConfig } from './ip/config.ts'
import { frameInput } from './ip/input.ts'
import { takeAddress } from './ip/local.ts'
import { Arena, FRAME_MAX } from './memory/arena.ts'
import { layOut, newArena, takeOver } from './memory/lay-out.ts'
import { ADDRESS, LARGE_SIZE, NOW, NOW_MS } from './memory/layout.ts'
import { memoryReport } from './memory/report.ts'
import { nextTick } from './memory/wheel.ts'
import { dataCalls, lifeCalls, settingCalls } from './socket/calls.ts'
import { EVENTS, hasFlag } from './socket/record.ts'
import { handleOf, kindOf, takeEvent } from './socket/socket.ts'
import type { Environment, Socket, Stack, StackConfig } from './stack.ts'
import { bury } from './tcp/connection.ts'
import { emitSegments } from './tcp/output.ts'
import { emptySegment } from './tcp/segment.ts'
import { FLAG_DEAD, type Tcb } from './tcp/tcb.ts'

/** Throws RangeError with one sentence when the configuration cannot work. */
export function compose(config: StackConfig, environment: Environment, features: Features): Stack {
  const settings = readConfig(config, features.dhcpClient !== undefined)
  const m = new Arena(
    typeof config.memory === 'number'
      ? newArena(config.memory, features.procFs !== undefined)
      : config.memory,
  )
  const s: Core = {
    m,
    features,
    random32: () => environment.random32() >>> 0,
    services: [features.mdns, features.dns, features.dhcpServer, features.dhcpClient].filter(
      service => service !== undefined,
    ),
    options: [
      features.windowScale,
      features.timestamps,
      features.sack?.permitted,
      features.sack?.blocks,
      features.fastOpen,
    ].filter(option => option !== undefined),
    lastingOptions: [features.timestamps, features.sack?.blocks].filter(option => option !== undefined),
    segment: emptySegment(),
    link: 0,
  }
  if (typeof config.memory === 'number') {
    layOut(s, settings, environment.secret)
    if (config.address === undefined) acquireLinkLocal(s)
    else if (settings.address !== 0) acquireAddress(s, settings.address, settings.mask, settings.gateway)
    takeAddresses(s, settings.more)
    for (const service of s.services) service.start?.(s, config)
    if (config.ipv6 !== false) features.ipv6?.start(s)
  } else {
    takeOver(m)
  }
  return stackOf(s)
}

/** The links behind link 0 have their addresses at once. */
function takeAddresses(s: Core, more: readonly LinkSettings[]): void {
  more.forEach(({ address, mask }, i) => {
    if (address !== 0) takeAddress(s, i + 1, address, lengthOf(mask), true)
  })
  announceGiven(s)
}

function visitEvents(s: Core, visit: (socket: Socket, bits: number) => void): void {
  const { m } = s
  for (let at = takeEvent(m); at !== 0; at = takeEvent(m)) {
    const bits = m.get8(at + EVENTS)
    m.put8(at + EVENTS, 0)
    // Asked before, since behind the visitor's back the record may be freed and its page be another's.
    const dead = kindOf(m, at) === KIND_CONNECTION && hasFlag(m, at, FLAG_DEAD)
    visit(handleOf(m, at), bits)
    if (dead) bury(s, at as Tcb)
  }
}

/** The face of a stack, see stack.ts. */
function stackOf(s: Core): Stack {
  const { m, features } = s
  let link: Emit = () => false
  /** The link of this `output`; what it takes is counted, and shown to packet sockets. */
  const watchedLink: Emit = (frame, number) => {
    if (!link(frame, number)) return false
    s.features.ethtool?.sent(m, linkAt(m, number), frame.length)
    s.features.packet?.outgoing(s, frame.byteOffset, frame.length, number)
    return true
  }
  return {
    ...hostCalls(s),
    ...lifeCalls(s),
    ...settingCalls(s),
    ...dataCalls(s),
    input(frame, now, from = 0) {
      setNow(s, now)
      if (from !== 0 && !isLink(m, from)) return dropped(s, Drop.NotForUs)
      return frameInput(s, frame, from)
    },
    poll(now) {
      setNow(s, now)
      fireTimers(s)
    },
    pollAt() {
      const tick = nextTick(m)
      return tick === undefined
        ? Infinity
        : Math.floor(m.view.getFloat64(NOW, true)) + ((tick - m.get32(NOW_MS)) | 0)
    },
    output(emit) {
      // Segments may make frames in their turn: whoever has an address to ask for asks at once.
      link = emit
      const watched = s.features.ethtool || s.features.packet ? watchedLink : emit
      emitFrames(s, watched)
      emitSegments(s, watched)
      emitFrames(s, watched)
    },
    events: visit => visitEvents(s, visit),
    get memory() {
      return memoryReport(m)
    },
    get counters() {
      return s.features.procFs?.counters(s) ?? {}
    },
    arena: m.buffer,
    largestFrame: Math.max(FRAME_MAX, m.get32(LARGE_SIZE)),
    get address() {
      return m.get32(ADDRESS) >>> 0
    },
    get addresses() {
      return features.tables?.listAddresses(m) ?? []
    },
    get routes() {
      return features.tables?.listRoutes(s) ?? []
    },
    get ipv6() {
      return s.features.ipv6?.report(s)
    },
  }
}
