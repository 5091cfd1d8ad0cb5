/**
 * PACKET: sockets at the Ethernet layer, as Linux's packet(7). Each receives a copy of the frames that arrive and of those
 * that leave, of one EtherType or of all, whoever they are for; what it sends is a whole frame. Its own frames it does
 * not hear.
 *
 * PACKET_MMAP (ring.ts) sets pages aside beforehand. Without it each frame takes a page when it comes.
 */
import { type Core, KIND_PACKET } from '../core.ts'
import { EAGAIN, EBADF, EINVAL, EMSGSIZE, ENOBUFS, ENOPROTOOPT, EOPNOTSUPP, type Errno } from '../errno.ts'
import { frameAt, queueFrame, takeFrame } from '../ethernet/frames.ts'
import { linkAt } from '../ethernet/links.ts'
import {
  type Address,
  type Arena,
  FRAME_MAX,
  ownerOf,
  PAGE_FLAGS,
  PAGE_FROM,
  PAGE_FROM_PORT,
  PAGE_LENGTH,
  PAGE_LINK,
  PAGE_OFFSET,
  PAGE_SEQ,
  type Page,
  pageOf,
} from '../memory/arena.ts'
import { append, remove } from '../memory/fifo.ts'
import {
  LINK_COUNT,
  LINK_MAC_HIGH,
  LINK_MAC_LOW,
  LINK_MTU,
  NOW,
  NOW_MS,
  PACKET_HEAD,
  POOL_FRAMES,
} from '../memory/layout.ts'
import { NEXT_OF_KIND, QUEUE_HEAD, queueCopy } from '../socket/datagrams.ts'
import type { SocketFamily } from '../socket/family.ts'
import { LOCAL_PORT, REMOTE_PORT } from '../socket/record.ts'
import { kindOf } from '../socket/socket.ts'
import { type Captured, Option, PacketType, Protocol } from '../stack.ts'
import { ETH_DESTINATION, ETH_HEADER, ETH_TYPE, macHigh, macLow } from '../wire/ethernet.ts'

/** The feature PACKET as core code knows it. Frames are whole, Ethernet header and all; lengths in bytes. */
export interface PacketSockets extends SocketFamily {
  /** A frame has arrived at `at`. True: a socket has taken it by its EtherType. */
  incoming(s: Core, at: Address, length: number): boolean
  /** A frame that lies at `at` has left. */
  outgoing(s: Core, at: Address, length: number, link: number): void
  peek(s: Core, socket: Address, into: Captured): Uint8Array | Errno
}

/** ETH_P_ALL: frames of every type. */
const ALL_TYPES = 3
/** A flag of a page with a frame (PAGE_FLAGS): a packet socket made it; its record stands at PAGE_FROM. */
const FROM_SOCKET = 2
/** Where a page with a captured frame keeps how long it was on the wire. */
const PAGE_WIRE_LENGTH = 22

/** The feature PACKET. */
export const packetSockets: PacketSockets = {
  protocol: Protocol.Packet,
  kind: KIND_PACKET,

  open({ m }, socket, etherType) {
    if (!(Number.isInteger(etherType) && etherType >= 0 && etherType <= 0xffff)) return EINVAL
    m.put16(socket + LOCAL_PORT, etherType === 0 ? ALL_TYPES : etherType)
    append(m, PACKET_HEAD, socket, NEXT_OF_KIND)
    return 0
  },

  close(s, socket) {
    if (s.m.get16(socket + LOCAL_PORT) === 0) return
    remove(s.m, PACKET_HEAD, socket, NEXT_OF_KIND)
    s.features.packetRing?.release(s, socket)
  },

  setOption: (s, socket, option, value) =>
    (option === Option.PacketRing ? s.features.packetRing?.allot(s, socket, value) : undefined) ??
    ENOPROTOOPT,

  /** Only frames of this link are received. */
  bind({ m }, socket, _address, link) {
    if (link >= m.get8(LINK_COUNT)) return EINVAL
    m.put16(socket + REMOTE_PORT, link + 1)
    return 0
  },

  sendTo(s, socket, data, _address, link) {
    const { m } = s
    if (data.length < ETH_HEADER || link >= m.get8(LINK_COUNT)) return EINVAL
    if (data.length > Math.min(FRAME_MAX, ETH_HEADER + m.get16(linkAt(m, link) + LINK_MTU))) return EMSGSIZE
    const page = takeFrame(s, false)
    if (page === 0) return ENOBUFS
    m.bytes.set(data, frameAt(page))
    m.put16(page + PAGE_FLAGS, FROM_SOCKET)
    m.put32(page + PAGE_FROM, socket)
    return queueFrame(s, page, data.length, link) ? data.length : ENOBUFS
  },

  recvFrom: (s, socket, into, from) => s.features.packetRing?.take(s, socket, into, from),

  incoming(s, at, length) {
    const { m } = s
    return m.get32(PACKET_HEAD) !== 0 && capture(s, at, length, incomingType(s, at), 0, s.link)
  },

  outgoing(s, at, length, link) {
    const { m } = s
    if (m.get32(PACKET_HEAD) === 0) return
    const page = pageOf(m, at)
    const ours = ownerOf(m, page) === POOL_FRAMES && (m.get16(page + PAGE_FLAGS) & FROM_SOCKET) !== 0
    capture(s, at, length, PacketType.Outgoing, ours ? m.get32(page + PAGE_FROM) : 0, link)
  },

  peek({ m }, socket, into) {
    if (socket === 0) return EBADF
    if (kindOf(m, socket) !== KIND_PACKET) return EOPNOTSUPP
    const page = m.get32(socket + QUEUE_HEAD)
    if (page === 0) return EAGAIN
    into.type = m.get32(page + PAGE_FROM)
    into.link = m.get8(page + PAGE_LINK)
    into.etherType = m.get16(page + PAGE_FROM_PORT)
    into.length = m.get32(page + PAGE_WIRE_LENGTH)
    into.at = Math.floor(m.view.getFloat64(NOW, true)) + ((m.get32(page + PAGE_SEQ) - m.get32(NOW_MS)) | 0)
    return m.window(page + m.get16(page + PAGE_OFFSET), m.get16(page + PAGE_LENGTH))
  },
}

/** Gives a frame to all who want its type, but for its sender. True: somebody wants this type and no other. */
function capture(
  s: Core,
  at: Address,
  length: number,
  type: PacketType,
  sender: Address,
  link: number,
): boolean {
  const { m } = s
  const etherType = m.view.getUint16(at + ETH_TYPE)
  let byType = false
  for (let socket = m.get32(PACKET_HEAD); socket !== 0; socket = m.get32(socket + NEXT_OF_KIND)) {
    const wants = m.get16(socket + LOCAL_PORT)
    if (socket === sender || (wants !== ALL_TYPES && wants !== etherType)) continue
    const bound = m.get16(socket + REMOTE_PORT)
    if (bound !== 0 && bound !== link + 1) continue
    if (wants !== ALL_TYPES) byType = true
    const ring = s.features.packetRing
    const page =
      ring?.has(m, socket) === true
        ? ring.put(s, socket, at, length, type, etherType)
        : queueCopy(s, socket, at, length, 0, 0, type, etherType)
    if (page !== 0) stamp(m, page, length, link)
  }
  return byType
}

/** When the frame was captured, on which link, and how long it was. */
function stamp(m: Arena, page: Page, length: number, link: number): void {
  m.put8(page + PAGE_LINK, link)
  m.put32(page + PAGE_SEQ, m.get32(NOW_MS))
  m.put32(page + PAGE_WIRE_LENGTH, length)
}

function incomingType({ m, link }: Core, at: Address): PacketType {
  const own = linkAt(m, link)
  const high = macHigh(m.view, at + ETH_DESTINATION)
  const low = macLow(m.view, at + ETH_DESTINATION)
  if ((high & 0x100) !== 0) return high === 0xffff && low === -1 ? PacketType.Broadcast : PacketType.Multicast
  return high === m.get16(own + LINK_MAC_HIGH) && low === m.get32(own + LINK_MAC_LOW)
    ? PacketType.Host
    : PacketType.OtherHost
}
