/**
 * Membership: who is in the room, and one connection to each of them.
 *
 * Every page is connected with every other. What this page hears over signalling, and what becomes of its connections,
 * moves each member between three states: connecting, connected, lost. message.ts shows who says what.
 *
 * All who have the key can say anything in anybody's name. So a connection that stands is not ended by what is said of
 * it, but asked: a page that is there answers, and one that is not is lost two seconds later.
 */
import { encodeControl, MAX_CONTROL, parseControl } from './control.ts'
import { Liveness } from './liveness.ts'
import type { Message, Say, Signal } from './message.ts'
import type { Negotiate, Negotiation, NegotiationEvents } from './negotiation.ts'
import { Rate } from './rate.ts'
import type { Refusal } from './refused.ts'
import type { Member, PeerId } from './room.ts'

/** Pages in a room, this one among them. A full mesh of more breaks down in the browser. */
export const MAX_MEMBERS = 32
/** Hellos answered in a second: recorded ones may be sent again by anyone who carries them. */
export const WELCOMES_A_SECOND = MAX_MEMBERS
/** Milliseconds until a connection that does not come about is given up. */
export const CONNECT_WITHIN = 15_000
/** Milliseconds until a lost member is forgotten. */
export const LOST_SHOWN = 30_000
/** Milliseconds in which somebody may still welcome a page that was told that the room is full. */
export const FULL_AFTER = 1_000
/** Milliseconds between two offers of one page: each makes a new connection. */
export const OFFERS_APART = 500
/** Candidates and descriptions for one connection; a page with many networks has some dozens. */
export const SIGNALS_AT_MOST = 256
/** Control messages of one peer in a second: pings, and what the pages tell each other twenty times a second. */
export const CONTROL_A_SECOND = 256
/** Told before the channel was there: the two arrive in any order. */
export const EARLY_AT_MOST = 16
/** Milliseconds before each try to reach a member again that was lost without a word. */
export const TRY_AGAIN_AFTER: readonly number[] = [1_000, 4_000, 16_000]

export interface MembershipOptions {
  readonly me: PeerId
  readonly name: string
  readonly iceServers: readonly RTCIceServer[]
  readonly negotiate: Negotiate
  /** To one session, or to all. */
  readonly send: (say: Say, to?: PeerId) => void
  readonly refuse: (reason: Refusal) => void
  readonly events: MembershipEvents
}

export interface MembershipEvents {
  onChannel(peer: PeerId, name: string, channel: RTCDataChannel): void
  onLost(peer: PeerId): void
  onTold(peer: PeerId, message: unknown): void
  onChange(): void
  /** The room holds as many as it may. */
  onFull(): void
}

/** A member and what belongs to its state. */
interface Known {
  readonly id: PeerId
  name: string
  state: Member['state']
  /** Which connection, counted by the page that offers. */
  attempt: number
  negotiation: Negotiation | undefined
  liveness: Liveness | undefined
  /** The one timer of its state: giving up, trying again, forgetting. */
  timer: ReturnType<typeof setTimeout> | undefined
  tries: number
  /** How it is gone, if that is true: it said that it left, or the broker that it was cut off. */
  gone: 'left' | 'cut' | undefined
  /** What it told before it had a channel. */
  early: unknown[]
  offeredAt: number
  signals: number
  readonly control: Rate
}

export class Membership {
  readonly #options: MembershipOptions
  readonly #known = new Map<PeerId, Known>()
  /** Connections that this page offered. */
  #offered = 0
  readonly #welcomes = new Rate(WELCOMES_A_SECOND)
  #fullTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  /** In the order in which they came. */
  get members(): readonly Member[] {
    return [...this.#known.values()].map(({ id, name, state }) => ({ id, name, state }))
  }

  /** Signalling is there (again): tell all. */
  greet(): void {
    this.#options.send({ say: 'hello', name: this.#options.name })
  }

  /** A message that opened, was not heard before, is not our own, and is for all or for us. */
  hear(message: Message): void {
    switch (message.say) {
      case 'hello':
        return this.#heardHello(message.from)
      case 'welcome':
        return this.#heardWelcome(message.from, message.name)
      case 'ready':
        return this.#heardReady(message.from, message.name)
      case 'signal':
        return this.#heardSignal(message.from, message.attempt, message.signal)
      case 'full':
        return this.#heardFull()
      case 'gone':
        return this.#heardGone(message.from, message.how)
    }
  }

  /** False: there is no open control channel to this peer, or the message is too long for it. */
  tell(peer: PeerId, message: unknown): boolean {
    const text = encodeControl({ told: message })
    return text.length <= MAX_CONTROL && (this.#known.get(peer)?.negotiation?.send(text) ?? false)
  }

  /** Ends every connection. */
  leave(): void {
    clearTimeout(this.#fullTimer)
    for (const member of this.#known.values()) this.#release(member)
    this.#known.clear()
  }

  // ---- what the others say --------------------------------------------------------------------------------------

  #heardHello(from: PeerId): void {
    const state = this.#known.get(from)?.state.kind
    if (state === 'connecting' || state === 'connected') return // its signalling was interrupted, no more
    if (!this.#welcomes.allows()) return this.#options.refuse('too-many')
    if (this.#isFull()) this.#options.send({ say: 'full' }, from)
    else this.#options.send({ say: 'welcome', name: this.#options.name }, from)
  }

  /** One page's view; another may have room. */
  #heardFull(): void {
    this.#fullTimer ??= setTimeout(() => {
      this.#fullTimer = undefined
      if (this.#live().length === 0) this.#options.events.onFull()
    }, FULL_AFTER)
  }

  #heardWelcome(from: PeerId, name: string): void {
    const known = this.#known.get(from)
    if (known?.state.kind === 'connecting') return
    // It welcomes a page that it is not connected with: so the connection that we hold should be lost.
    if (known?.state.kind === 'connected') return known.liveness?.suspect()
    const member = this.#engage(from, name)
    if (member === undefined) return
    this.#options.send({ say: 'ready', name: this.#options.name }, from)
    this.#offerIfOurs(member)
  }

  #heardReady(from: PeerId, name: string): void {
    const state = this.#known.get(from)?.state.kind
    if (state === 'connecting' || state === 'connected') return
    const member = this.#engage(from, name)
    if (member !== undefined) this.#offerIfOurs(member)
  }

  #heardSignal(from: PeerId, attempt: number, signal: Signal): void {
    const member = this.#known.get(from)
    if (member === undefined || member.state.kind === 'lost') return this.#options.refuse('unexpected')
    if (signal.type === 'offer' && !this.#heardOffer(member, attempt)) return
    // Candidates of a connection that was given up may still be on their way.
    if (attempt !== member.attempt) return
    if (++member.signals > SIGNALS_AT_MOST) return this.#options.refuse('too-many')
    if (signal.type !== 'candidate') this.#step(member, 'ICE')
    member.negotiation?.signal(signal)
  }

  /** True: it is taken, and a new connection begun. */
  #heardOffer(member: Known, attempt: number): boolean {
    const expected =
      !this.#offers(member.id) && attempt > member.attempt && member.state.kind === 'connecting'
    const early = performance.now() - member.offeredAt < OFFERS_APART
    if (!expected || early) {
      this.#options.refuse(expected ? 'too-many' : 'unexpected')
      member.liveness?.suspect()
      return false
    }
    member.offeredAt = performance.now()
    this.#negotiate(member, attempt, false)
    return true
  }

  #heardGone(from: PeerId, how: 'left' | 'cut'): void {
    const member = this.#known.get(from)
    if (member === undefined) return
    member.gone = how
    if (member.liveness !== undefined) member.liveness.suspect()
    else this.#end(member, '')
  }

  // ---- connections ----------------------------------------------------------------------------------------------

  /** The page with the smaller session id offers. */
  #offers(to: PeerId): boolean {
    return this.#options.me < to
  }

  /** Begins to connect with a page that proved to be fresh. Undefined: the room is full. */
  #engage(id: PeerId, name: string): Known | undefined {
    if (this.#isFull()) {
      this.#options.refuse('too-many')
      this.#options.send({ say: 'full' }, id)
      return undefined
    }
    const before = this.#known.get(id)
    if (before !== undefined) this.#release(before)
    const member: Known = {
      id,
      name,
      state: { kind: 'connecting', step: 'signalling' },
      attempt: before?.attempt ?? 0,
      negotiation: undefined,
      liveness: undefined,
      timer: undefined,
      tries: before?.tries ?? 0,
      gone: undefined,
      early: [],
      offeredAt: before?.offeredAt ?? Number.NEGATIVE_INFINITY,
      signals: 0,
      control: before?.control ?? new Rate(CONTROL_A_SECOND),
    }
    member.timer = setTimeout(() => this.#lose(member, noConnection(name)), CONNECT_WITHIN)
    this.#known.set(id, member)
    this.#options.events.onChange()
    return member
  }

  #offerIfOurs(member: Known): void {
    if (this.#offers(member.id)) this.#negotiate(member, ++this.#offered, true)
  }

  /** A new connection, in the place of one that did not come about. */
  #negotiate(member: Known, attempt: number, initiator: boolean): void {
    const { negotiate, iceServers } = this.#options
    member.negotiation?.close()
    member.attempt = attempt
    member.signals = 0
    try {
      member.negotiation = negotiate(initiator, iceServers, this.#negotiationEvents(member, attempt))
    } catch (error) {
      // The browser refuses an ICE server, or has no WebRTC.
      const why = error instanceof Error ? error.message : String(error)
      this.#lose(member, `No connection to ${member.name} can be made: ${why}`, { forGood: true })
    }
  }

  #negotiationEvents(member: Known, attempt: number): NegotiationEvents {
    return {
      onSignal: signal => this.#options.send({ say: 'signal', attempt, signal }, member.id),
      onWay: () => this.#step(member, 'channel'),
      onConnect: frames => this.#connected(member, frames),
      onControl: text => this.#heardControl(member, text),
      onDoubt: () => member.liveness?.suspect(),
      onEnd: why => this.#end(member, `The connection to ${member.name} is lost: ${why}.`),
    }
  }

  #heardControl(member: Known, text: string): void {
    if (!member.control.allows()) return this.#options.refuse('too-many')
    const control = parseControl(text)
    if (control === undefined) this.#options.refuse('control')
    else if ('ping' in control) member.negotiation?.send(encodeControl({ pong: control.ping }))
    else if ('pong' in control) member.liveness?.pong(control.pong)
    else if (member.state.kind === 'connected') this.#options.events.onTold(member.id, control.told)
    else if (member.early.length < EARLY_AT_MOST) member.early.push(control.told)
    else this.#options.refuse('too-many')
  }

  #connected(member: Known, frames: RTCDataChannel): void {
    clearTimeout(member.timer)
    member.tries = 0
    member.state = { kind: 'connected', path: undefined, rttMs: undefined }
    this.#forgetLost(member.name)
    // First of all: the channel is transferable in this task only.
    this.#options.events.onChannel(member.id, member.name, frames)
    member.liveness = new Liveness({
      ping: sequence => member.negotiation?.send(encodeControl({ ping: sequence })),
      onRtt: rttMs => this.#measured(member, { rttMs }),
      onSilence: () => this.#end(member, `${member.name} no longer answers.`),
    })
    this.#options.events.onChange()
    for (const told of member.early.splice(0)) this.#options.events.onTold(member.id, told)
    member.negotiation?.path().then(
      path => this.#measured(member, { path }),
      () => {}, // it ended before it could be asked
    )
  }

  #measured(member: Known, measured: { rttMs: number } | { path: 'direct' | 'relayed' | undefined }): void {
    if (member.state.kind !== 'connected') return
    // An answer proves that it is there.
    if ('rttMs' in measured) member.gone = undefined
    member.state = { ...member.state, ...measured }
    this.#options.events.onChange()
  }

  #step(member: Known, step: 'ICE' | 'channel'): void {
    if (member.state.kind !== 'connecting' || member.state.step === step) return
    member.state = { kind: 'connecting', step }
    this.#options.events.onChange()
  }

  /** Its connection is over: what was said of it explains that, or `otherwise`. */
  #end(member: Known, otherwise: string): void {
    if (member.gone === undefined) return this.#lose(member, otherwise)
    const how = member.gone === 'left' ? 'left the room' : 'is gone: its page was closed or lost its network'
    this.#lose(member, `${member.name} ${how}.`, { forGood: true })
    // Its page may have come back before the end of the old connection was seen.
    if (this.#live().some(({ name, state }) => name === member.name && state.kind === 'connected'))
      this.#forget(member)
  }

  /** `forGood`: it is known to be gone, and not sought. */
  #lose(member: Known, why: string, { forGood = false } = {}): void {
    const was = member.state.kind
    // The end of a connection may outrun the word that explains it.
    if (was === 'lost' && (!forGood || member.tries > TRY_AGAIN_AFTER.length)) return
    this.#release(member)
    member.state = { kind: 'lost', why }
    if (forGood) member.tries = TRY_AGAIN_AFTER.length
    this.#seekAfter(member, 0.75 + Math.random() / 2) // both sides may seek, but not at once
    if (was === 'connected') this.#options.events.onLost(member.id)
    this.#options.events.onChange()
    this.#forgetTooMany()
  }

  /** Seeks a lost member after its next pause; when there was the last, it is shown for a while and forgotten. */
  #seekAfter(member: Known, stretch: number): void {
    const pause = TRY_AGAIN_AFTER[member.tries++]
    member.timer =
      pause === undefined
        ? setTimeout(() => this.#forget(member), LOST_SHOWN)
        : setTimeout(() => this.#seek(member), pause * stretch)
  }

  #seek(member: Known): void {
    this.#options.send({ say: 'welcome', name: this.#options.name }, member.id)
    this.#seekAfter(member, 1)
  }

  #release(member: Known): void {
    clearTimeout(member.timer)
    member.liveness?.stop()
    member.negotiation?.close()
    member.liveness = undefined
    member.negotiation = undefined
  }

  #forget(member: Known): void {
    this.#release(member)
    this.#known.delete(member.id)
    this.#options.events.onChange()
  }

  /** A page that reloads comes back as another session: what it was before is of no interest any more. */
  #forgetLost(name: string): void {
    for (const member of this.#known.values())
      if (member.name === name && member.state.kind === 'lost') this.#forget(member)
  }

  /** Of those that are lost as many are shown as a room holds, the latest. */
  #forgetTooMany(): void {
    const lost = [...this.#known.values()].filter(({ state }) => state.kind === 'lost')
    for (const member of lost.slice(0, -MAX_MEMBERS)) this.#forget(member)
  }

  #live(): readonly Known[] {
    return [...this.#known.values()].filter(({ state }) => state.kind !== 'lost')
  }

  #isFull(): boolean {
    return this.#live().length >= MAX_MEMBERS - 1
  }
}

const noConnection = (name: string): string =>
  `No connection to ${name} came about within ${CONNECT_WITHIN / 1_000} s: the two networks may need an ICE server between them.`
