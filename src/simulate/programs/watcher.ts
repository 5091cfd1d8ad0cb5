/**
 * A program that looks on: packet, raw and netlink sockets, with and without a ring and a filter, the tables, the list of
 * sockets, a port's figures. Where the profile lacks one of them it looks at the others.
 */
import { blankSocket } from '../../stack/inspect/inspect.ts'
import { type Captured, type Endpoint, Option, Protocol, type Socket } from '../../stack/stack.ts'
import { blankPort } from '../../stack/testing/port-facts.ts'
import type { Machine, Program } from '../machine.ts'
import type { WatcherPlan } from '../plan.ts'

const EVERY = 300
const RING_PAGES = 4
const LARGEST = 66_000
const UDP = 17
/** RTM_GETLINK, RTM_GETROUTE as dumps (netlink/message.ts): nlmsghdr and rtgenmsg. */
const dump = (type: number): Uint8Array => {
  const bytes = new Uint8Array(20)
  bytes.set([20, 0, 0, 0, type, 0, 0x01, 0x03, 1])
  return bytes
}
const DUMPS = [18, 22, 26, 30].map(dump)
/** Frames of IPv4, 60 bytes of each. */
const FILTER = [
  [0x28, 0, 0, 12],
  [0x15, 0, 1, 0x0800],
  [0x06, 0, 0, 60],
  [0x06, 0, 0, 0],
] as const

export class Watcher implements Program {
  wakeAt: number
  ended: string | undefined
  private readonly machine: Machine
  private readonly plan: WatcherPlan
  private readonly until: number
  private readonly into = new Uint8Array(LARGEST)
  private sockets: Socket[] | undefined

  constructor(machine: Machine, plan: WatcherPlan, now: number) {
    this.machine = machine
    this.plan = plan
    this.until = now + plan.lasts
    this.wakeAt = now
  }

  owns(): boolean {
    return false
  }

  lost(): void {
    this.ended = 'lost its power'
  }

  step(now: number): void {
    this.sockets ??= this.open()
    for (const socket of this.sockets) this.read(socket)
    this.look()
    this.wakeAt = now + EVERY
    if (now < this.until) return
    for (const socket of this.sockets) this.machine.stack.close(socket)
    this.ended = 'complete'
  }

  private open(): Socket[] {
    const { stack } = this.machine
    const [packet, raw, netlink] = [
      stack.socket(Protocol.Packet, 0),
      stack.socket(Protocol.Raw, UDP),
      stack.socket(Protocol.Netlink),
    ]
    if (packet > 0 && this.plan.ring) stack.setOption(packet as Socket, Option.PacketRing, RING_PAGES)
    if (packet > 0 && this.plan.filter) stack.attachFilter(packet as Socket, FILTER)
    if (netlink > 0) {
      stack.bind(netlink as Socket, 0x51, 0)
      for (const question of DUMPS) stack.send(netlink as Socket, question)
    }
    return [packet, raw, netlink].filter(made => made > 0) as Socket[]
  }

  private read(socket: Socket): void {
    const { stack } = this.machine
    const from: Endpoint = { address: 0, port: 0 }
    const captured: Captured = { type: 0, link: 0, etherType: 0, length: 0, at: 0 }
    stack.peek(socket, captured)
    for (let n = 1; n > 0; ) n = stack.recvFrom(socket, this.into, from)
    for (let n = 1; n > 0; ) n = stack.recv(socket, this.into)
    stack.lost(socket)
  }

  private look(): void {
    const { stack } = this.machine
    const record = blankSocket()
    for (let at = stack.nextSocket(0, record); at !== 0; at = stack.nextSocket(at, record));
    stack.ethtool(0, blankPort())
    stack.sysctl('net.ipv4.tcp_ecn')
    const end: Endpoint = { address: 0, port: 0 }
    if (record.socket !== 0) stack.name(record.socket, 'remote', end)
    for (const { address } of stack.addresses)
      if (address === 0) throw new Error('A host lists no address as its own.')
    for (const { prefixLength } of stack.routes)
      if (prefixLength > 32) throw new Error('A route has no network.')
  }
}
