/**
 * A room: how the pages that share an invitation find and trust each other.
 *
 * An invitation is a link whose fragment carries the room's name and a key; the fragment reaches no server. All that
 * is said over signalling is sealed with that key, so nobody without it becomes a peer. What a room yields is one
 * open frame channel and one control channel a peer; it knows nothing of frames or hosts.
 *
 *   invitation ─▶ sealing ─▶ signalling (MQTT) ─▶ membership ─▶ negotiation (WebRTC) ─▶ onChannel
 */
import { brokerUrl, type RoomConfig } from './config.ts'
import type { Invitation } from './invitation.ts'
import { MAX_MEMBERS, Membership } from './membership.ts'
import { encodeMessage, isMemberName, parseMessage, type Say } from './message.ts'
import { type Negotiate, negotiate } from './negotiation.ts'
import { type Refused, RefusedCounters } from './refused.ts'
import { ReplayGuard } from './replay.ts'
import { createSealing, hex, type Sealing } from './sealing.ts'
import { type Letter, type OpenSocket, Signalling } from './signalling.ts'
import { sessionTopic } from './topic.ts'

/** 32 hex digits, fresh each time a page joins. */
export type PeerId = string

/** What the page knows of another page in the room. */
export interface Member {
  readonly id: PeerId
  /** The name its host goes by. Two members may have the same. */
  readonly name: string
  readonly state:
    | { readonly kind: 'connecting'; readonly step: 'signalling' | 'ICE' | 'channel' }
    /** Undefined until it has been measured. */
    | {
        readonly kind: 'connected'
        readonly path: 'direct' | 'relayed' | undefined
        readonly rttMs: number | undefined
      }
    /** `why`: one sentence. */
    | { readonly kind: 'lost'; readonly why: string }
}

export type RoomState =
  | { readonly kind: 'joining' }
  | { readonly kind: 'joined' }
  /** Signalling is gone; peers that are connected stay. `why`: one sentence; it tries again by itself. */
  | { readonly kind: 'offline'; readonly why: string }
  /** The room takes nobody more, and this page is out of it. `why`: one sentence. */
  | { readonly kind: 'full'; readonly why: string }
  | { readonly kind: 'left' }

export interface RoomEvents {
  /** A peer is connected. Called in the task that creates the channel, so that it may be transferred to a worker at once. */
  onChannel(peer: PeerId, name: string, channel: RTCDataChannel): void
  /** A peer that had a channel is lost, and its channel with it; `members` says why. It may come back with a new one. */
  onLost(peer: PeerId): void
  /** A message on the peer's control channel: JSON that the other page sent with `tell`. */
  onTold(peer: PeerId, message: unknown): void
  /** Membership, state or a measurement changed; read `members` and `state`. */
  onChange(): void
}

export interface JoinOptions {
  readonly invitation: Invitation
  /** A DNS label: letters, digits and hyphens, at most 63. */
  readonly name: string
  readonly config: RoomConfig
  readonly events: RoomEvents
  /** What connects two pages; WebRTC unless a test says otherwise. */
  readonly negotiate?: Negotiate
  /** Where there is no global WebSocket. */
  readonly openSocket?: OpenSocket
}

/** Joins at once and stays joined until `leave`. Throws a RangeError when `name` is no DNS label. */
export const joinRoom = (options: JoinOptions): Room => new Room(options)

export class Room {
  /** This page's own session. */
  readonly id: PeerId = hex(crypto.getRandomValues(new Uint8Array(16)))
  readonly #events: RoomEvents
  readonly #sealing: Sealing
  readonly #signalling: Signalling
  readonly #membership: Membership
  readonly #replays = new ReplayGuard()
  readonly #refused = new RefusedCounters()
  /** What this session said last, on each topic. */
  #sequence = 0
  #state: RoomState = { kind: 'joining' }

  constructor({ invitation, name, config, events, negotiate: connect = negotiate, openSocket }: JoinOptions) {
    if (!isMemberName(name))
      throw new RangeError(`‘${name}’ is no name: it takes letters, digits and hyphens, at most 63.`)
    this.#events = events
    this.#sealing = createSealing(invitation)
    this.#membership = new Membership({
      me: this.id,
      name,
      iceServers: config.iceServers,
      negotiate: connect,
      send: (say, to) => this.#send(say, to),
      refuse: reason => this.#refused.count(reason),
      events: {
        onChannel: (peer, peerName, channel) => events.onChannel(peer, peerName, channel),
        onLost: peer => events.onLost(peer),
        onTold: (peer, message) => events.onTold(peer, message),
        onChange: () => events.onChange(),
        onFull: () => this.#end({ kind: 'full', why: FULL }),
      },
    })
    this.#signalling = new Signalling({
      url: brokerUrl(invitation.broker, config),
      clientId: this.id,
      topics: [this.#sealing.topic, sessionTopic(this.#sealing.topic, this.id)],
      will: () => this.#letter({ say: 'gone', how: 'cut' }),
      openSocket,
      events: {
        onOnline: () => {
          this.#become({ kind: 'joined' })
          this.#membership.greet()
        },
        onOffline: why => this.#become({ kind: 'offline', why }),
        onLetter: letter => this.#receive(letter),
      },
    })
  }

  get state(): RoomState {
    return this.#state
  }

  /** The others, in the order in which they came; the lost ones stay for half a minute. */
  get members(): readonly Member[] {
    return this.#membership.members
  }

  /** What was refused since this page joined, by reason. */
  get refused(): Refused {
    return this.#refused.counts
  }

  /** Sends JSON to a peer, reliably and in order; false when it is not connected or the message is longer than 64 kB. */
  tell(peer: PeerId, message: unknown): boolean {
    return this.#membership.tell(peer, message)
  }

  /** Says goodbye and ends every connection, within the call: a page that closes may call it. */
  leave(): void {
    this.#end({ kind: 'left' })
  }

  #end(state: RoomState): void {
    if (this.#isOver()) return
    this.#signalling.leave(this.#letter({ say: 'gone', how: 'left' }))
    this.#membership.leave()
    this.#state = state
    this.#events.onChange()
  }

  #isOver(): boolean {
    return this.#state.kind === 'left' || this.#state.kind === 'full'
  }

  #become(state: RoomState): void {
    this.#state = state
    this.#events.onChange()
  }

  #send(say: Say, to?: PeerId): void {
    this.#signalling.publish(this.#letter(say, to))
  }

  #letter(say: Say, to?: PeerId): Letter {
    const topic = to === undefined ? this.#sealing.topic : sessionTopic(this.#sealing.topic, to)
    const sequence = say.say === 'gone' ? 0 : ++this.#sequence
    const message = { ...say, from: this.id, sequence, ...(to === undefined ? {} : { to }) }
    return { topic, payload: this.#sealing.seal(topic, encodeMessage(message)) }
  }

  /** Whatever the broker brings. Never throws. */
  #receive({ topic, payload }: Letter): void {
    if (this.#isOver()) return
    const opened = this.#sealing.open(topic, payload)
    if (!opened.ok) return this.#refused.count(opened.reason)
    const message = parseMessage(opened.text)
    if (message === undefined) return this.#refused.count('ill-formed')
    if (message.from === this.id) return // MQTT brings our own words too
    if (message.to !== undefined && message.to !== this.id) return this.#refused.count('misdirected')
    if (!this.#replays.isNew(message)) return this.#refused.count('replayed')
    this.#membership.hear(message)
  }
}

const FULL = `This room has its ${MAX_MEMBERS} members and takes nobody more: open it again when somebody has left.`
