/**
 * The bridge's own switch: one port leads to the TAP device, the others to the pages of the room.
 *
 *   kernel ── TAP ── FrameStream ── TapPort ─┐
 *                                            ├ Switch ── ChannelPort ── page
 *   who is behind it: Machines ── LldpAgent ─┘
 *
 * To the pages it is a page like any other, with the machines for its hosts: before the first frame of a machine goes out, it
 * is announced, in the same batch, or port security would refuse it.
 */
import { Turns } from '../host/turns.ts'
import { ChannelPort, type FrameChannel, STALL } from '../link/channel-port.ts'
import {
  DELIVERED,
  type Fate,
  FateKind,
  FORWARDED,
  fateDetail,
  fateKind,
  Loss,
  lossSentence,
  lost,
} from '../link/fate.ts'
import { LldpAgent } from '../link/lldp-agent.ts'
import { macText } from '../link/mac.ts'
import type { Port } from '../link/port.ts'
import { AGEING, type PortNumber, SWITCH_PORT, Switch } from '../link/switch.ts'
import type { Ms } from '../stack/stack.ts'
import { ETH_HEADER, ETH_SOURCE } from '../stack/wire/ethernet.ts'
import type { LldpAnnouncement } from '../stack/wire/lldp.ts'
import { type Machine, Machines, macKey } from './machines.ts'

/** Why a frame of a machine's was refused here, and not by the switch. */
export const TOO_MANY = 'The frame is from one machine more than a page may announce.'
export const IN_THE_ROOM =
  'The frame is from a station of the room: its network is joined to this one a second time.'

export interface BridgeSegmentOptions {
  /** Never runs backwards. */
  now(): Ms
  /** What the pages' LLDP shows. */
  readonly name: string
  /** Hands a frame to the device; false: it has no room. */
  send(frame: Uint8Array): boolean
  /** After `input` said false: frames are taken again. */
  onRoom(): void
  /** There are other machines, or they have other addresses. */
  onMachines(): void
}

interface Peer {
  readonly port: ChannelPort
  /** SWITCH_PORT until its channel is open. */
  number: PortNumber
}

export class BridgeSegment {
  readonly #options: BridgeSegmentOptions
  readonly #machines = new Machines(() => this.#machinesChanged())
  readonly #switch: Switch
  readonly #agent: LldpAgent
  readonly #turns: Turns
  readonly #peers = new Map<string, Peer>()
  /** What the pages announce, each port's. */
  readonly #roomMacs = new Map<PortNumber, ReadonlySet<number>>()
  readonly #tap: PortNumber
  #announced = ''
  #held = false
  #enteredFrom: PortNumber = SWITCH_PORT
  #stallCheckAt: Ms = Number.POSITIVE_INFINITY
  #ageAt: Ms = AGEING
  #lastOut = 0
  /** Frames of the room's that the machines got. */
  framesIn = 0
  /** Frames of the machines' that went to one page or more. */
  framesOut = 0
  /** Frames that were refused or lost here, by a sentence that says why. */
  readonly refused = new Map<string, number>()

  constructor(options: BridgeSegmentOptions) {
    this.#options = options
    let frames = 0
    this.#switch = new Switch(
      {
        frame: from => {
          this.#enteredFrom = from
          return ++frames
        },
        arrival: (no, _at, _now, fate) => this.#count(no, fate),
      },
      // What bridges say to bridges (spanning tree) goes no further than the first: IEEE 802.1Q, 8.6.3.
      (from, frame, _no, now) => (from === this.#tap ? DELIVERED : this.#agent.input(from, frame, now)),
    )
    const spare = crypto.getRandomValues(new Uint8Array(6))
    spare[0] = ((spare[0] as number) & 0xfc) | 0x02
    this.#agent = new LldpAgent(
      {
        transmit: (port, frame, now) => this.#switch.transmit(port, frame, now),
        announce: (port, high, low, now) => this.#switch.announce(port, high, low, now),
        withdraw: port => this.#switch.withdraw(port),
        heard: (port, announcement) => this.#heard(port, announcement),
      },
      spare,
    )
    this.#tap = this.#switch.attach(this.#tapPort())
    this.#turns = new Turns(
      () => options.now(),
      () => {
        for (const { port } of this.#peers.values()) port.flush()
      },
    )
    this.#turns.add({
      wants: false,
      deadline: () => Math.min(this.#agent.pollAt(), this.#stallCheckAt, this.#ageAt),
      step: now => this.#upkeep(now),
    })
    this.#machinesChanged()
  }

  get machines(): readonly Machine[] {
    return this.#machines.all
  }

  /** The device's own station. */
  setOwn(own: Machine | undefined): void {
    this.#machines.setOwn(own)
  }

  /** The kernel's end: what finds no room there is lost, as on any wire. */
  #tapPort(): Port {
    const { send } = this.#options
    return {
      kind: 'host',
      name: 'tap',
      ready: true,
      send: frame => {
        if (!send(frame)) return lost(Loss.QueueFull)
        this.framesIn++
        return FORWARDED
      },
    }
  }

  /** A frame comes from the device. False: the page that it is for is busy; keep it until `onRoom`. */
  input(frame: Uint8Array): boolean {
    const now = this.#options.now()
    if (frame.length >= ETH_HEADER) {
      const key = macKey(frame, ETH_SOURCE)
      for (const macs of this.#roomMacs.values()) if (macs.has(key)) return this.#refuse(IN_THE_ROOM)
      const isStation = ((frame[ETH_SOURCE] as number) & 1) === 0
      if (isStation && !this.#machines.hear(frame, now)) return this.#refuse(TOO_MANY)
    }
    const taken = this.#switch.receive(this.#tap, frame, now)
    if (!taken) {
      this.#held = true
      this.#stallCheckAt = Math.min(this.#stallCheckAt, now + STALL)
    }
    this.#turns.wake()
    return taken
  }

  #refuse(why: string): true {
    this.refused.set(why, (this.refused.get(why) ?? 0) + 1)
    return true
  }

  #count(no: number, fate: Fate): void {
    const kind = fateKind(fate)
    if (kind === FateKind.Lost) this.#refuse(lossSentence(fateDetail(fate)))
    else if (kind === FateKind.Forwarded && this.#enteredFrom === this.#tap && no !== this.#lastOut) {
      this.#lastOut = no
      this.framesOut++
    }
  }

  // ---- pages ----------------------------------------------------------------------------------------------------

  /** `id`: the peer's identity in the room. One that has a wire gets another in its place. */
  addPeer(id: string, channel: FrameChannel): void {
    this.removePeer(id)
    const port = new ChannelPort(
      id,
      channel,
      {
        received: (_port, batch) => this.#received(peer, batch),
        opened: () => this.#opened(peer),
        closed: () => this.removePeer(id),
        drained: () => this.#release(),
      },
      () => this.#options.now(),
    )
    const peer: Peer = { port, number: SWITCH_PORT }
    this.#peers.set(id, peer)
    if (port.open) this.#opened(peer)
  }

  #opened(peer: Peer): void {
    peer.number = this.#switch.attach(peer.port)
    this.#agent.add(peer.number, this.#options.now())
    this.#turns.wake()
  }

  /** Says goodbye on its wire, if that is still open. */
  removePeer(id: string): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    this.#peers.delete(id)
    if (peer.number !== SWITCH_PORT) {
      this.#agent.remove(peer.number, this.#options.now(), peer.port.open)
      this.#roomMacs.delete(peer.number)
      this.#switch.detach(peer.number)
    }
    peer.port.close()
    this.#release()
  }

  #received({ port, number }: Peer, batch: Uint8Array): void {
    const now = this.#options.now()
    port.frames(batch, frame => this.#switch.receive(number, frame, now))
    this.#turns.wake()
  }

  #heard(number: PortNumber, announcement: LldpAnnouncement | undefined): void {
    this.#roomMacs.set(number, new Set(announcement?.macs.map(mac => macKey(mac, 0))))
    const port = [...this.#peers.values()].find(peer => peer.number === number)?.port
    if (port !== undefined && announcement !== undefined && announcement.maxFrame >= 60)
      port.maxFrame = announcement.maxFrame
  }

  // ---- time and change ------------------------------------------------------------------------------------------

  #machinesChanged(): void {
    const macs = this.#machines.all.map(({ mac }) => mac)
    const text = macs.map(macText).join()
    const now = this.#options.now()
    if (text !== this.#announced || macs.length === 0) {
      this.#announced = text
      this.#agent.setOwn(this.#options.name, macs, now)
    }
    this.#options.onMachines()
    this.#turns.wake()
  }

  #upkeep(now: Ms): void {
    this.#agent.poll(now)
    if (now >= this.#stallCheckAt) {
      let stalled = false
      for (const { port } of this.#peers.values()) stalled = port.checkStall() || stalled
      if (stalled) this.#release()
      this.#stallCheckAt = this.#held ? now + STALL : Number.POSITIVE_INFINITY
    }
    if (now >= this.#ageAt) {
      this.#switch.age(now)
      this.#machines.age(now)
      this.#ageAt = now + AGEING / 5
    }
  }

  #release(): void {
    if (!this.#held) return
    this.#held = false
    this.#options.onRoom()
  }

  /** Says goodbye to all and stops. */
  end(): void {
    for (const id of [...this.#peers.keys()]) this.removePeer(id)
    this.#turns.end()
  }
}
