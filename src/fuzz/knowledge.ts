/**
 * What the saboteur knows: who is on the link, and who speaks with whom. A blind one has only been told of it, addresses and
 * ports (RFC 5961, 1); an informed one hears the wire, and knows every number that was said there.
 */
import type { Dice } from '../simulate/dice.ts'

export interface Neighbour {
  readonly mac: ArrayLike<number>
  readonly address: number
  readonly address6: ArrayLike<number>
}

/** Hosts as the saboteur takes them to be, until their IPv6 addresses are known. */
export const HOSTS: readonly Neighbour[] = [1, 2, 3].map(n => ({
  mac: [2, 0, 0, 0, 0, n],
  address: 0x0a000000 + n,
  address6: [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, n],
}))

/** One direction of a TCP connection: who, and what was heard of it last. Addresses are numbers, or sixteen bytes. */
export interface Flow {
  readonly from: number | Uint8Array
  readonly to: number | Uint8Array
  readonly fromPort: number
  readonly toPort: number
  /** The number behind the last text, the acknowledgement, and the timestamp; undefined to who has not heard them. */
  readonly heard?: { readonly seq: number; readonly ack: number; readonly tsval: number }
}

const HEARD_AT_MOST = 200
const FLOWS_AT_MOST = 20
const NUMBERS_AT_MOST = 24
const QUESTIONS_AT_MOST = 6

export class Knowledge {
  readonly hosts: readonly Neighbour[]
  /** False: what is on the wire is not heard. */
  readonly informed: boolean
  readonly #flows = new Map<string, Flow>()
  /** Ports and identifiers: of DNS, DHCP and others. */
  readonly ports: number[] = [7, 9, 53, 67, 68, 5353]
  readonly ids: number[] = [0, 1]
  /** Questions for names, and the ports that wait for the answers; DHCP's transactions. */
  readonly questions: {
    readonly from: number
    readonly to: number
    readonly port: number
    readonly message: Uint8Array
  }[] = []
  /** IPv6 addresses that somebody asked for (RFC 4861, 4.3), or tests. */
  readonly addresses6: Uint8Array[] = []
  readonly transactions: number[] = []
  readonly frames: Uint8Array[] = []
  #asked = 0
  #met = 0
  #next = 0

  /** Those of the hosts that most frames are for. */
  readonly targets: readonly Neighbour[]

  constructor(hosts: readonly Neighbour[], informed: boolean, targets = hosts) {
    this.hosts = hosts
    this.informed = informed
    this.targets = targets
  }

  target(dice: Dice): Neighbour {
    return dice.one(dice.chance(0.9) ? this.targets : this.hosts)
  }

  /** Somebody speaks with somebody: known to the blind as well. */
  tell(flow: Flow): void {
    const { from, to, fromPort, toPort } = flow
    this.#flows.set(`${from} ${fromPort} ${to} ${toPort}`, flow)
    this.#flows.set(`${to} ${toPort} ${from} ${fromPort}`, {
      from: to,
      to: from,
      fromPort: toPort,
      toPort: fromPort,
    })
    note(this.ports, fromPort)
  }

  hear(frame: Uint8Array): void {
    if (!this.informed) return
    this.frames[this.#next++ % HEARD_AT_MOST] = frame.slice()
    if (frame.length < 54) return
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
    const type = view.getUint16(12)
    if (type === 0x0800 && frame[14] === 0x45)
      this.#datagram(view, frame[23] ?? 0, 34, view.getUint16(16) + 14)
    else if (type === 0x86dd) this.#datagram(view, frame[20] ?? 0, 54, view.getUint16(18) + 54)
  }

  #datagram(view: DataView, protocol: number, at: number, end: number): void {
    if (protocol === 17 && end >= at + 10 && end <= view.byteLength) {
      if (view.getUint16(at + 2) === 53) {
        const message = new Uint8Array(view.buffer, view.byteOffset, end).slice(at + 8)
        const [from, to] = at === 34 ? [view.getUint32(26), view.getUint32(30)] : [0, 0]
        this.questions[this.#asked++ % QUESTIONS_AT_MOST] = { from, to, port: view.getUint16(at), message }
      }
      note(this.ports, view.getUint16(at))
      note(this.ids, view.getUint16(at + 8))
      if (view.getUint16(at + 2) === 67 && end >= at + 16) note(this.transactions, view.getUint32(at + 12))
    } else if (protocol === 58 && end >= at + 24 && end <= view.byteLength && view.getUint8(at) === 135)
      this.addresses6[this.#met++ % QUESTIONS_AT_MOST] = new Uint8Array(view.buffer.slice(at + 8, at + 24))
    else if (protocol === 1 && end >= at + 8) note(this.ids, view.getUint16(at + 4))
    else if (protocol === 6 && end >= at + 20 && end <= view.byteLength) this.#segment(view, at, end)
  }

  #segment(view: DataView, at: number, end: number): void {
    const address = (from: number): number | Uint8Array =>
      at === 34 ? view.getUint32(from) : new Uint8Array(view.buffer.slice(from, from + 16))
    const [from, to] = at === 34 ? [address(26), address(30)] : [address(22), address(38)]
    const [fromPort, toPort] = [view.getUint16(at), view.getUint16(at + 2)]
    const text = end - at - ((view.getUint8(at + 12) >> 4) << 2)
    const flags = view.getUint8(at + 13)
    const seq = (view.getUint32(at + 4) + text + ((flags & 3) === 0 ? 0 : 1)) >>> 0
    const heard = { seq, ack: view.getUint32(at + 8), tsval: stamp(view, at) }
    const key = `${from} ${fromPort} ${to} ${toPort}`
    this.#flows.delete(key)
    this.#flows.set(key, { from, to, fromPort, toPort, heard })
    if (this.#flows.size > FLOWS_AT_MOST) this.#flows.delete(this.#flows.keys().next().value ?? '')
  }

  /** One of those between addresses of one version, mostly towards a target, or `from` one. */
  flow(dice: Dice, version: 4 | 6, end: 'to' | 'from' = 'to'): Flow | undefined {
    const all = [...this.#flows.values()].filter(({ from }) => (typeof from === 'number') === (version === 4))
    const aimed = all.filter(flow => this.targets.some(host => isAddressOf(host, flow[end])))
    const chosen = aimed.length > 0 && dice.chance(0.9) ? aimed : all
    return chosen.length === 0 ? undefined : dice.one(chosen)
  }
}

const isAddressOf = ({ address, address6 }: Neighbour, given: number | Uint8Array): boolean =>
  typeof given === 'number' ? given === address : given.every((byte, i) => byte === address6[i])

/** RFC 7323, appendix A: where the timestamps option stands in nearly every segment; 0 without it. */
function stamp(view: DataView, at: number): number {
  const stamped = view.byteLength >= at + 28 && view.getUint32(at + 20) === 0x0101080a
  return stamped ? view.getUint32(at + 24) : 0
}

function note(list: number[], value: number): void {
  if (list.includes(value)) return
  list.push(value)
  if (list.length > NUMBERS_AT_MOST) list.splice(6, 1)
}
