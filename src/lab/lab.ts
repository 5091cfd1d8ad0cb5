/**
 * The page's model: what the worker and the room told, what a person chose, and what a person can ask for.
 *
 * The page reads it and calls its methods; it calls nobody back but those who asked to hear of changes. A method that
 * asks the worker rejects with one sentence, which is shown beside the control that asked.
 */
import type {
  ConnectionId,
  Conversation,
  HostSnapshot,
  HostSpec,
  NoticeRecord,
  PeerId,
  PeerSnapshot,
  PingResult,
  ProfileName,
  Transfer,
  Update,
} from '../host/protocol.ts'
import type { ArenaPages } from '../stack/inspect/pages.ts'
import { arenaBeside, type Sizes } from './diet.ts'
import { Ended } from './ended.ts'
import { FrameLog, type LoggedFrame, type LoggedState } from './frame-log.ts'
import type { Identities, Identity } from './identity.ts'
import { type LadderPicture, type LadderSubject, layLadder, type Side } from './ladder.ts'
import { MemoryHistory, type Sample } from './memory-history.ts'
import { packetOf } from './packet.ts'
import { type Consequence, consequencesOf } from './pressure.ts'
import type { SegmentLink } from './segment-link.ts'
import { Stations, type ToldHost } from './stations.ts'
import { type Follow, followFor, SubjectFrames, subjectOf } from './subject.ts'
import { fingerprint, type ToldState } from './told.ts'

/** Port 23 is the text program's on every host. */
export const TEXT_PORT = 23
export const FIRST_BUDGET = 256 * 1024
export const FIRST_PROFILE: ProfileName = 'full'

/** The page keeps as many messages as a person might read back. */
const MOST_NOTICES = 200

/** So many states that were told wait for their frame; it may have been lost on its way. */
const MOST_UNPLACED = 16
/** They are looked for among so many of the last frames of their connection: what is told comes soon after its frame. */
const LATELY = 2_000

/** So many records at once are more than anyone reads as they pass: then the page is drawn anew less often. */
const FLOOD = 200
const FLOOD_REDRAW_MS = 120

export class Lab {
  readonly log = new FrameLog()
  readonly identities: Identities
  readonly #link: SegmentLink
  readonly #listeners = new Set<() => void>()
  readonly #subjectFrames = new SubjectFrames()
  readonly #notices: NoticeRecord[] = []
  #hosts: readonly HostSnapshot[] = []
  #peers: readonly PeerSnapshot[] = []
  #told: ReadonlyMap<PeerId, readonly ToldHost[]> = new Map()
  #stations = new Stations([], [], new Map())
  readonly #unplaced: { readonly state: LoggedState; readonly print: string }[] = []
  /** Of frames that were looked at for a state: each is read once, however often states are told. */
  readonly #prints = new WeakMap<LoggedFrame, string>()
  readonly #histories = new Map<string, MemoryHistory>()
  #sizes: Sizes | undefined
  #textCounts = false
  #selected: number | undefined
  #follow: Follow = { kind: 'newest' }
  #now = 0
  #greeted = false
  #pending: ReturnType<typeof setTimeout> | undefined
  #failure: string | undefined
  readonly #ended = new Ended()

  constructor(link: SegmentLink, identities: Identities) {
    this.#link = link
    this.identities = identities
    link.onUpdate(update => this.#take(update))
    link.onRestart(why => this.#beginAgain(why))
    link.onFailure(why => {
      this.#failure = why
      this.changed()
    })
  }

  // ---- what there is ------------------------------------------------------------------------------------------

  get hosts(): readonly HostSnapshot[] {
    return this.#hosts
  }

  /** The host that stands for this page's person. */
  get own(): HostSnapshot | undefined {
    return this.#hosts.find(({ name }) => name === this.identities.own.name)
  }

  /** Why nothing works any more: one sentence. */
  get failure(): string | undefined {
    return this.#failure
  }

  get peers(): readonly PeerSnapshot[] {
    return this.#peers
  }

  get stations(): Stations {
    return this.#stations
  }

  /** Milliseconds since the worker started, as of its last update. */
  get now(): number {
    return this.#now
  }

  get notices(): readonly NoticeRecord[] {
    return this.#notices
  }

  /** Newest first; where both ends are on this page, the end that opened it stands before the other. */
  get conversations(): readonly Conversation[] {
    const all = [...this.#hosts.flatMap(({ conversations }) => conversations), ...this.#ended.conversations]
    const newest = new Map<string, ConnectionId>()
    for (const each of all)
      newest.set(portsOf(each), Math.max(each.connection, newest.get(portsOf(each)) ?? 0))
    const age = (each: Conversation) => newest.get(portsOf(each)) ?? 0
    return all.sort((a, b) => age(b) - age(a) || Number(b.openedHere) - Number(a.openedHere))
  }

  get transfers(): readonly Transfer[] {
    return [...this.#hosts.flatMap(({ transfers }) => transfers), ...this.#ended.transfers]
  }

  /** What the stacks cost, as the build measured it; undefined until that is known. */
  get sizes(): Sizes | undefined {
    return this.#sizes
  }

  set sizes(sizes: Sizes) {
    this.#sizes = sizes
    this.changed()
  }

  /** Whether a budget has to hold the stack's text beside its data, as on a machine with so much memory and no more. */
  get textCounts(): boolean {
    return this.#textCounts
  }

  set textCounts(counts: boolean) {
    this.#textCounts = counts
    this.changed()
  }

  /** Bytes of the file that a host runs. */
  textOf({ profile }: HostSnapshot): number | undefined {
    return this.#sizes?.profiles[profile]?.min
  }

  /** What the budget has to hold: the arena, and the text where it counts. */
  budgetOf(host: HostSnapshot): number {
    return host.memory.size + (this.#textCounts ? (this.textOf(host) ?? 0) : 0)
  }

  historyOf(host: string): readonly Sample[] {
    return this.#histories.get(host)?.samples ?? []
  }

  /** What lack of memory has done to a host. */
  pressureOn(host: HostSnapshot): readonly Consequence[] {
    return consequencesOf(host, no => {
      const frame = this.log.byNo(no)
      return frame && `frame ${no}: ${packetOf(frame, this.#stations).info}`
    })
  }

  get selected(): LoggedFrame | undefined {
    return this.#selected === undefined ? undefined : this.log.byNo(this.#selected)
  }

  get follow(): Follow {
    return this.#follow
  }

  get subject(): LadderSubject | undefined {
    return subjectOf(this.#follow, this.log, this.#stations)
  }

  /** `opened`: frames whose folded run a person opened; the run of a selected frame is open too. */
  picture(subject: LadderSubject, opened: ReadonlySet<number>): LadderPicture {
    const { selected } = this
    this.#subjectFrames.read(subject, this.log, selected)
    const { frames, earlier, later } = this.#subjectFrames
    return layLadder(subject, frames, this.log.states, this.#stations, {
      opened: selected ? new Set([...opened, selected.no]) : opened,
      earlier,
      later,
      listening: this.#listening(subject),
    })
  }

  /** Where a listener of this page still waits for more of what became the subject's connection. */
  #listening({ connection, left }: LadderSubject): Side | undefined {
    const end = connection?.ends[1]
    const listener = this.#hosts
      .find(({ address }) => address === end?.address)
      ?.connections.find(({ state, localPort }) => state === 'LISTEN' && localPort === end?.port)
    return listener && (end?.address === left.address ? 'left' : 'right')
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  // ---- what a person can do -----------------------------------------------------------------------------------

  /** Starts the page's own host, and beside it a neighbour, so that there is somebody to shake hands with. */
  async start(): Promise<void> {
    const { own, neighbour, withNeighbour } = this.identities
    this.#greeted = !withNeighbour
    await this.#addHosts((withNeighbour ? [own, neighbour] : [own]).map(firstSpec))
  }

  async #addHosts(specs: readonly HostSpec[]): Promise<void> {
    const starting = specs.map(spec => this.#link.request({ kind: 'add-host', spec }))
    for (const outcome of await Promise.allSettled(starting))
      if (outcome.status === 'rejected') this.remark((outcome.reason as Error).message)
  }

  /** A frame that is selected is brought into the ladder. */
  select(no: number | undefined): void {
    this.#selected = no
    const { selected } = this
    this.#follow = (selected && followFor(selected, this.subject, this.#stations)) ?? this.#follow
    this.changed()
  }

  /** The ladder goes to the conversation in which a person acts. */
  watch(connection: ConnectionId): void {
    const talk = this.conversations.find(each => each.connection === connection)
    const address = this.#hosts.find(({ name }) => name === talk?.host)?.address
    if (talk === undefined || address === undefined) return
    const flow = this.log.flows.between(
      { address, port: talk.localPort },
      { address: talk.remoteAddress, port: talk.remotePort },
    )
    if (flow && flow !== this.subject?.flow) this.setFollow({ kind: 'flow', id: flow.id })
  }

  setFollow(follow: Follow): void {
    this.#follow = follow
    this.changed()
  }

  /** `budget`: bytes; of the arena, or of arena and text together where the text counts. */
  async restart(host: string, profile: ProfileName, budget: number, ipv6: boolean): Promise<void> {
    const text = this.#textCounts ? (this.#sizes?.profiles[profile]?.min ?? 0) : 0
    const memory = text === 0 ? budget : arenaBeside(text, budget, profile)
    try {
      await this.#link.request({ kind: 'restart-host', host, profile, memory, ipv6 })
    } catch (error) {
      if (text === 0) throw error
      throw new Error(`The text takes ${text} bytes of it. ${(error as Error).message}`)
    }
  }

  /** The host's arena as it is now, page by page. */
  async arenaOf(host: string): Promise<ArenaPages> {
    return (await this.#link.request({ kind: 'inspect-arena', host })).pages
  }

  async ping(host: string, address: string, count: number): Promise<readonly PingResult[]> {
    const left = this.#hosts.find(({ name }) => name === host)?.mac
    const right = this.#stations.byAddress(address)?.mac
    if (left && right) this.setFollow({ kind: 'pair', left, right })
    return (await this.#link.request({ kind: 'ping', host, address, count })).pings
  }

  async talk(host: string, address: string): Promise<ConnectionId> {
    this.setFollow({ kind: 'newest' })
    return this.#connect(host, address)
  }

  async #connect(host: string, address: string): Promise<ConnectionId> {
    return (await this.#link.request({ kind: 'connect', host, address, port: TEXT_PORT })).connection
  }

  async say(connection: ConnectionId, text: string): Promise<void> {
    this.watch(connection)
    await this.#link.request({ kind: 'send-text', connection, text })
  }

  async close(connection: ConnectionId): Promise<void> {
    this.watch(connection)
    await this.#link.request({ kind: 'close', connection })
  }

  async abort(connection: ConnectionId): Promise<void> {
    this.watch(connection)
    await this.#link.request({ kind: 'abort', connection })
  }

  async sendFile(host: string, address: string, file: File): Promise<{ bytes: number; sha256: string }> {
    this.setFollow({ kind: 'newest' })
    return this.#link.request({ kind: 'send-file', host, address, name: file.name, file })
  }

  async exportCapture(): Promise<ArrayBuffer> {
    return (await this.#link.request({ kind: 'export-capture' })).pcapng
  }

  async clearCapture(): Promise<void> {
    await this.#link.request({ kind: 'clear-capture' })
    this.log.clear()
    this.#selected = undefined
    this.changed()
  }

  // ---- what is told to it -------------------------------------------------------------------------------------

  /** The hosts that other pages say they run. */
  setTold(told: ReadonlyMap<PeerId, readonly ToldHost[]>): void {
    this.#told = told
    this.#stations = new Stations(this.#hosts, this.#peers, told, this.#stations)
    this.changed()
  }

  /**
   * A state that another page tells of its own end of a connection with this one. Word of it may come before the
   * frame with which it came is logged here: that frame is looked for again with each update.
   */
  hearState({ frame: print, ...told }: ToldState, by: string): void {
    const record = { kind: 'state', time: this.#now, host: by, ...told, frame: undefined } as const
    const state = this.log.addState(record, by)
    if (print !== undefined) this.#unplaced.push({ state, print })
    if (this.#unplaced.length > MOST_UNPLACED) this.#unplaced.shift()
    this.#place()
    this.changed()
  }

  #place(): void {
    for (const unplaced of [...this.#unplaced]) {
      const { state, print } = unplaced
      const flow = this.log.flows.between(
        { address: state.localAddress, port: state.localPort },
        { address: state.remoteAddress, port: state.remotePort },
      )
      const frame = flow?.frames.slice(-LATELY).findLast(each => this.#printOf(each) === print)
      if (frame === undefined) continue
      state.frame = frame.no
      this.#unplaced.splice(this.#unplaced.indexOf(unplaced), 1)
    }
  }

  #printOf(frame: LoggedFrame): string {
    const known = this.#prints.get(frame) ?? fingerprint(frame.bytes)
    this.#prints.set(frame, known)
    return known
  }

  changed(): void {
    clearTimeout(this.#pending)
    this.#pending = undefined
    for (const listener of this.#listeners) listener()
  }

  #take(update: Update): void {
    this.#hosts = inOrder(update.hosts, this.identities)
    this.#peers = update.peers
    this.#now = update.now
    this.#remember(update.now)
    this.#stations = new Stations(this.#hosts, this.#peers, this.#told, this.#stations)
    this.log.leftOut += update.leftOut
    this.#notices.push(...this.log.append(update.log))
    if (this.#notices.length > MOST_NOTICES) this.#notices.splice(0, this.#notices.length - MOST_NOTICES)
    this.#place()
    this.#greet()
    if (update.log.length < FLOOD) this.changed()
    else this.#pending ??= setTimeout(() => this.changed(), FLOOD_REDRAW_MS)
  }

  #remember(now: number): void {
    for (const { name, memory } of this.#hosts) {
      const history = this.#histories.get(name) ?? new MemoryHistory()
      this.#histories.set(name, history)
      history.take(now, memory)
    }
  }

  /** Something happened that nobody asked for: it stands among the messages. What befell the page stands above all, too. */
  remark(text: string, about: 'error' | 'page' = 'error'): void {
    const host = this.identities.own.name
    this.#notices.push({ kind: 'notice', time: this.#now, host, about, connection: undefined, text })
    this.changed()
  }

  /** The worker has ended, and another begun: the same hosts start in it, and what was said and seen stays. */
  #beginAgain(why: string): void {
    const hosts = this.#hosts
    if (hosts.length === 0) return void this.start()
    this.#ended.take(hosts, why)
    for (const host of hosts) this.#closeAll(host)
    this.#hosts = []
    this.remark(`${why} Its hosts start again; their connections are over.`, 'page')
    void this.#addHosts(hosts.map(specOf))
  }

  /** A host that is gone has no connection. */
  #closeAll({ name, connections }: HostSnapshot): void {
    for (const connection of connections)
      if (connection.state !== 'LISTEN') {
        const { localAddress, localPort, remoteAddress, remotePort } = connection
        const ends = { localAddress, localPort, remoteAddress, remotePort }
        const closed = {
          kind: 'state',
          time: this.#now,
          host: name,
          state: 'CLOSED',
          frame: undefined,
        } as const
        this.log.addState({ ...closed, ...ends }, undefined)
      }
  }

  /** Once both hosts have an address, the first opens a connection to the second: something real to look at. */
  #greet(): void {
    if (this.#greeted) return
    const neighbour = this.#hosts.find(({ name }) => name === this.identities.neighbour.name)
    if (!this.own?.address || !neighbour?.address) return
    this.#greeted = true
    this.#connect(this.own.name, neighbour.address).catch((error: Error) => this.remark(error.message))
  }
}

const firstSpec = ({ name, mac }: Identity): HostSpec => ({
  name,
  mac,
  profile: FIRST_PROFILE,
  memory: FIRST_BUDGET,
})

const specOf = ({ name, mac, profile, ipv6, memory: { size } }: HostSnapshot): HostSpec => ({
  name,
  mac,
  profile,
  ipv6,
  memory: size,
})

/** The same at both ends. */
const portsOf = ({ localPort, remotePort }: Conversation): string =>
  [localPort, remotePort].sort((a, b) => a - b).join(' ')

/** The page's own host first. */
const inOrder = (hosts: readonly HostSnapshot[], { own }: Identities): readonly HostSnapshot[] =>
  hosts.toSorted((a, b) => Number(b.name === own.name) - Number(a.name === own.name))
