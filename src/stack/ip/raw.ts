/**
 * INET_RAW: sockets of one IP protocol, as Linux's raw(7). Each receives a copy of every IPv4 datagram of its protocol,
 * header and all, beside whatever else becomes of it; what it sends is the payload of a datagram, or with
 * Option.HeaderIncluded a whole one.
 *
 * All raw sockets hang in one list. A host without any pays one comparison a datagram.
 */
import { type Core, KIND_RAW } from '../core.ts'
import {
  EADDRNOTAVAIL,
  EHOSTUNREACH,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  ENOBUFS,
  ENOPROTOOPT,
  EPROTONOSUPPORT,
  type Errno,
  isErrno,
} from '../errno.ts'
import { frameAt, queueFrame, takeFrame } from '../ethernet/frames.ts'
import { holdPage } from '../ethernet/neighbours.ts'
import { type Address, type Arena, FRAME_MAX, freePage, type Page } from '../memory/arena.ts'
import { append, remove } from '../memory/fifo.ts'
import { NEXT_IP_ID, RAW_HEAD } from '../memory/layout.ts'
import { NEXT_OF_KIND, queueCopy } from '../socket/datagrams.ts'
import type { SocketFamily } from '../socket/family.ts'
import { clearFlag, hasFlag, LOCAL_ADDRESS, LOCAL_PORT, setFlag, TTL } from '../socket/record.ts'
import { Option, Protocol } from '../stack.ts'
import { complement, sumBytes } from '../wire/checksum.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import {
  IP_CHECKSUM,
  IP_DESTINATION,
  IP_HEADER,
  IP_ID,
  IP_PROTOCOL,
  IP_SOURCE,
  IP_TOTAL_LENGTH,
  IP_VERSION_IHL,
} from '../wire/ipv4.ts'
import { layDatagram, sendDatagram } from './datagram.ts'
import { isOurs, sourceFor } from './local.ts'
import { addressFrame, isReady, mtuTo, NO_ROUTE } from './route.ts'

/** The feature INET_RAW as core code knows it. */
export interface RawSockets extends SocketFamily {
  /**
   * Copies the datagram whose header of `headerLength` bytes stands at `ip` to all who have its protocol. Its `length`
   * bytes of payload follow the header, or lie in the `chain`. False: nobody has.
   */
  input(s: Core, ip: Address, headerLength: number, length: number, chain: Page): boolean
}

/** raw(7): IPPROTO_RAW sends whole datagrams of any protocol and receives nothing. */
const PROTOCOL_RAW = 255
/** A flag of the record, see socket/record.ts: datagrams are given whole. */
const FLAG_HEADER_INCLUDED = 64

/** The feature INET_RAW. */
export const rawSockets: RawSockets = {
  protocol: Protocol.Raw,
  kind: KIND_RAW,

  open({ m }, socket, protocol) {
    // As in Linux: protocol 0 is no raw socket's.
    if (!(Number.isInteger(protocol) && protocol > 0 && protocol <= PROTOCOL_RAW)) return EPROTONOSUPPORT
    m.put16(socket + LOCAL_PORT, protocol)
    if (protocol === PROTOCOL_RAW) setFlag(m, socket, FLAG_HEADER_INCLUDED)
    append(m, RAW_HEAD, socket, NEXT_OF_KIND)
    return 0
  },

  close({ m }, socket) {
    if (m.get16(socket + LOCAL_PORT) !== 0) remove(m, RAW_HEAD, socket, NEXT_OF_KIND)
  },

  /** Only what is sent to this address is received. */
  bind({ m }, socket, address) {
    if (address !== 0 && !isOurs(m, address)) return EADDRNOTAVAIL
    m.put32(socket + LOCAL_ADDRESS, address)
    return 0
  },

  setOption({ m }, socket, option, value) {
    if (option !== Option.HeaderIncluded) return ENOPROTOOPT
    if (value !== 0 && value !== 1) return EINVAL
    if (value === 1) setFlag(m, socket, FLAG_HEADER_INCLUDED)
    else clearFlag(m, socket, FLAG_HEADER_INCLUDED)
    return 0
  },

  sendTo(s, socket, data, address) {
    const { m } = s
    const source = m.get32(socket + LOCAL_ADDRESS) || sourceFor(s, address)
    if (source === 0) return ENETUNREACH
    if (hasFlag(m, socket, FLAG_HEADER_INCLUDED)) return sendWhole(s, data, address, source)
    const page = layDatagram(s, 0, data, mtuTo(s, address))
    if (isErrno(page)) return page
    const sending = { ttl: m.get8(socket + TTL), link: 0 }
    const protocol = m.get16(socket + LOCAL_PORT)
    const sent = sendDatagram(s, page, address, protocol, data.length, source, sending)
    return isErrno(sent) ? sent : data.length
  },

  input(s, ip, headerLength, length, chain) {
    const { m } = s
    const protocol = m.get8(ip + IP_PROTOCOL)
    const destination = m.view.getInt32(ip + IP_DESTINATION)
    const from = m.view.getInt32(ip + IP_SOURCE)
    let taken = false
    for (let socket = m.get32(RAW_HEAD); socket !== 0; socket = m.get32(socket + NEXT_OF_KIND)) {
      if (m.get16(socket + LOCAL_PORT) !== protocol || protocol === PROTOCOL_RAW) continue
      const bound = m.get32(socket + LOCAL_ADDRESS)
      if (bound !== 0 && bound !== destination) continue
      taken = true
      if (chain === 0) queueCopy(s, socket, ip, headerLength + length, 0, 0, from, 0)
      else queueCopy(s, socket, ip, headerLength, chain, length, from, 0)
    }
    return taken
  },
}

/**
 * raw(7), IP_HDRINCL: the header is the sender's but for the total length and the checksum, which are always filled in, and
 * the source and the identification where they are zero. It goes where `address` is, and is not cut into fragments. That its
 * version and length are possible is asked as well.
 */
function sendWhole(s: Core, data: Uint8Array, address: number, source: number): number | Errno {
  const { m } = s
  if (data.length > Math.min(mtuTo(s, address), FRAME_MAX - ETH_HEADER)) return EMSGSIZE
  const headerLength = ((data[IP_VERSION_IHL] ?? 0) & 15) * 4
  if ((data[IP_VERSION_IHL] ?? 0) >> 4 !== 4 || headerLength < IP_HEADER || headerLength > data.length)
    return EINVAL
  const page = takeFrame(s, false)
  if (page === 0) return ENOBUFS
  const frame = frameAt(page)
  const ip = frame + ETH_HEADER
  m.bytes.set(data, ip)
  completeHeader(m, ip, headerLength, data.length, source)
  const way = addressFrame(s, frame, address)
  if (way === NO_ROUTE) {
    freePage(m, page)
    return EHOSTUNREACH
  }
  if (!isReady(way)) holdPage(s, way, page, ETH_HEADER + data.length)
  else if (!queueFrame(s, page, ETH_HEADER + data.length, way)) return ENOBUFS
  return data.length
}

function completeHeader(m: Arena, ip: Address, headerLength: number, length: number, source: number): void {
  const { view } = m
  view.setUint16(ip + IP_TOTAL_LENGTH, length)
  if (view.getInt32(ip + IP_SOURCE) === 0) view.setInt32(ip + IP_SOURCE, source)
  if (view.getUint16(ip + IP_ID) === 0) {
    view.setUint16(ip + IP_ID, m.get16(NEXT_IP_ID))
    m.put16(NEXT_IP_ID, m.get16(NEXT_IP_ID) + 1)
  }
  m.put16(ip + IP_CHECKSUM, 0)
  m.put16(ip + IP_CHECKSUM, complement(sumBytes(m, ip, headerLength)))
}
