/**
 * Frames that only mean something one after the other: a datagram in fragments that fit, or nearly; a client's talk with a DHCP
 * server; a router that comes and what it tells; answers to questions that were heard; more SYNs than a backlog holds.
 */
import type { Knowledge, Neighbour } from '../knowledge.ts'
import type { Pen } from '../pen.ts'
import { putDhcpMessage } from './dhcp.ts'
import { putAnswer } from './dns.ts'
import { putAdvertisement } from './icmp6.ts'
import { ROUTER, six } from './ipv6.ts'
import { putTcpOptions } from './tcp.ts'

export function sequence(pen: Pen, known: Knowledge): Uint8Array[] {
  const { dice } = pen
  const target = known.target(dice)
  switch (dice.below(5)) {
    case 0:
      return fragments(pen, known, target)
    case 1:
      return lease(pen, target)
    case 2:
      return [routerAdvertisement(pen)]
    case 3:
      return answers(pen, known)
    default:
      return Array.from({ length: dice.between(5, 12) }, () => syn(pen, target))
  }
}

/** Ethernet and IPv4 in front of a payload that `put` writes; `protocol` with the checksum at `sumAt`. */
function packet(
  pen: Pen,
  ends: { readonly mac: ArrayLike<number>; readonly from: number; readonly to: number },
  protocol: number,
  put: (from: number) => void,
): Uint8Array {
  const { dice } = pen
  pen.begin(0)
  pen
    .copy(ends.mac)
    .copy([2, 0, 0, 0, 9, dice.below(40)])
    .u16(0x0800)
  const ip = pen.at
  pen
    .u8(0x45)
    .u8(0)
    .u16(0)
    .u16(dice.below(65_536))
    .u16(0)
    .u8(64)
    .u8(protocol)
    .u16(0)
    .u32(ends.from)
    .u32(ends.to)
  const from = pen.at
  put(from)
  pen.patch16(ip + 2, pen.at - ip)
  pen.sum(ip + 10, ip, from)
  const sumAt = protocol === 6 ? 16 : protocol === 17 ? 6 : 2
  const pseudo = protocol === 1 ? 0 : protocol + pen.words(ip + 12, ip + 20) + (pen.at - from)
  pen.sum(from + sumAt, from, pen.at, pseudo)
  return pen.end()
}

function udp(pen: Pen, fromPort: number, toPort: number, put: () => void): (from: number) => void {
  return from => {
    pen.u16(fromPort).u16(toPort).u16(0).u16(0)
    put()
    pen.patch16(from + 4, pen.at - from)
  }
}

function syn(pen: Pen, target: Neighbour): Uint8Array {
  const { dice } = pen
  const ends = { mac: target.mac, from: 0x0a000010 + dice.below(60), to: target.address }
  return packet(pen, ends, 6, from => {
    pen.u16(dice.between(1_024, 65_535)).u16(7).u32(dice.word()).u32(dice.word())
    pen
      .u8(0x50)
      .u8(dice.one([2, 2, 2, 2, 0x10, 0xc2]))
      .u16(1_000)
      .u16(0)
      .u16(0)
    if (dice.chance(0.5)) putTcpOptions(pen, undefined, true)
    pen.bytes[from + 12] = ((pen.at - from) >> 2) << 4
  })
}

/** A datagram to a port or an echo request, cut at multiples of eight; sometimes a piece is missing, twice there, or elsewhere. */
function fragments(pen: Pen, known: Knowledge, target: Neighbour): Uint8Array[] {
  const { dice } = pen
  const to = dice.below(6) === 0 ? 0xe0000007 : target.address
  const ends = {
    mac: to === target.address ? target.mac : [1, 0, 0x5e, 0, 0, 7],
    from: dice.one(known.hosts).address,
    to,
  }
  const bytes = dice.one([40, 1_400, 2_000, 4_000, 7_000])
  const protocol = dice.one([17, 17, 1, 6, 99])
  const whole = packet(pen, ends, protocol, from => {
    if (protocol === 17)
      udp(pen, dice.one(known.ports), dice.one([9, 9, 53, 68, 1_234]), () => pen.fill(7, bytes))(from)
    else if (protocol === 1)
      pen
        .u8(dice.one([8, 8, 0, 13]))
        .u8(0)
        .u16(0)
        .u16(dice.one(known.ids))
        .u16(1)
        .fill(7, bytes)
    else pen.fill(7, bytes)
  })
  const size = bytes > 400 ? dice.one([400, 1_480, 1_480]) : dice.one([8, 24])
  const pieces: Uint8Array[] = []
  for (let at = 34; at < whole.length; at += size) {
    const more = at + size < whole.length
    const offset = (at - 34) / 8 + (dice.below(40) === 0 ? dice.below(3) - 1 : 0)
    const piece = Uint8Array.from([...whole.subarray(0, 34), ...whole.subarray(at, at + size)])
    const view = new DataView(piece.buffer)
    view.setUint16(16, piece.length - 14)
    view.setUint16(20, (more ? 0x2000 : 0) | (offset & 0x1fff))
    putHeaderSum(view)
    if (dice.below(40) !== 0) pieces.push(piece)
    if (dice.below(40) === 0) pieces.push(piece)
  }
  return dice.chance(0.3) ? pieces.toSorted(() => dice.below(3) - 1) : pieces
}

function putHeaderSum(view: DataView): void {
  view.setUint16(24, 0)
  let sum = 0
  for (let i = 14; i < 34; i += 2) sum += view.getUint16(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  view.setUint16(24, ~sum & 0xffff)
}

/** RFC 2131, 3.1 and what may come behind: discover, request, and then renewal, decline, release or inform. */
function lease(pen: Pen, server: Neighbour): Uint8Array[] {
  const { dice } = pen
  const client = { mac: [2, 0, 0, 0, 9, dice.below(8)], id: dice.word() }
  const wanted = 0x0a000064 + dice.below(4)
  const ends = { mac: [255, 255, 255, 255, 255, 255], from: 0, to: 0xffffffff }
  const message = (type: number, current: number, requested: number, chosen: number) =>
    packet(
      pen,
      { ...ends, from: current },
      17,
      udp(pen, 68, 67, () => putDhcpMessage(pen, { ...client, type, current, requested, server: chosen })),
    )
  const later = dice.one([
    message(3, wanted, 0, 0),
    message(3, 0, wanted, 0),
    message(4, 0, wanted, server.address),
    message(7, wanted, 0, server.address),
    message(8, wanted, 0, 0),
  ])
  return [
    message(1, 0, dice.one([0, wanted]), 0),
    message(3, 0, wanted, dice.one([server.address, server.address, 0x0a000009])),
    later,
  ]
}

export function routerAdvertisement(pen: Pen): Uint8Array {
  const { dice } = pen
  pen.begin(0)
  pen.copy([0x33, 0x33, 0, 0, 0, 1]).copy([2, 0, 0, 0, 0, 0x99]).u16(0x86dd)
  const ip = pen.at
  pen.u32(0x60000000).u16(0).u8(58).u8(255).copy(ROUTER).copy(six('ff02::1'))
  putAdvertisement(pen, dice.below(20), 58 + pen.words(ip + 8, ip + 40))
  pen.patch16(ip + 4, pen.at - ip - 40)
  return pen.end()
}

function answers(pen: Pen, known: Knowledge): Uint8Array[] {
  return known.questions.map(({ from, to, port, message }) => {
    const mac = known.hosts.find(({ address }) => address === from)?.mac ?? [255, 255, 255, 255, 255, 255]
    return packet(
      pen,
      { mac, from: to, to: from },
      17,
      udp(pen, 53, port, () => putAnswer(pen, message)),
    )
  })
}
