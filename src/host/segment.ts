/**
 * The segment of this page: its switch, the hosts and the ports to peers on it, the capture of all that passes, and
 * the updates that tell the page. It runs in a worker (worker.ts) and knows nothing of that.
 *
 *   page ── command ──▶ Segment ── Host ─┐
 *   page ◀── update ──     │      Host ─┤ Switch ── ChannelPort ── peer
 *                       Capture ────────┘
 */
import { Capture } from '../link/capture.ts'
import { ChannelPort, type FrameChannel, STALL } from '../link/channel-port.ts'
import { FateKind, fateDetail, fateKind, lossSentence } from '../link/fate.ts'
import { LldpAgent } from '../link/lldp-agent.ts'
import { isGroup, macHighAt, macLowAt, macText, parseMac } from '../link/mac.ts'
import { type PcapngPacket, writePcapng } from '../link/pcapng.ts'
import { RelayedChannel } from '../link/relay.ts'
import { AGEING, type PortNumber, SWITCH_PORT, Switch } from '../link/switch.ts'
import type { Drop } from '../stack/drop.ts'
import { dropSentence } from '../stack/drop-names.ts'
import { inspectPages } from '../stack/inspect/pages.ts'
import type { Ms } from '../stack/stack.ts'
import { LLDP_MAX_HOSTS, type LldpAnnouncement } from '../stack/wire/lldp.ts'
import type { Way } from './clock.ts'
import { type CreateStack, Host, type HostSegment } from './host.ts'
import type { PackedUpdate } from './packed-update.ts'
import {
  type Command,
  type Counted,
  type HostSpec,
  type NoticeRecord,
  type PeerSnapshot,
  type ProfileName,
  type Replies,
  type StateRecord,
  SWITCH,
} from './protocol.ts'
import { type Stepper, Turns } from './turns.ts'

/** The capture's budget in bytes. */
const CAPTURE_BYTES = 64 * 1024 * 1024
/** Updates come no closer than this. */
const UPDATE_INTERVAL: Ms = 50
/** The most frames one update tells: 20,000 a second. */
const UPDATE_FRAMES = 1_000
/** The most events between frames that one update tells: a peer may send empty lines as fast as its wire carries. */
const UPDATE_NOTES = 1_000

export interface SegmentOptions {
  /** Milliseconds since the segment began; never runs backwards. */
  now(): Ms
  /** What `now` must be added to for wall-clock time, ms since 1970. */
  readonly timeOrigin: Ms
  /** What the segment before this one had counted; 0 if absent. */
  readonly after?: Pick<Counted, 'frames' | 'connections'> | undefined
  /** An update for the page; `entries` may be transferred. */
  post(update: PackedUpdate): void
  /** A profile's stack; rejects with one sentence where it cannot be had. */
  load(profile: ProfileName): Promise<CreateStack>
  /** Bytes; 64 MiB if absent. */
  readonly captureBytes?: number
}

interface Peer {
  readonly id: string
  readonly name: string
  readonly carrier: PeerSnapshot['carrier']
  readonly port: ChannelPort
  readonly number: PortNumber
  refused: number
  /** Kinds of refusal that a person has been told of. */
  readonly told: Set<number>
  macs: readonly string[]
  closed: boolean
}

type CommandOf<K extends Command['kind']> = Extract<Command, { kind: K }>

export class Segment implements HostSegment {
  readonly #options: SegmentOptions
  readonly #capture: Capture
  readonly #switch: Switch
  readonly #agent: LldpAgent
  readonly #turns: Turns
  readonly #hosts = new Map<string, { readonly host: Host; readonly number: PortNumber }>()
  readonly #peers = new Map<string, Peer>()
  readonly #peerAt = new Map<PortNumber, Peer>()
  readonly #held = new Set<Host>()
  /** Names by port number; a number is never used again. */
  readonly #portNames: string[] = [SWITCH]
  #hostList: readonly Host[] = []
  #notes: (StateRecord | NoticeRecord)[] = []
  #firstNote = 0
  #notesLeftOut = 0
  #connections: number
  #enteredFrom: PortNumber = SWITCH_PORT
  #nextAgeing: Ms = AGEING
  #stallCheckAt: Ms = Number.POSITIVE_INFINITY
  #updatedAt: Ms = Number.NEGATIVE_INFINITY
  #updateTimer: ReturnType<typeof setTimeout> | undefined
  #ended = false

  constructor(options: SegmentOptions) {
    this.#options = options
    this.#capture = new Capture(options.captureBytes ?? CAPTURE_BYTES, options.after?.frames)
    this.#connections = options.after?.connections ?? 0
    this.#switch = new Switch(
      {
        frame: (from, now, frame) => {
          this.#enteredFrom = from
          return this.#capture.frame(from, now, frame)
        },
        arrival: (no, at, now, fate) => {
          this.#capture.arrival(no, at, now, fate)
          if (at === SWITCH_PORT && fateKind(fate) === FateKind.Lost) this.#refused(fateDetail(fate))
        },
      },
      (from, frame, _no, now) => this.#agent.input(from, frame, now),
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
    this.#turns = new Turns(
      () => options.now(),
      () => this.#endOfTurn(),
    )
    this.#turns.add(this.#upkeep)
  }

  // ---- what hosts need ------------------------------------------------------------------------------------------

  now(): Ms {
    return this.#options.now()
  }

  wake(): void {
    this.#turns.wake()
  }

  newConnection(): number {
    return ++this.#connections
  }

  get lastFrame(): number {
    return this.#capture.frames
  }

  log(record: StateRecord | NoticeRecord): void {
    if (this.#notes.length === UPDATE_NOTES) this.#notesLeftOut++
    else this.#capture.note(this.#firstNote + this.#notes.push(record) - 1, record.time)
    this.changed()
  }

  transmit(host: Host, frame: Uint8Array, now: Ms): Way {
    const entry = this.#hosts.get(host.name)
    // A host that was taken off the wire speaks to nobody.
    if (entry === undefined || entry.host !== host) return 'taken'
    if (this.#switch.receive(entry.number, frame, now)) {
      this.#settle()
      return 'taken'
    }
    if (this.#switch.busyPort?.kind === 'host') return 'wait'
    this.#held.add(host)
    this.#stallCheckAt = Math.min(this.#stallCheckAt, now + STALL)
    return 'held'
  }

  /** Hosts that took the last frame tell what it changed. */
  #settle(): void {
    const no = this.#capture.frames
    for (const host of this.#hostList) host.settle(no)
  }

  #releaseHeld(): void {
    if (this.#held.size === 0) return
    const held = [...this.#held]
    this.#held.clear()
    for (const host of held) host.release()
  }

  // ---- time -----------------------------------------------------------------------------------------------------

  /** The link's own work: LLDP, ageing, ports that no longer move. */
  readonly #upkeep: Stepper = {
    wants: false,
    deadline: () =>
      Math.min(this.#agent.pollAt(), this.#stallCheckAt, this.#peers.size > 0 ? this.#nextAgeing : Infinity),
    step: now => {
      this.#agent.poll(now)
      if (now >= this.#stallCheckAt) this.#checkStalls(now)
      if (now >= this.#nextAgeing) {
        this.#switch.age(now)
        this.#nextAgeing = now + AGEING / 5
      }
    },
  }

  #checkStalls(now: Ms): void {
    let stalled = false
    for (const { port } of this.#peers.values()) stalled = port.checkStall() || stalled
    if (stalled) this.#releaseHeld()
    this.#stallCheckAt = this.#held.size > 0 ? now + STALL : Number.POSITIVE_INFINITY
  }

  #endOfTurn(): void {
    for (const { port } of this.#peers.values()) port.flush()
    if (this.#capture.pending) this.changed()
  }

  // ---- updates --------------------------------------------------------------------------------------------------

  changed(): void {
    if (this.#updateTimer !== undefined || this.#ended) return
    const wait = Math.max(0, this.#updatedAt + UPDATE_INTERVAL - this.now())
    this.#updateTimer = setTimeout(() => this.#update(), wait)
  }

  #update(): void {
    clearTimeout(this.#updateTimer)
    this.#updateTimer = undefined
    this.#updatedAt = this.now()
    const { entries, leftOut } = this.#capture.pack(UPDATE_FRAMES)
    const notes = this.#notes
    const firstNote = this.#firstNote
    this.#notes = []
    this.#firstNote += notes.length
    this.#options.post({
      kind: 'update',
      now: this.#updatedAt,
      counted: {
        frames: this.#capture.frames,
        connections: this.#connections,
        timeOrigin: this.#options.timeOrigin,
      },
      entries,
      ports: this.#portNames,
      notes,
      firstNote,
      leftOut: leftOut + this.#notesLeftOut,
      hosts: this.#hostList.map(host => host.snapshot()),
      peers: [...this.#peers.values()].map(peer => this.#peerSnapshot(peer)),
    })
    this.#notesLeftOut = 0
  }

  #peerSnapshot(peer: Peer): PeerSnapshot {
    const { port } = peer
    return {
      peer: peer.id,
      name: this.#agent.announcement(peer.number)?.name || peer.name,
      macs: peer.macs,
      maxFrame: port.maxFrame,
      open: port.open,
      carrier: peer.carrier,
      framesIn: port.framesIn,
      framesOut: port.framesOut,
      bytesIn: port.bytesIn,
      bytesOut: port.bytesOut,
      refused: peer.refused + port.malformed,
      queueDrops: port.queueDrops,
      buffered: port.buffered,
    }
  }

  // ---- commands -------------------------------------------------------------------------------------------------

  /** Carries out a command; rejects with an error whose message is one sentence for a person. */
  async command<K extends Command['kind']>(command: CommandOf<K>): Promise<Replies[K]> {
    if (!Object.hasOwn(this.#commands, command.kind))
      throw new TypeError(`There is no command '${command.kind}'.`)
    const act = this.#commands[command.kind] as (command: CommandOf<K>) => Replies[K] | Promise<Replies[K]>
    try {
      return await act(command)
    } finally {
      this.changed()
    }
  }

  readonly #commands: {
    readonly [K in Command['kind']]: (command: CommandOf<K>) => Replies[K] | Promise<Replies[K]>
  } = {
    'add-host': ({ spec }) => this.#addHost(spec),
    'remove-host': ({ host }) => this.#removeHost(host, `${host} was removed.`),
    'restart-host': ({ host, profile, memory, ipv6 }) => this.#restartHost(host, { profile, memory, ipv6 }),
    'add-peer': ({ peer, name, channel }) => this.#addPeer(peer, name, channel, 'worker'),
    'add-peer-relay': ({ peer, name, relay }) => this.#addPeer(peer, name, new RelayedChannel(relay), 'page'),
    'remove-peer': ({ peer }) => this.#removePeer(peer),
    ping: async ({ host, address, count }) => ({ pings: await this.#host(host).ping(address, count) }),
    connect: async ({ host, address, port }) => ({
      connection: await this.#host(host).text.connect(address, port),
    }),
    'send-text': async ({ connection, text }) => {
      await this.#hostOf(connection).text.send(connection, text)
      return {}
    },
    close: async ({ connection }) => {
      await this.#hostOf(connection).text.close(connection)
      return {}
    },
    abort: ({ connection }) => {
      this.#hostOf(connection).text.abort(connection)
      return {}
    },
    'send-file': ({ host, address, name, file }) => this.#host(host).files.send(address, name, file),
    'inspect-arena': ({ host }) => ({ pages: inspectPages(this.#host(host).stack.arena) }),
    'export-capture': () => ({ pcapng: this.#export() }),
    'clear-capture': () => {
      this.#update()
      this.#capture.clear()
      return {}
    },
    snapshot: () => {
      this.#update()
      return {}
    },
  }

  #host(name: string): Host {
    const entry = this.#hosts.get(name)
    if (entry === undefined) throw new Error(`There is no host '${name}' on this page.`)
    return entry.host
  }

  #hostOf(connection: number): Host {
    const host = this.#hostList.find(({ text }) => text.has(connection))
    if (host === undefined) throw new Error(`There is no connection ${connection} on this page.`)
    return host
  }

  // ---- hosts ----------------------------------------------------------------------------------------------------

  async #addHost(spec: HostSpec): Promise<Record<string, never>> {
    checkSpec(spec)
    const createStack = await this.#options.load(spec.profile)
    if (this.#hosts.has(spec.name))
      throw new Error(`There is a host '${spec.name}' already; choose another name.`)
    if (this.#hosts.size >= LLDP_MAX_HOSTS) throw new Error(`A page has ${LLDP_MAX_HOSTS} hosts at most.`)
    if (this.#hostList.some(host => macText(host.mac) === spec.mac.toLowerCase()))
      throw new Error(`Another host has the MAC address ${spec.mac}; choose another.`)
    this.#attach(new Host(spec, createStack, this))
    return {}
  }

  #attach(host: Host): void {
    const number = this.#switch.attach(host)
    this.#portNames[number] = host.name
    this.#hosts.set(host.name, { host, number })
    // No peer can claim the address of a host of this page.
    this.#switch.announce(number, macHighAt(host.mac, 0), macLowAt(host.mac, 0), this.now())
    this.#hostsChanged()
    host.start()
    this.#turns.add(host)
  }

  #removeHost(name: string, why: string): Record<string, never> {
    const host = this.#host(name)
    const number = this.#hosts.get(name)?.number ?? SWITCH_PORT
    host.end(why)
    this.#settle()
    this.#turns.remove(host)
    this.#held.delete(host)
    this.#hosts.delete(name)
    this.#switch.detach(number)
    this.#hostsChanged()
    this.wake()
    return {}
  }

  async #restartHost(
    name: string,
    changes: Pick<HostSpec, 'profile' | 'memory' | 'ipv6'>,
  ): Promise<Record<string, never>> {
    const spec = { ...this.#host(name).spec, ...changes }
    checkSpec(spec)
    // Made before the old one ends: a budget that is too small changes nothing.
    const host = new Host(spec, await this.#options.load(spec.profile), this)
    this.#removeHost(name, `${name} was restarted.`)
    this.#attach(host)
    return {}
  }

  #hostsChanged(): void {
    this.#hostList = [...this.#hosts.values()].map(({ host }) => host)
    this.#agent.setOwn(
      this.#hostList[0]?.name ?? '',
      this.#hostList.map(host => host.mac),
      this.now(),
    )
    this.wake()
  }

  // ---- peers ----------------------------------------------------------------------------------------------------

  #addPeer(id: string, name: string, channel: FrameChannel, carrier: Peer['carrier']): Record<string, never> {
    if (!/^[0-9a-f]{32}$/.test(id))
      throw new TypeError(`'${id}' is not a peer's identity; it has 32 hex digits.`)
    const before = this.#peers.get(id)
    if (before !== undefined && !before.closed)
      throw new Error(`The peer ${name} has a wire already; remove it first.`)
    const port = new ChannelPort(
      id,
      channel,
      {
        received: (_port, batch) => this.#received(peer, batch),
        opened: () => this.#opened(peer),
        closed: () => this.#closed(peer, `${name} is gone: the channel to it was closed.`, false),
        drained: () => this.#releaseHeld(),
      },
      () => this.now(),
    )
    const number = this.#switch.attach(port)
    this.#portNames[number] = id
    const peer: Peer = {
      id,
      name,
      carrier,
      port,
      number,
      refused: 0,
      told: new Set(),
      macs: [],
      closed: false,
    }
    this.#peers.set(id, peer)
    this.#peerAt.set(number, peer)
    if (port.open) this.#opened(peer)
    return {}
  }

  #opened(peer: Peer): void {
    this.#agent.add(peer.number, this.now())
    this.#notice('peer', `The wire to ${peer.name} is open.`)
    this.wake()
  }

  #received(peer: Peer, batch: Uint8Array): void {
    const now = this.now()
    peer.port.frames(batch, frame => {
      // Its answer goes out before it must take more: RFC 5681, 4.2, and nothing is refused for want of a step.
      for (const host of this.#hostList) if (!host.ready) host.step(now)
      this.#switch.receive(peer.number, frame, now)
      this.#settle()
    })
    this.#turns.run()
  }

  #heard(port: PortNumber, announcement: LldpAnnouncement | undefined): void {
    const peer = this.#peerAt.get(port)
    if (peer === undefined) return
    const isNew = peer.macs.length === 0
    const macs = (announcement?.macs ?? []).map(macText)
    this.#gone(
      peer,
      peer.macs.filter(mac => !macs.includes(mac)),
      `${peer.name} took that host off the wire.`,
    )
    peer.macs = macs
    // 802.3 frames have no smaller limit than their own minimum; an absent one says nothing.
    if (announcement !== undefined && announcement.maxFrame >= 60) peer.port.maxFrame = announcement.maxFrame
    // Only now does either side hear the other: RFC 5227, 2.1 asks for a check when segments are joined.
    if (isNew && announcement !== undefined) for (const host of this.#hostList) host.linkUp()
    this.changed()
  }

  #gone(peer: Peer, macs: readonly string[], why: string): void {
    if (macs.length === 0) return
    for (const host of this.#hostList) host.neighboursGone(macs, why)
    peer.macs = peer.macs.filter(mac => !macs.includes(mac))
  }

  #closed(peer: Peer, why: string, farewell: boolean): void {
    if (peer.closed) return
    peer.closed = true
    this.#agent.remove(peer.number, this.now(), farewell)
    this.#switch.detach(peer.number)
    this.#peerAt.delete(peer.number)
    this.#gone(peer, peer.macs, why)
    this.#notice('peer', why)
    this.#releaseHeld()
    this.wake()
  }

  #removePeer(id: string): Record<string, never> {
    const peer = this.#peers.get(id)
    if (peer === undefined) throw new Error(`There is no wire to a peer ${id}.`)
    this.#closed(peer, `${peer.name} has left.`, true)
    peer.port.close()
    this.#peers.delete(id)
    return {}
  }

  /** The switch refused a frame of a peer: counted, and told once for each reason. */
  #refused(loss: number): void {
    const peer = this.#peerAt.get(this.#enteredFrom)
    if (peer === undefined) return
    peer.refused++
    if (peer.told.has(loss)) return
    peer.told.add(loss)
    this.#notice('peer', `A frame of ${peer.name} was refused: ${lossSentence(loss)}`)
  }

  #notice(about: NoticeRecord['about'], text: string): void {
    this.log({ kind: 'notice', time: this.now(), host: SWITCH, about, connection: undefined, text })
  }

  // ---- the capture ----------------------------------------------------------------------------------------------

  #export(): ArrayBuffer {
    const packets: { -readonly [K in keyof PcapngPacket]: PcapngPacket[K] }[] = []
    const origin = this.#options.timeOrigin
    this.#capture.read({
      frame: (_no, from, time, bytes) => {
        packets.push({ interface: from, time: Math.round((origin + time) * 1000), bytes, comment: undefined })
      },
      arrival: (_no, at, _time, fate) => {
        const packet = packets.at(-1)
        const why = lossText(fateKind(fate), fateDetail(fate))
        if (packet === undefined || why === undefined) return
        const told = `${this.#portNames[at]}: ${why}`
        packet.comment = packet.comment === undefined ? told : `${packet.comment}\n${told}`
      },
      note: () => undefined,
    })
    return writePcapng({ interfaces: this.#portNames, packets })
  }

  /** Stops everything. */
  end(): void {
    for (const host of this.#hostList) host.end('The page was closed.')
    for (const peer of [...this.#peers.values()]) this.#removePeer(peer.id)
    this.#ended = true
    this.#turns.end()
    clearTimeout(this.#updateTimer)
  }
}

/** Why a frame ended there; undefined when it did not. */
function lossText(kind: number, detail: number): string | undefined {
  if (kind === FateKind.Lost) return lossSentence(detail)
  if (kind !== FateKind.Dropped) return undefined
  return dropSentence(detail as Drop)
}

/** Throws a sentence where a spec is wrong. */
function checkSpec({ name, profile, memory, mac }: HostSpec): void {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name) || name === SWITCH)
    throw new TypeError(
      name === SWITCH
        ? `'${SWITCH}' is the switch itself; choose another name.`
        : `'${name}' is not a host name; it has up to 63 lower-case letters, digits and inner hyphens.`,
    )
  if (!['full', 'client', 'minimal'].includes(profile))
    throw new TypeError(`'${profile}' is not a profile; there are full, client and minimal.`)
  if (!Number.isInteger(memory))
    throw new TypeError(`${memory} is not a budget; it is a whole number of bytes.`)
  const bytes = parseMac(mac)
  if (bytes === undefined)
    throw new TypeError(`'${mac}' is not a MAC address; it looks like 02:00:5e:10:00:01.`)
  if (isGroup(macHighAt(bytes, 0)))
    throw new TypeError(`${mac} is a group address; a host has an individual one.`)
  if (((bytes[0] as number) & 2) === 0)
    throw new TypeError(
      `${mac} belongs to a vendor; a host here has a locally administered one, such as 02:….`,
    )
}
