/**
 * Composition: a configuration, an environment and the features of a profile become a stack. Here the arena is laid
 * out, or taken over when it is a running host's copy.
 */
import type { Core, Emit, Features } from './core.ts'
import {
  KIND_ACQUIRE,
  KIND_CONNECTION,
  KIND_DESTINATION,
  KIND_GROUP,
  KIND_IPV6,
  KIND_NEIGHBOUR,
  KIND_REASSEMBLY,
  KIND_SETTINGS,
  KIND_UDP,
  RECORD_KIND,
} from './core.ts'
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EBADF,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOBUFS,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  EPROTONOSUPPORT,
  type Errno,
  isErrno,
} from './errno.ts'
import { sendArpAnnouncement } from './ethernet/arp.ts'
import { emitFrames } from './ethernet/frames.ts'
import { linkAt } from './ethernet/links.ts'
import { findNeighbour, neighbourTimer, removeNeighbour } from './ethernet/neighbours.ts'
import { acquireAddress, acquireLinkLocal, acquireTimer, configureAddress, reannounce } from './ip/acquire.ts'
import { lengthOf, maskOf } from './ip/addresses.ts'
import { type LinkSettings, readConfig } from './ip/config.ts'
import { frameInput } from './ip/input.ts'
import { isOurs, takeAddress } from './ip/local.ts'
import { ipv6For } from './ip6/word.ts'
import { type Address, Arena, FRAME_MAX } from './memory/arena.ts'
import { layOut, takeOver } from './memory/lay-out.ts'
import { ADDRESS, LARGE_SIZE, LINK_COUNT, NOW, NOW_MS, NOW_US } from './memory/layout.ts'
import { memoryReport } from './memory/report.ts'
import { nextTick, runTimers } from './memory/wheel.ts'
import { closeDatagrams, DATAGRAM_KIND, MULTICAST_TTL, takeDatagram, takeLost } from './socket/datagrams.ts'
import { familyOf } from './socket/family.ts'
import { setSocketOption } from './socket/options.ts'
import {
  ERROR,
  EVENTS,
  hasFlag,
  LOCAL_ADDRESS,
  LOCAL_PORT,
  REMOTE_ADDRESS,
  REMOTE_PORT,
} from './socket/record.ts'
import { handleOf, kindOf, makeSocket, recordOf, takeEvent, tell } from './socket/socket.ts'
import {
  type Environment,
  type Ipv4,
  type Ipv6,
  type Ms,
  Protocol,
  type Socket,
  type Stack,
  type StackConfig,
} from './stack.ts'
import { connectionTimer } from './tcp/clock.ts'
import { bury, makeConnection } from './tcp/connection.ts'
import { emitSegments } from './tcp/output.ts'
import { emptySegment } from './tcp/segment.ts'
import { CLOSED, FLAG_DEAD, stateOf, type Tcb } from './tcp/tcb.ts'
import { hostGone } from './tcp/unreachable.ts'
import {
  abortTcp,
  acceptTcp,
  closeTcp,
  connectTcp,
  listenTcp,
  recvTcp,
  sendTcp,
  shutdownTcp,
} from './tcp/user.ts'
import { bindUdp, udpConnect, udpSend } from './udp/udp.ts'

/** Throws RangeError with one sentence when the configuration cannot work. */
export function compose(config: StackConfig, environment: Environment, features: Features): Stack {
  const settings = readConfig(config, features.dhcpClient !== undefined)
  const m = new Arena(typeof config.memory === 'number' ? new ArrayBuffer(config.memory) : config.memory)
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
    if (address === 0) return
    takeAddress(s, i + 1, address, lengthOf(mask), true)
    sendArpAnnouncement(s, address, i + 1)
  })
}

/** Times are compared modulo 2^32 ms; a clock that jumps farther than half of that goes there in steps of 12 days. */
const JUMP_MAX = 2 ** 30

/** Moves the host's clock; it never runs backwards. */
function setNow(s: Core, now: Ms): void {
  const { view } = s.m
  for (let at = view.getFloat64(NOW, true) + JUMP_MAX; now > at; at += JUMP_MAX) {
    writeNow(s.m, at)
    fireTimers(s)
  }
  writeNow(s.m, Math.max(now, view.getFloat64(NOW, true)))
}

function writeNow(m: Arena, time: Ms): void {
  m.view.setFloat64(NOW, time, true)
  m.put32(NOW_MS, Math.floor(time) | 0)
  m.put32(NOW_US, Math.floor(time * 1000) | 0)
}

const fireTimers = (s: Core): void => runTimers(s.m, s.m.get32(NOW_MS), record => fireTimer(s, record))

function fireTimer(s: Core, record: Address): void {
  switch (s.m.get8(record + RECORD_KIND)) {
    case KIND_ACQUIRE:
      return acquireTimer(s)
    case KIND_NEIGHBOUR:
      return neighbourTimer(s, record)
    case KIND_CONNECTION:
      return connectionTimer(s, record as Tcb)
    case KIND_REASSEMBLY:
      return s.features.fragments?.expired(s, record)
    case KIND_DESTINATION:
      return s.features.destinations?.expired(s, record)
    case KIND_SETTINGS:
      return s.features.settings?.fired(s, record)
    case KIND_GROUP:
      return s.features.multicast?.expired(s, record)
    case KIND_IPV6:
      return s.features.ipv6?.timer(s, record)
    default:
      for (const service of s.services) service.expired?.(s, record, s.m.get8(record + RECORD_KIND))
  }
}

function makeProtocolSocket(s: Core, protocol: Protocol, number: number): Socket | Errno {
  // One kind of socket: which of the two it speaks is in the addresses that it is given.
  const asked = protocol === Protocol.Icmp6 && s.features.ipv6 !== undefined ? Protocol.Icmp : protocol
  const family = s.features.sockets?.find(one => one.protocol === asked)
  let made = 0
  if (family !== undefined) made = makeSocket(s, DATAGRAM_KIND, family.kind)
  else if (protocol === Protocol.Tcp) made = makeConnection(s)
  else if (protocol === Protocol.Udp) made = makeUdpSocket(s)
  else return EPROTONOSUPPORT
  if (made === 0) return ENOBUFS
  const error = family?.open?.(s, made, number) ?? 0
  if (error === 0) return handleOf(s.m, made)
  closeDatagrams(s, made)
  return error
}

function makeUdpSocket(s: Core): Address {
  const made = makeSocket(s, DATAGRAM_KIND, KIND_UDP)
  if (made !== 0) s.m.put8(made + MULTICAST_TTL, 1)
  return made
}

/** Calls with the word by which records know an address that a user gave (ip6/word.ts). */
function withWord(s: Core, address: Ipv4 | Ipv6, call: (word: number) => number): number {
  if (typeof address === 'number') return ipv6For(s, address) !== undefined ? ENETUNREACH : call(address | 0)
  const word = s.features.ipv6?.enter(s, address) ?? EAFNOSUPPORT
  return isErrno(word) ? word : call(word)
}

function bindSocket(s: Core, at: Address, address: Ipv4 | Ipv6, port: number): 0 | Errno {
  const { m } = s
  if (!(Number.isInteger(port) && port >= 0 && port <= 0xffff)) return EINVAL
  const family = s.features.sockets && familyOf(s, at)
  if (family !== undefined)
    return family.bind?.(s, at, typeof address === 'number' ? address | 0 : 0, port) ?? EOPNOTSUPP
  let word = 0
  if (typeof address === 'number') {
    word = address | 0
    if (word !== 0 && !isOurs(m, word)) return EADDRNOTAVAIL
  } else {
    const own = s.features.ipv6?.ownWord(s, address) ?? EAFNOSUPPORT
    if (isErrno(own)) return own
    word = own
  }
  if (m.get16(at + LOCAL_PORT) !== 0) return EINVAL
  m.put32(at + LOCAL_ADDRESS, word)
  switch (kindOf(m, at)) {
    case KIND_UDP:
      return bindUdp(s, at, port)
    case KIND_CONNECTION:
      if (stateOf(m, at as Tcb) !== CLOSED) return EISCONN
      m.put16(at + LOCAL_PORT, port)
      return 0
    default:
      return EOPNOTSUPP
  }
}

function connectDatagrams(s: Core, at: Address, address: number, port: number): 0 | Errno {
  if (address !== 0 && !(Number.isInteger(port) && port > 0 && port <= 0xffff)) return EINVAL
  return udpConnect(s, at, address, port)
}

const isConnection = (m: Arena, at: Address): at is Tcb => kindOf(m, at) === KIND_CONNECTION

function sendToSocket(s: Core, at: Address, data: Uint8Array, word: number, port: number): number | Errno {
  if (kindOf(s.m, at) === KIND_UDP)
    return port > 0 && port <= 0xffff ? udpSend(s, at, data, word, port) : EINVAL
  if (isConnection(s.m, at)) return s.features.fastOpen?.open(s, at, data, word, port) ?? EOPNOTSUPP
  const family = s.features.sockets && familyOf(s, at)
  if (ipv6For(s, word) !== undefined && family !== s.features.ping) return EAFNOSUPPORT
  return family?.sendTo?.(s, at, data, word, port & 0xffff) ?? EOPNOTSUPP
}

function visitEvents(s: Core, visit: (socket: Socket, bits: number) => void): void {
  const { m } = s
  for (let at = takeEvent(m); at !== 0; at = takeEvent(m)) {
    const bits = m.get8(at + EVENTS)
    m.put8(at + EVENTS, 0)
    // Asked before, since behind the visitor's back the record may be freed and its page be another's.
    const dead = isConnection(m, at) && hasFlag(m, at, FLAG_DEAD)
    visit(handleOf(m, at), bits)
    if (dead) bury(s, at as Tcb)
  }
}

/** The face of a stack, see stack.ts. Each call finds the record behind its handle and passes it on. */
function stackOf(s: Core): Stack {
  const { m, features } = s
  const tcp = (handle: Socket, call: (t: Tcb) => number): number => {
    const at = recordOf(s, handle)
    if (at === 0) return EBADF
    return isConnection(m, at) ? call(at) : EOPNOTSUPP
  }
  const udp = (handle: Socket, call: (at: Address) => 0 | Errno): 0 | Errno => {
    const at = recordOf(s, handle)
    if (at === 0) return EBADF
    return kindOf(m, at) === KIND_UDP ? call(at) : EOPNOTSUPP
  }
  let link: Emit = () => false
  /** The link of this `output`; what it takes is counted, and shown to packet sockets. */
  const watchedLink: Emit = (frame, number) => {
    if (!link(frame, number)) return false
    s.features.ethtool?.sent(m, linkAt(m, number), frame.length)
    s.features.packet?.outgoing(s, frame.byteOffset, frame.length, number)
    return true
  }
  return {
    input(frame, now, from = 0) {
      setNow(s, now)
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
    ethtool: (number, into) => s.features.ethtool?.facts(s, number, into) ?? EOPNOTSUPP,
    sysctl: name => s.features.procFs?.get(s, name),
    setSysctl: (name, value) => s.features.procFs?.set(s, name, value) ?? EOPNOTSUPP,
    arena: m.buffer,
    largestFrame: Math.max(FRAME_MAX, m.get32(LARGE_SIZE)),
    get address() {
      return m.get32(ADDRESS) >>> 0
    },
    setAddress(address, prefixLength, gateway) {
      for (const service of s.services) service.addressGiven?.(s)
      configureAddress(s, address | 0, maskOf(prefixLength), gateway | 0)
    },
    get addresses() {
      return features.tables?.listAddresses(m) ?? []
    },
    addAddress: (link, address, prefixLength) =>
      features.tables?.addAddress(s, link, address | 0, prefixLength) ?? EOPNOTSUPP,
    removeAddress: address => features.tables?.removeAddress(s, address | 0) ?? EOPNOTSUPP,
    get routes() {
      return features.tables?.listRoutes(s) ?? []
    },
    addRoute: route => features.tables?.addRoute(s, route) ?? EOPNOTSUPP,
    removeRoute: (destination, prefixLength, metric) =>
      features.tables?.removeRoute(s, destination, prefixLength, metric) ?? EOPNOTSUPP,
    linkUp(now) {
      setNow(s, now)
      s.features.netlink?.linkChanged(s, 0)
      reannounce(s)
      for (const service of s.services) service.linkUp?.(s)
    },
    leave() {
      for (const service of s.services) service.leave?.(s)
    },
    hostGone(address) {
      if (typeof address !== 'number') return s.features.ipv6?.hostGone(s, address)
      for (let link = 0; link < m.get8(LINK_COUNT); link++) {
        const neighbour = findNeighbour(s, address | 0, link)
        if (neighbour !== 0) removeNeighbour(s, neighbour)
      }
      hostGone(s, address | 0)
      s.features.destinations?.forget(s, address | 0)
    },
    get ipv6() {
      return s.features.ipv6?.report(s)
    },
    addAddress6: (address, prefixLength) =>
      s.features.ipv6?.addAddress(s, address, prefixLength) ?? EAFNOSUPPORT,
    removeAddress6: address => s.features.ipv6?.removeAddress(s, address) ?? EAFNOSUPPORT,
    joinGroup6: group => s.features.ipv6?.joinGroup(s, group) ?? EAFNOSUPPORT,
    leaveGroup6: group => s.features.ipv6?.leaveGroup(s, group) ?? EAFNOSUPPORT,
    sortDestinations: addresses => s.features.ipv6?.sortDestinations(s, addresses) ?? addresses,
    socket: (protocol, number = 0) => makeProtocolSocket(s, protocol, number),
    bind(handle, address, port) {
      const at = recordOf(s, handle)
      return at === 0 ? EBADF : bindSocket(s, at, address, port)
    },
    listen: (handle, backlog) => tcp(handle, t => listenTcp(s, t, backlog)) as 0 | Errno,
    accept: handle =>
      tcp(handle, t => {
        const child = acceptTcp(s, t)
        return isErrno(child) ? child : handleOf(m, child)
      }) as Socket | Errno,
    connect(handle, address, port) {
      const at = recordOf(s, handle)
      if (at !== 0 && kindOf(m, at) === KIND_UDP)
        return withWord(s, address, word => connectDatagrams(s, at, word, port)) as 0 | Errno
      return tcp(handle, t => withWord(s, address, word => connectTcp(s, t, word, port))) as 0 | Errno
    },
    send(handle, data) {
      const at = recordOf(s, handle)
      if (at === 0) return EBADF
      if (isConnection(m, at)) return sendTcp(s, at, data)
      if (kindOf(m, at) === KIND_UDP) {
        const port = m.get16(at + REMOTE_PORT)
        return port === 0 ? ENOTCONN : sendToSocket(s, at, data, m.get32(at + REMOTE_ADDRESS), port)
      }
      return (s.features.sockets && familyOf(s, at))?.send?.(s, at, data) ?? EOPNOTSUPP
    },
    recv(handle, into) {
      const at = recordOf(s, handle)
      if (at === 0) return EBADF
      if (isConnection(m, at)) return recvTcp(s, at, into)
      return (s.features.sockets && familyOf(s, at))?.recv?.(s, at, into) ?? EOPNOTSUPP
    },
    sendTo(handle, data, address, port) {
      const at = recordOf(s, handle)
      return at === 0 ? EBADF : withWord(s, address, word => sendToSocket(s, at, data, word, port))
    },
    recvFrom(handle, into, from) {
      const at = recordOf(s, handle)
      if (at === 0) return EBADF
      if (isConnection(m, at)) return EOPNOTSUPP
      return (
        (s.features.sockets && familyOf(s, at))?.recvFrom?.(s, at, into, from) ??
        takeDatagram(s, at, into, from)
      )
    },
    resolve: (name, type) => (s.features.dns?.resolve(s, name, type) ?? EOPNOTSUPP) as Socket | Errno,
    resolved(handle, into) {
      const at = recordOf(s, handle)
      if (at === 0) return EBADF
      return s.features.dns?.resolved(s, at, into) ?? EOPNOTSUPP
    },
    setOption(handle, option, value) {
      const at = recordOf(s, handle)
      return at === 0 ? EBADF : setSocketOption(s, at, option, value)
    },
    joinGroup: (handle, group, link = 0) =>
      udp(handle, at => s.features.multicast?.join(s, at, group | 0, link) ?? EINVAL),
    leaveGroup: (handle, group, link = 0) =>
      udp(handle, at => s.features.multicast?.leave(s, at, group | 0, link) ?? EINVAL),
    attachFilter: (handle, program) =>
      s.features.filter?.attach(s, recordOf(s, handle), program) ?? ENOPROTOOPT,
    peek: (handle, into) => s.features.packet?.peek(s, recordOf(s, handle), into) ?? EOPNOTSUPP,
    lost: handle => (s.features.sockets ? takeLost(s, recordOf(s, handle)) : EOPNOTSUPP),
    shutdown: handle => tcp(handle, t => shutdownTcp(s, t)) as 0 | Errno,
    close(handle) {
      const at = recordOf(s, handle)
      if (at === 0) return EBADF
      s.features.dns?.forget(s, at)
      if (isConnection(m, at)) closeTcp(s, at)
      else {
        if (s.features.sockets) familyOf(s, at)?.close?.(s, at)
        closeDatagrams(s, at)
      }
      return 0
    },
    abort: handle =>
      tcp(handle, t => {
        abortTcp(s, t)
        return 0
      }) as 0 | Errno,
    nextSocket: (after, into) => s.features.diag?.(m, after, into) ?? 0,
    error(handle) {
      const at = recordOf(s, handle)
      if (at === 0) return EBADF
      const error = m.get8(at + ERROR)
      m.put8(at + ERROR, 0)
      return error === 0 ? 0 : (-error as Errno)
    },
    name(handle, end, into) {
      const at = recordOf(s, handle)
      if (at === 0) return false
      const local = end === 'local'
      const port = m.get16(at + (local ? LOCAL_PORT : REMOTE_PORT))
      tell(s, into, m.get32(at + (local ? LOCAL_ADDRESS : REMOTE_ADDRESS)), port)
      return true
    },
  }
}
