/**
 * The learning switch (IEEE 802.1Q, 8.7 and 8.8): it learns which port a station sends from, sends what is for that
 * station to that port alone, and everything else to all.
 *
 * Two rules make it a lanlet switch. A frame of one peer never goes to another peer: pages form a full mesh, so
 * nothing is missed and no loop can exist, without a spanning tree. And a peer may send only from the addresses that
 * it announced (see lldp-agent.ts), so that nobody in the room can speak for somebody else.
 *
 * A frame for one busy port is not taken: the sender keeps it and tries later. A frame for many is never held up:
 * where it cannot go it is lost, and counted. Nothing is allocated per frame.
 */

import type { Ms } from '../stack/stack.ts'
import { ARP_LENGTH, ARP_SENDER_MAC } from '../stack/wire/arp.ts'
import { ETH_DESTINATION, ETH_HEADER, ETH_SOURCE, ETH_TYPE, ETHERTYPE_ARP } from '../stack/wire/ethernet.ts'
import { type Fate, Loss, lost, UNHEARD } from './fate.ts'
import { isGroup, macHighAt, macLowAt } from './mac.ts'
import { MacTable } from './mac-table.ts'
import type { Port } from './port.ts'

/** The largest Ethernet frame without its checksum: 14 bytes of header, 1500 of payload. */
export const MAX_FRAME = 1514

/** IEEE 802.1Q, table 8-6: the recommended ageing time is 300 s. */
export const AGEING: Ms = 300_000

/** The number of a port on its switch; 0 is the switch itself. Never used again for another port. */
export type PortNumber = number
/** Where frames end that are for the switch itself (LLDP), and where those begin that it sends. */
export const SWITCH_PORT: PortNumber = 0

/** Who sees each frame that enters the switch and where it went. */
export interface Witness {
  /** Returns the frame's number. */
  frame(from: PortNumber, now: Ms, frame: Uint8Array): number
  arrival(no: number, at: PortNumber, now: Ms, fate: Fate): void
}

/** Takes frames addressed to the switch's own group address (LLDP) and says what became of them. */
export type ControlInput = (from: PortNumber, frame: Uint8Array, no: number, now: Ms) => Fate

/** IEEE 802.1Q, table 8-1: 01-80-C2-00-00-00 … 0F are never forwarded by a bridge. */
const RESERVED_HIGH = 0x0180
const isReserved = (high: number, low: number): boolean => high === RESERVED_HIGH && low >>> 4 === 0xc200000

export class Switch {
  readonly #witness: Witness
  readonly #control: ControlInput
  /** Port n stands at index n; undefined once detached. */
  readonly #ports: (Port | undefined)[] = [undefined]
  /** The numbers of the ports that are attached: what a flood walks over. */
  #attached: readonly PortNumber[] = []
  readonly #stations = new MacTable(1024)
  /** Room for all that a full room announces: 32 pages of 32 hosts each. */
  readonly #announced = new MacTable(2048)
  #busy: PortNumber = SWITCH_PORT

  constructor(witness: Witness, control: ControlInput) {
    this.#witness = witness
    this.#control = control
  }

  /** After `receive` returned false: the port that was not ready. */
  get busyPort(): Port | undefined {
    return this.#ports[this.#busy]
  }

  attach(port: Port): PortNumber {
    const number = this.#ports.push(port) - 1
    this.#attached = [...this.#attached, number]
    return number
  }

  detach(number: PortNumber): void {
    this.#ports[number] = undefined
    this.#attached = this.#attached.filter(other => other !== number)
    this.#stations.forgetValue(number)
    this.#announced.forgetValue(number)
  }

  /** Lets a port send from this address. False: another port has it, or the table is full. A host's own is its own. */
  announce(number: PortNumber, high: number, low: number, now: Ms): boolean {
    const owner = this.#announced.get(high, low)
    if (owner !== -1 && owner !== number && this.#ports[number]?.kind !== 'host') return false
    return this.#announced.set(high, low, number, now)
  }

  /** Takes back all that a port announced, and what was learned from it. */
  withdraw(number: PortNumber): void {
    this.#announced.forgetValue(number)
    this.#stations.forgetValue(number)
  }

  /** Forgets stations that were silent for the ageing time. */
  age(now: Ms): void {
    this.#stations.forgetBefore(now - AGEING)
  }

  /** A frame comes in from a port. False: the one port that it is for is busy (`busyPort`); nothing was done. */
  receive(from: PortNumber, frame: Uint8Array, now: Ms): boolean {
    const source = this.#ports[from]
    if (source === undefined) return true
    const refusal = this.#refusal(source, from, frame)
    if (refusal !== undefined) {
      const no = this.#witness.frame(from, now, frame)
      this.#witness.arrival(no, SWITCH_PORT, now, lost(refusal))
      return true
    }
    const high = macHighAt(frame, ETH_DESTINATION)
    const low = macLowAt(frame, ETH_DESTINATION)
    if (isReserved(high, low)) {
      const no = this.#witness.frame(from, now, frame)
      this.#witness.arrival(no, SWITCH_PORT, now, this.#control(from, frame, no, now))
      return true
    }
    const to = isGroup(high) ? -1 : this.#stations.get(high, low)
    const out = to === -1 ? undefined : this.#ports[to]
    if (out === undefined) {
      this.#learn(from, frame, now)
      this.#flood(source, from, frame, now)
      return true
    }
    const way = to !== from && (source.kind === 'host' || out.kind === 'host')
    if (way && !out.ready) {
      this.#busy = to
      return false
    }
    this.#learn(from, frame, now)
    const no = this.#witness.frame(from, now, frame)
    if (way) this.#witness.arrival(no, to, now, out.send(frame, no, now))
    else this.#witness.arrival(no, SWITCH_PORT, now, lost(Loss.NoWay))
    return true
  }

  /** Sends a frame of the switch's own (LLDP) to one port. */
  transmit(to: PortNumber, frame: Uint8Array, now: Ms): void {
    const port = this.#ports[to]
    if (port === undefined) return
    const no = this.#witness.frame(SWITCH_PORT, now, frame)
    this.#witness.arrival(no, to, now, port.send(frame, no, now))
  }

  #learn(from: PortNumber, frame: Uint8Array, now: Ms): void {
    // A full table learns no more: the station's frames are flooded, which is slow and right.
    this.#stations.set(macHighAt(frame, ETH_SOURCE), macLowAt(frame, ETH_SOURCE), from, now)
  }

  #flood(source: Port, from: PortNumber, frame: Uint8Array, now: Ms): void {
    const no = this.#witness.frame(from, now, frame)
    let reached = false
    for (const to of this.#attached) {
      const port = this.#ports[to]
      if (to === from || port === undefined || (source.kind === 'peer' && port.kind === 'peer')) continue
      reached = true
      this.#witness.arrival(no, to, now, port.send(frame, no, now))
    }
    if (reached) return
    const forAll = isGroup(macHighAt(frame, ETH_DESTINATION))
    this.#witness.arrival(no, SWITCH_PORT, now, forAll ? UNHEARD : lost(Loss.NoWay))
  }

  /** Why the frame may not enter, if so. */
  #refusal(source: Port, from: PortNumber, frame: Uint8Array): Loss | undefined {
    if (frame.length < ETH_HEADER) return Loss.Runt
    if (frame.length > MAX_FRAME) return Loss.Oversized
    const high = macHighAt(frame, ETH_SOURCE)
    const low = macLowAt(frame, ETH_SOURCE)
    if (isGroup(high)) return Loss.GroupSource
    if (source.kind !== 'peer') return undefined
    if (isReserved(macHighAt(frame, ETH_DESTINATION), macLowAt(frame, ETH_DESTINATION))) return undefined
    if (this.#announced.get(high, low) !== from) return Loss.Unannounced
    if ((((frame[ETH_TYPE] as number) << 8) | (frame[ETH_TYPE + 1] as number)) !== ETHERTYPE_ARP)
      return undefined
    if (frame.length < ETH_HEADER + ARP_LENGTH) return Loss.ForgedArp
    const sender = ETH_HEADER + ARP_SENDER_MAC
    return macHighAt(frame, sender) === high && macLowAt(frame, sender) === low ? undefined : Loss.ForgedArp
  }
}
