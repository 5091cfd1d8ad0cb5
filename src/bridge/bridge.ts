/**
 * `lanlet bridge`: a TAP device, and so a real machine, as a member of a room of pages.
 *
 * The segment carries the frames, the room finds the pages; here they meet, and a person reads what happens.
 */
import { WebSocket } from 'ws'
import { readTold } from '../lab/told.ts'
import { macText } from '../link/mac.ts'
import { brokerUrl, loadRoomConfig, type RoomConfig } from '../room/config.ts'
import { negotiateBy } from '../room/negotiation.ts'
import { joinRoom, type Member, type PeerId, type Room } from '../room/room.ts'
import { count } from '../stack/wire/readable.ts'
import type { BridgeWish } from './arguments.ts'
import { BridgeSegment } from './segment.ts'
import { Tap } from './tap.ts'
import { NodeChannel, nodeWebRtc } from './webrtc.ts'

/** Milliseconds between two looks at the device's addresses. */
const LOOK_EVERY = 1_000
/** Milliseconds in which what changed is told once: a peer takes so many messages a second. */
const TELL_AFTER = 100
/** Milliseconds that last words may take. */
const GOODBYE_WITHIN = 1_000

export interface Surroundings {
  /** A line for the person. */
  print(line: string): void
  /** Resolves when the person wants it to end. */
  readonly interrupted: Promise<void>
}

/** Runs until it is interrupted. Rejects with one sentence when it cannot begin, or cannot go on. */
export async function bridge(wish: BridgeWish, surroundings: Surroundings): Promise<void> {
  const config = await configOf(wish)
  const running = new Bridge(wish, config, surroundings)
  try {
    await running.run()
  } finally {
    await running.end()
  }
}

async function configOf({ invitation, page }: BridgeWish): Promise<RoomConfig> {
  const parsed = await loadRoomConfig(page)
  if (parsed.kind === 'wrong') throw new Error(`What lies beside the page, ${parsed.why}`)
  return { ...parsed.config, brokerUrl: brokerUrl(invitation.broker, parsed.config, page) }
}

class Bridge {
  readonly #wish: BridgeWish
  readonly #config: RoomConfig
  readonly #surroundings: Surroundings
  readonly #segment: BridgeSegment
  readonly #greeted = new Map<PeerId, string>()
  readonly #lost = new Set<PeerId>()
  readonly #addresses = new Map<string, string>()
  #tap: Tap | undefined
  #room: Room | undefined
  #socket: WebSocket | undefined
  #looking: ReturnType<typeof setInterval> | undefined
  #telling: ReturnType<typeof setTimeout> | undefined
  #roomState = 'joining'
  #wasJoined = false
  #fail: (error: Error) => void = () => undefined

  constructor(wish: BridgeWish, config: RoomConfig, surroundings: Surroundings) {
    this.#wish = wish
    this.#config = config
    this.#surroundings = surroundings
    this.#segment = new BridgeSegment({
      now: () => performance.now(),
      name: wish.name,
      send: frame => this.#tap?.send(frame) ?? false,
      onRoom: () => this.#tap?.resume(),
      onMachines: () => this.#tellSoon(),
    })
  }

  async run(): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject
    })
    failed.catch(() => undefined) // it may come before anybody waits for it
    const { device, address } = this.#wish
    this.#tap = await Tap.open(device, address, {
      onFrame: frame => this.#segment.input(frame),
      onGone: why => this.#fail(new Error(why)),
    })
    await this.#look()
    this.#looking = setInterval(() => this.#look().catch(this.#fail), LOOK_EVERY)
    this.#say(`${device} is up${address === undefined ? '' : `, with ${address}`}.`)
    if (address === undefined)
      this.#say(`  ip address add ${this.#suggestion()} dev ${device}   gives it an address.`)
    this.#room = this.#join()
    await Promise.race([this.#surroundings.interrupted, failed])
  }

  #join(): Room {
    const { invitation, name, device } = this.#wish
    return joinRoom({
      invitation,
      name,
      config: this.#config,
      negotiate: negotiateBy(nodeWebRtc(device)),
      openSocket: (url, protocol) => {
        this.#socket = new WebSocket(url, protocol)
        return this.#socket as unknown as globalThis.WebSocket
      },
      events: {
        onChannel: (peer, _name, channel) => this.#segment.addPeer(peer, new NodeChannel(channel)),
        onLost: peer => this.#segment.removePeer(peer),
        onTold: (peer, message) => this.#hear(peer, message),
        // The first comes while the room is being made.
        onChange: () => queueMicrotask(() => this.#roomChanged()),
      },
    })
  }

  #say(line: string): void {
    this.#surroundings.print(line)
  }

  // ---- the room -------------------------------------------------------------------------------------------------

  #roomChanged(): void {
    if (this.#room === undefined) return
    const { state, members } = this.#room
    if (state.kind !== this.#roomState) this.#stateChanged(state.kind, 'why' in state ? state.why : '')
    for (const member of members) this.#memberChanged(member)
    for (const [id, name] of this.#greeted)
      if (!members.some(member => member.id === id)) this.#gone(id, `${name} left.`)
  }

  #stateChanged(kind: string, why: string): void {
    const before = this.#roomState
    this.#roomState = kind
    this.#wasJoined ||= kind === 'joined'
    const { invitation, name } = this.#wish
    if (kind === 'joined' && before === 'joining')
      this.#say(`In the room ${invitation.room} as ${name}. Ctrl-C ends it.`)
    else if (kind === 'joined') this.#say('The broker is there again.')
    else if (kind === 'full' || (kind === 'offline' && before === 'joining')) this.#fail(new Error(why))
    else if (kind === 'offline') this.#say(`${why} Who is connected stays; it is tried again.`)
  }

  #memberChanged({ id, name, state }: Member): void {
    if (state.kind === 'connected' && !this.#greeted.has(id)) {
      if (!this.#room?.tell(id, this.#hosts())) return
      this.#greeted.set(id, name)
      this.#say(`${name} came.`)
    }
    if (state.kind !== 'lost') this.#lost.delete(id)
    else if (!this.#lost.has(id)) {
      this.#lost.add(id)
      this.#gone(id, state.why)
    }
  }

  #gone(id: PeerId, line: string): void {
    this.#greeted.delete(id)
    this.#say(line)
  }

  /** What a page tells of its hosts: their addresses are what a person wants to know. */
  #hear(peer: PeerId, message: unknown): void {
    const told = readTold(message)
    if (told?.kind !== 'hosts') return
    for (const { name, address, mac } of told.hosts) {
      const key = `${peer} ${mac}`
      if (address === undefined || this.#addresses.get(key) === address) continue
      this.#addresses.set(key, address)
      this.#say(`${name} has ${address}.`)
    }
  }

  // ---- the machines ---------------------------------------------------------------------------------------------

  async #look(): Promise<void> {
    const own = await this.#tap?.own()
    this.#segment.setOwn(own)
  }

  /** An address of the link-local block that is likely to be free: RFC 3927, 2.1 leaves out its first and last 256. */
  #suggestion(): string {
    const mac = this.#segment.machines[0]?.mac
    return `169.254.${1 + ((mac?.[4] ?? 0) % 254)}.${mac?.[5] ?? 7}/16`
  }

  #tellSoon(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined
      for (const id of this.#greeted.keys()) this.#room?.tell(id, this.#hosts())
    }, TELL_AFTER)
  }

  #hosts() {
    const { name } = this.#wish
    const hosts = this.#segment.machines.map(({ mac, address }) => ({ name, address, mac: macText(mac) }))
    return { kind: 'hosts', hosts }
  }

  // ---- the end --------------------------------------------------------------------------------------------------

  async end(): Promise<void> {
    clearInterval(this.#looking)
    clearTimeout(this.#telling)
    const room = this.#room
    this.#room = undefined
    this.#segment.end()
    room?.leave()
    await Promise.all([this.#tap?.close(), closed(this.#socket)])
    if (this.#wasJoined) this.#say(this.#sum())
  }

  #sum(): string {
    const { framesOut, framesIn, refused } = this.#segment
    const lines = [...refused].map(([why, frames]) => `  ${count(frames, 'frame')} refused: ${why}`)
    return [`${count(framesOut, 'frame')} went to the room, ${framesIn} came from it.`, ...lines].join('\n')
  }
}

/** Resolves when the socket has sent all that it had to, or too long after. */
const closed = (socket: WebSocket | undefined): Promise<void> =>
  new Promise(resolve => {
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return resolve()
    const timer = setTimeout(resolve, GOODBYE_WITHIN)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
