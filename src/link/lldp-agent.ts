/**
 * Who is behind which peer port: pages tell each other with LLDP (IEEE 802.1AB), so that it shows in a capture.
 *
 * A port sends at once when it opens, when something changes, and when a new neighbour is heard; then three more
 * times a second apart (9.2.5.19, txFastInit = 4), because a wire may lose frames; then every 30 s. What a neighbour
 * announced holds for the time to live that it gave, and is what the switch lets it send from.
 */

import type { Ms } from '../stack/stack.ts'
import { type LldpAnnouncement, parseLldp, putLldp } from '../stack/wire/lldp.ts'
import { DELIVERED, type Fate, Loss, lost } from './fate.ts'
import { macHighAt, macLowAt, macText } from './mac.ts'
import { MAX_FRAME, type PortNumber } from './switch.ts'

/** IEEE 802.1AB, 9.2.5: msgTxInterval 30 s, msgFastTx 1 s, txFastInit 4, msgTxHold 4. */
const INTERVAL: Ms = 30_000
const FAST_INTERVAL: Ms = 1_000
const FAST_COUNT = 4
/** 9.2.5.22: txTTL = msgTxInterval x msgTxHold + 1, in seconds. */
const TTL_SECONDS = 121

/** What the agent does to the switch; `announce` is false when another port has the address. */
export interface LldpWire {
  transmit(port: PortNumber, frame: Uint8Array, now: Ms): void
  announce(port: PortNumber, high: number, low: number, now: Ms): boolean
  withdraw(port: PortNumber): void
  /**
   * What a neighbour announced holds now, `macs` being those that it was granted, or has run out (undefined).
   * What it was refused is not told: nobody's station is gone when that is taken back.
   */
  heard(port: PortNumber, announcement: LldpAnnouncement | undefined, now: Ms): void
}

interface Neighbour {
  readonly announcement: LldpAnnouncement
  /** How many of the addresses it was granted; another port may hold the rest. */
  granted: number
  expiresAt: Ms
}

interface AgentPort {
  fast: number
  nextAt: Ms
  neighbour: Neighbour | undefined
}

const sameHosts = (a: LldpAnnouncement, b: LldpAnnouncement): boolean =>
  a.name === b.name && a.maxFrame === b.maxFrame && a.macs.map(macText).join() === b.macs.map(macText).join()

export class LldpAgent {
  readonly #wire: LldpWire
  readonly #spare: Uint8Array
  readonly #ports = new Map<PortNumber, AgentPort>()
  #own: LldpAnnouncement = { name: '', macs: [], maxFrame: MAX_FRAME, ttl: TTL_SECONDS }

  /** `spare`: the address to send from while this page has no host. */
  constructor(wire: LldpWire, spare: Uint8Array) {
    this.#wire = wire
    this.#spare = spare
  }

  /** What this page announces from now on. */
  setOwn(name: string, macs: readonly Uint8Array[], now: Ms): void {
    this.#own = { name, macs, maxFrame: MAX_FRAME, ttl: TTL_SECONDS }
    for (const [number, port] of this.#ports) this.#sendFast(number, port, now)
  }

  /** The port to a peer is open. */
  add(number: PortNumber, now: Ms): void {
    const port: AgentPort = { fast: 0, nextAt: now, neighbour: undefined }
    this.#ports.set(number, port)
    this.#sendFast(number, port, now)
  }

  /** The port is gone, or about to go: `farewell` tells the peer (9.1.2, a time to live of 0). */
  remove(number: PortNumber, now: Ms, farewell: boolean): void {
    if (!this.#ports.delete(number)) return
    if (farewell)
      this.#wire.transmit(number, putLldp({ ...this.#own, macs: [], ttl: 0 }, this.#source()), now)
    this.#wire.withdraw(number)
    this.#claimAgain(now)
  }

  #source(): Uint8Array {
    return this.#own.macs[0] ?? this.#spare
  }

  #sendFast(number: PortNumber, port: AgentPort, now: Ms): void {
    port.fast = FAST_COUNT
    this.#send(number, port, now)
  }

  #send(number: PortNumber, port: AgentPort, now: Ms): void {
    port.fast = Math.max(0, port.fast - 1)
    port.nextAt = now + (port.fast > 0 ? FAST_INTERVAL : INTERVAL)
    this.#wire.transmit(number, putLldp(this.#own, this.#spare), now)
  }

  /** A frame for the nearest bridge came in. */
  input(number: PortNumber, frame: Uint8Array, now: Ms): Fate {
    const port = this.#ports.get(number)
    const said = parseLldp(frame)
    if (port === undefined || typeof said === 'string') return lost(Loss.BadLldp)
    if (said.ttl === 0) {
      this.#forget(number, port, now)
      return DELIVERED
    }
    const known = port.neighbour
    const expiresAt = now + said.ttl * 1000
    if (known !== undefined && sameHosts(known.announcement, said)) known.expiresAt = expiresAt
    else {
      this.#wire.withdraw(number)
      port.neighbour = { announcement: said, granted: -1, expiresAt }
      this.#claimAgain(now)
      if (known === undefined) this.#sendFast(number, port, now)
    }
    return port.neighbour?.granted === said.macs.length ? DELIVERED : lost(Loss.AddressTaken)
  }

  #forget(number: PortNumber, port: AgentPort, now: Ms): void {
    if (port.neighbour === undefined) return
    port.neighbour = undefined
    this.#wire.withdraw(number)
    this.#wire.heard(number, undefined, now)
    this.#claimAgain(now)
  }

  /**
   * Grants each neighbour what it announced and does not have yet, the longest known first: a page that crashed comes
   * back with its addresses while its port of before still holds them.
   */
  #claimAgain(now: Ms): void {
    for (const [number, { neighbour }] of this.#ports) {
      if (neighbour === undefined || neighbour.granted === neighbour.announcement.macs.length) continue
      const { announcement, granted } = neighbour
      const macs = announcement.macs.filter(mac =>
        this.#wire.announce(number, macHighAt(mac, 0), macLowAt(mac, 0), now),
      )
      neighbour.granted = macs.length
      if (granted !== macs.length) this.#wire.heard(number, { ...announcement, macs }, now)
    }
  }

  /** What the peer behind a port announced, while it holds. */
  announcement(number: PortNumber): LldpAnnouncement | undefined {
    return this.#ports.get(number)?.neighbour?.announcement
  }

  /** Sends what is due and forgets what has run out. */
  poll(now: Ms): void {
    for (const [number, port] of this.#ports) {
      if (now >= port.nextAt) this.#send(number, port, now)
      if (port.neighbour !== undefined && now >= port.neighbour.expiresAt) this.#forget(number, port, now)
    }
  }

  /** When `poll` has something to do next; Infinity without peers. */
  pollAt(): Ms {
    let at = Number.POSITIVE_INFINITY
    for (const port of this.#ports.values()) at = Math.min(at, port.nextAt, port.neighbour?.expiresAt ?? at)
    return at
  }
}
