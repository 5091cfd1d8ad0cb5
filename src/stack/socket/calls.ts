/**
 * The socket calls of a stack, see stack.ts: each finds the record behind its handle and passes it on to its protocol, or to
 * the kind of socket that came with a feature (family.ts).
 */
import type { Core } from '../core.ts'
import { KIND_CONNECTION, KIND_UDP } from '../core.ts'
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
} from '../errno.ts'
import { isOurs } from '../ip/local.ts'
import { ipv6For, isIpv6Word } from '../ip6/word.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { type Ipv4, type Ipv6, Protocol, type Socket, type Stack } from '../stack.ts'
import { makeConnection } from '../tcp/connection.ts'
import { CLOSED, stateOf, type Tcb } from '../tcp/tcb.ts'
import {
  abortTcp,
  acceptTcp,
  closeTcp,
  connectTcp,
  listenTcp,
  recvTcp,
  sendTcp,
  shutdownTcp,
} from '../tcp/user.ts'
import { bindUdp, udpConnect, udpSend } from '../udp/udp.ts'
import { closeDatagrams, DATAGRAM_KIND, MULTICAST_TTL, takeDatagram, takeLost } from './datagrams.ts'
import { familyOf } from './family.ts'
import { setSocketOption } from './options.ts'
import { ERROR, LOCAL_ADDRESS, LOCAL_PORT, REMOTE_ADDRESS, REMOTE_PORT } from './record.ts'
import { handleOf, kindOf, makeSocket, recordOf, tell } from './socket.ts'

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
  if (typeof address === 'number') return isIpv6Word(address | 0) ? ENETUNREACH : call(address | 0)
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
  if (isConnection(m, at)) {
    if (stateOf(m, at) !== CLOSED) return EISCONN
    m.put16(at + LOCAL_PORT, port)
  } else {
    const error = kindOf(m, at) === KIND_UDP ? bindUdp(s, at, port) : EOPNOTSUPP
    if (error !== 0) return error
  }
  m.put32(at + LOCAL_ADDRESS, word)
  return 0
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

/** What opens a socket and ends it: every call returns EBADF for a handle that is nobody's. */
export function lifeCalls(
  s: Core,
): Pick<Stack, 'socket' | 'bind' | 'listen' | 'accept' | 'connect' | 'shutdown' | 'close' | 'abort'> {
  const { m } = s
  const tcp = (handle: Socket, call: (t: Tcb) => number): number => {
    const at = recordOf(s, handle)
    if (at === 0) return EBADF
    return isConnection(m, at) ? call(at) : EOPNOTSUPP
  }
  return {
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
  }
}

/** What sets a socket and tells about it, see stack.ts for the errors of each. */
export function settingCalls(
  s: Core,
): Pick<Stack, 'setOption' | 'joinGroup' | 'leaveGroup' | 'attachFilter' | 'nextSocket' | 'error' | 'name'> {
  const { m } = s
  const udp = (handle: Socket, call: (at: Address) => 0 | Errno): 0 | Errno => {
    const at = recordOf(s, handle)
    if (at === 0) return EBADF
    return kindOf(m, at) === KIND_UDP ? call(at) : EOPNOTSUPP
  }
  return {
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

/** What moves data through a socket. */
export function dataCalls(
  s: Core,
): Pick<
  Stack,
  'send' | 'recv' | 'urgent' | 'sendTo' | 'recvFrom' | 'resolve' | 'resolved' | 'peek' | 'lost'
> {
  const { m } = s
  return {
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
    urgent(handle) {
      const at = recordOf(s, handle)
      if (at === 0) return EBADF
      return isConnection(m, at) ? (s.features.urgent?.left(s, at) ?? EOPNOTSUPP) : EOPNOTSUPP
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
    peek: (handle, into) => s.features.packet?.peek(s, recordOf(s, handle), into) ?? EOPNOTSUPP,
    lost: handle => (s.features.sockets ? takeLost(s, recordOf(s, handle)) : EOPNOTSUPP),
  }
}
