/** What the saboteur knows: who is on the link, and what has been heard on the wire of their conversations. */
import type { Dice } from '../simulate/dice.ts'

export interface Neighbour {
  readonly mac: ArrayLike<number>
  readonly address: number
  readonly address6: ArrayLike<number>
}

/** One direction of a TCP connection, as last heard. */
export interface Flow {
  readonly from: number
  readonly to: number
  readonly fromPort: number
  readonly toPort: number
  /** The number behind the last text. */
  seq: number
  ack: number
}

const HEARD_AT_MOST = 200

export class Knowledge {
  readonly hosts: readonly Neighbour[]
  /** False: it may not use the numbers that it hears (it is not on the path). */
  readonly informed: boolean
  readonly flows = new Map<string, Flow>()
  /** Ports and identifiers that were heard: of DNS, DHCP and others. */
  readonly ports: number[] = [7, 9, 53, 67, 68, 5353]
  readonly ids: number[] = [0, 1]
  readonly frames: Uint8Array[] = []
  #next = 0

  constructor(hosts: readonly Neighbour[], informed: boolean) {
    this.hosts = hosts
    this.informed = informed
  }

  hear(frame: Uint8Array): void {
    this.frames[this.#next++ % HEARD_AT_MOST] = frame.slice()
    if (frame.length < 42 || frame[12] !== 8 || frame[13] !== 0 || frame[14] !== 0x45) return
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
    const [fromPort, toPort] = [view.getUint16(34), view.getUint16(36)]
    if (frame[23] === 17) {
      this.#note(this.ports, fromPort)
      this.#note(this.ids, view.getUint16(42 > frame.length - 2 ? 40 : 42))
      if (toPort === 67 && frame.length >= 50) this.#note(this.ids, view.getUint32(46))
    }
    if (frame[23] !== 6 || frame.length < 54) return
    const [from, to] = [view.getUint32(26), view.getUint32(30)]
    const length = view.getUint16(16) - 20 - ((view.getUint8(46) >> 4) << 2)
    const syn = (view.getUint8(47) & 3) === 0 ? 0 : 1
    this.flows.set(`${from} ${fromPort} ${to} ${toPort}`, {
      from,
      to,
      fromPort,
      toPort,
      seq: (view.getUint32(38) + length + syn) >>> 0,
      ack: view.getUint32(42),
    })
    if (this.flows.size > 20) this.flows.delete(this.flows.keys().next().value ?? '')
  }

  #note(list: number[], value: number): void {
    if (list.includes(value)) return
    list.push(value)
    if (list.length > 24) list.splice(6, 1)
  }

  flow(dice: Dice): Flow | undefined {
    return this.flows.size === 0 ? undefined : dice.one([...this.flows.values()])
  }
}
