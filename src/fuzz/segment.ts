/**
 * Hosts on wires in virtual time, with programs on them: a listener, answers to questions, a name server. Frames go to whom
 * they are for, after a millisecond; a host that has two links is a router.
 */

import { Protocol, type Socket, type Stack, type StackConfig } from '../stack/stack.ts'
import {
  answerAll,
  type Conversation,
  QUESTION_PORT,
  STREAM_PORT,
  type Station,
  serveNames,
} from './conversations.ts'
import type { Profile } from './profile.ts'
import { environment, PROFILES } from './profile.ts'
import { takeTurns } from './watch.ts'

const DELAY = 1
/** Frames that a link takes before it is busy: what one frame may cause at once is bounded by it. */
export const LINK_TAKES = 64
const GROUP = 0xe0000007
/** More turns of the world than this at one time, and it stands still. */
const TURNS_AT_MOST = 4_000

export interface HostPlan {
  readonly profile: Profile
  readonly config: Omit<StackConfig, 'memory'>
  readonly memory: number
  /** The wire that each of its links is on. */
  readonly wires: readonly number[]
}

/** Handles of the programs that every host has; they stay good in a copy of its arena. */
export interface Programs {
  readonly listener: Socket
  readonly answers: Socket
  readonly names: Socket
}

export class Host implements Station {
  readonly plan: HostPlan
  readonly stack: Stack
  readonly address: number
  readonly address6: Uint8Array | undefined
  /** Connections of nobody's. */
  readonly strangers = new Set<Socket>()
  programs: Programs | undefined

  constructor(plan: HostPlan, memory: number | ArrayBuffer, seed: number, programs?: Programs) {
    this.plan = plan
    this.stack = PROFILES[plan.profile]({ ...plan.config, memory }, environment(seed))
    this.address = this.stack.address
    this.address6 = this.stack.ipv6?.addresses.find(({ state }) => state === 'preferred')?.address
    this.programs = programs
  }

  /** Opens what all hosts have open. */
  serve(): void {
    const { stack } = this
    const listener = stack.socket(Protocol.Tcp) as Socket
    stack.bind(listener, 0, STREAM_PORT)
    stack.listen(listener, 6)
    const answers = stack.socket(Protocol.Udp) as Socket
    stack.bind(answers, 0, QUESTION_PORT)
    stack.joinGroup(answers, GROUP)
    const names = stack.socket(Protocol.Udp) as Socket
    stack.bind(names, 0, 53)
    this.programs = { listener, answers, names }
  }
}

interface UnderWay {
  readonly at: number
  readonly wire: number
  readonly from: Host
  readonly bytes: Uint8Array
}

export class Segment {
  readonly hosts: Host[]
  now: number
  conversations: Conversation[] = []
  /** Hears every frame that a host sends. */
  heard: (bytes: Uint8Array) => void = () => {}
  readonly #underWay: UnderWay[] = []

  constructor(hosts: Host[], now: number) {
    this.hosts = hosts
    this.now = now
  }

  /** Until `until`, or until `done` says so; `wakeAt` and `act` are the saboteur's. */
  run(until: number, done: () => boolean = () => false, saboteur?: { wakeAt: number; act(): void }): void {
    let [turns, at] = [0, this.now]
    while (!done()) {
      const next = this.#next(saboteur?.wakeAt ?? Number.POSITIVE_INFINITY)
      if (next > until) break
      this.now = Math.max(this.now, next)
      if (this.now > at) [turns, at] = [0, this.now]
      if (++turns > TURNS_AT_MOST) throw new Error(`the world stands still at ${at} ms`)
      // The turns of loops are counted for each frame of the saboteur's, and bounded for all else that happens at one moment.
      takeTurns()
      this.#deliver()
      if (saboteur !== undefined && saboteur.wakeAt <= this.now) saboteur.act()
      for (const host of this.hosts)
        if (host.stack.pollAt() <= this.now) {
          host.stack.poll(this.now)
          this.attend(host)
        }
      for (const conversation of this.conversations)
        if (conversation.wakeAt <= this.now && conversation.ended === undefined) {
          conversation.step(this.now)
          for (const host of this.hosts) this.send(host)
        }
    }
    if (!done()) this.now = Math.max(this.now, until)
  }

  #next(saboteur: number): number {
    let next = Math.min(saboteur, this.#underWay[0]?.at ?? Number.POSITIVE_INFINITY)
    for (const { stack } of this.hosts) next = Math.min(next, stack.pollAt())
    for (const { wakeAt, ended } of this.conversations) if (ended === undefined) next = Math.min(next, wakeAt)
    return next
  }

  #deliver(): void {
    while ((this.#underWay[0]?.at ?? Number.POSITIVE_INFINITY) <= this.now) {
      const frame = this.#underWay.shift()
      if (frame !== undefined)
        for (const [host, link] of this.reached(frame.bytes, frame.wire))
          if (host !== frame.from) {
            host.stack.input(frame.bytes, this.now, link)
            this.attend(host)
          }
    }
  }

  /** The hosts, and their links, that a switch carries a frame on this wire to. */
  *reached(bytes: Uint8Array, wire: number): Iterable<[Host, number]> {
    const isForAll = ((bytes[0] ?? 0) & 1) !== 0
    for (const host of this.hosts) {
      const link = host.plan.wires.indexOf(wire)
      if (link >= 0 && (isForAll || bytes[5] === macOf(host.plan, link)[5] || bytes.length < 6))
        yield [host, link]
    }
  }

  /** What happened at a host is told to its programs, and what it has to send is sent. */
  attend(host: Host): void {
    const { stack } = host
    stack.events(socket => this.#happened.push(socket))
    for (const socket of this.#happened.splice(0)) this.#tell(host, socket)
    this.send(host)
  }
  readonly #happened: Socket[] = []

  #tell(host: Host, socket: Socket): void {
    const { stack, programs } = host
    if (socket === programs?.listener) this.#accept(host)
    else if (socket === programs?.answers) answerAll(stack, socket)
    else if (socket === programs?.names) serveNames(stack, socket)
    else if (host.strangers.has(socket)) dismiss(host, socket)
    else this.conversations.find(each => each.owns(host, socket))?.step(this.now)
  }

  #accept({ stack, programs, strangers }: Host): void {
    const host = this.hosts.find(each => each.stack === stack)
    for (;;) {
      const made = programs === undefined ? -1 : stack.accept(programs.listener)
      if (made < 0 || host === undefined) return
      const socket = made as Socket
      const address6 = new Uint8Array(16)
      const from = { address: 0, address6, port: 0 }
      stack.name(socket, 'remote', from)
      const address = from.address === 0 ? address6 : from.address
      const whose = this.conversations.find(each => each.adopts(host, socket, address, from.port))
      if (whose === undefined) strangers.add(socket)
      whose?.step(this.now)
      if (whose === undefined) dismiss(host, socket)
    }
  }

  /** What the host has to send. */
  send(host: Host): void {
    while (this.sendSome(host)) takeTurns()
  }

  /** As much of it as the link takes at once; whether there may be more. */
  sendSome(host: Host): boolean {
    let left = LINK_TAKES
    host.stack.output((bytes, link) => {
      if (left === 0) return false
      left--
      const copy = bytes.slice()
      this.heard(copy)
      const wire = host.plan.wires[link] ?? 0
      this.#underWay.push({ at: this.now + DELAY, wire, from: host, bytes: copy })
      return true
    })
    return left === 0
  }
}

const macOf = ({ config }: HostPlan, link: number): Uint8Array =>
  (link === 0 ? config.mac : config.links?.[link - 1]?.mac) ?? config.mac

/** Whoever came without being asked is heard to his end. */
function dismiss({ stack, strangers }: Host, socket: Socket): void {
  const into = new Uint8Array(2_000)
  for (let i = 0; i < 100; i++) {
    const n = stack.recv(socket, into)
    if (n > 0) continue
    if (n === -11) return
    strangers.delete(socket)
    stack.close(socket)
    return
  }
}
