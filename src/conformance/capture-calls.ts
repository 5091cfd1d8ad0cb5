/** Calls of raw and packet sockets, and of filters on sockets. Each gives its result in the script's notation. */
import { type Captured, PacketType, Protocol, type Socket } from '../stack/stack.ts'
import { assemble } from '../stack/testing/bpf.ts'
import { type Call, ipv4Number, result } from './calls.ts'
import { bytesOf, hexOf, NotationError } from './notation.ts'

const FAMILIES: Readonly<Record<string, Protocol>> = {
  raw: Protocol.Raw,
  packet: Protocol.Packet,
  netlink: Protocol.Netlink,
}

export const CAPTURE_CALLS: Readonly<Record<string, Call>> = {
  /** 'socketOf(raw, 89)', 'socketOf(packet, 2054)': EtherType 0806. */
  socketOf(caller, [family = '', number = '0'], expected) {
    const protocol = FAMILIES[family]
    if (protocol === undefined) throw new NotationError(`There are no ${family} sockets.`)
    const made = caller.stack.socket(protocol, Number(number))
    if (made < 0) return result(made)
    caller.nameSocket(expected, made as Socket)
    return expected
  },
  /** A program as tcpdump -d prints it, but for '#'; none takes the last one away. */
  filter(caller, [name = '', ...program]) {
    return result(caller.stack.attachFilter(caller.socketOf(name), assemble(program.join(','))))
  },
  /** Bytes as they are: a raw socket's to an address, a packet socket's to a link. */
  sendBytes(caller, [name = '', hex = '', to = '0.0.0.0', link = '0']) {
    return result(
      caller.stack.sendTo(caller.socketOf(name), Uint8Array.from(bytesOf(hex)), ipv4Number(to), Number(link)),
    )
  },
  /** One datagram or frame: how many bytes of it were taken, and the first of them as the script has them. */
  take(caller, [name = '', size = ''], expected) {
    const from = { address: 0, port: 0 }
    const into = new Uint8Array(Number(size))
    const got = caller.stack.recvFrom(caller.socketOf(name), into, from)
    if (got < 0) return result(got)
    const data = / data ([0-9a-f]+)/.exec(expected)?.[1]
    const shown = Math.min(got, (data?.length ?? 0) / 2)
    return `${got}${data === undefined ? '' : ` data ${hexOf([...into.subarray(0, shown)])}`}`
  },
  /** The oldest captured frame: whom it was for, its EtherType, its bytes and those on the wire, its link. */
  captured(caller, [name = '']) {
    const into: Captured = { type: 0, link: 0, etherType: 0, length: 0, at: 0 }
    const view = caller.stack.peek(caller.socketOf(name), into)
    if (typeof view === 'number') return result(view)
    const type = Object.entries(PacketType)
      .find(([, number]) => number === into.type)?.[0]
      ?.toLowerCase()
    const kept = view.length
    caller.stack.recvFrom(caller.socketOf(name), new Uint8Array(0), { address: 0, port: 0 })
    const etherType = into.etherType.toString(16).padStart(4, '0')
    return `${type} ${etherType} ${kept} of ${into.length} on ${into.link}`
  },
  lost: (caller, [name = '']) => result(caller.stack.lost(caller.socketOf(name))),
}
