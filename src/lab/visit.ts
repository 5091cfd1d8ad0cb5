/**
 * This page's visit to a room: how it gets there, whom it meets, and what the pages tell each other.
 *
 * A frame channel goes to the worker in the very task that opens it. Over the control channel each page tells which
 * hosts it runs and how their connections to the other page change, so that both lifelines of a ladder have states.
 */
import { loadRoomConfig } from '../room/config.ts'
import { type Invitation, invitationLink, newInvitation, parseInvitation } from '../room/invitation.ts'
import { canNegotiate } from '../room/negotiation.ts'
import { joinRoom, type Member, type PeerId, type Room, type RoomState } from '../room/room.ts'
import type { Lab } from './lab.ts'
import type { SegmentLink } from './segment-link.ts'
import type { ToldHost } from './stations.ts'
import { MOST_STATES, ToldBook, type ToldState, tellState } from './told.ts'

const NO_WEBRTC =
  'This browser denies the page WebRTC, so no frame can reach another page: allow it, or open the link in another browser. The hosts of this page work on among themselves.'

/** The address bar, as far as a visit needs it. */
export interface AddressBar {
  read(): string
  /** Shows another link without leaving the page, so that a reload comes back to the room. */
  show(link: string): void
}

export class Visit {
  readonly #lab: Lab
  readonly #link: SegmentLink
  readonly #bar: AddressBar
  readonly #book = new ToldBook()
  #room: Room | undefined
  #invitation: Invitation | undefined
  #problem: string | undefined
  #lastHosts = ''
  #heardStates = 0
  /** What each connection of this page's was last said to be, by its four numbers. */
  readonly #states = new Map<string, ToldState>()
  readonly #greeted = new Set<PeerId>()

  constructor(lab: Lab, link: SegmentLink, bar: AddressBar) {
    this.#lab = lab
    this.#link = link
    this.#bar = bar
    lab.onChange(() => this.#tellNews())
    link.onRestart(() => this.#rejoin())
  }

  get state(): RoomState | { readonly kind: 'alone' } {
    return this.#room?.state ?? { kind: 'alone' }
  }

  get roomName(): string | undefined {
    return this.#invitation?.room
  }

  get members(): readonly Member[] {
    return this.#room?.members ?? []
  }

  /** The link that invites to this room; undefined while the page is alone. */
  get link(): string | undefined {
    return this.#invitation && invitationLink(this.#invitation, this.#bar.read())
  }

  /** Why the page is alone although it was meant not to be: one sentence. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Messages from other pages that were rubbish. */
  get refused(): number {
    return this.#book.refused
  }

  /** Joins the room that the address bar invites to, if it does. */
  async open(): Promise<void> {
    const parsed = parseInvitation(this.#bar.read())
    if (parsed.kind === 'wrong') this.#complain(`${parsed.why} The page works on alone.`)
    if (parsed.kind === 'invitation') await this.#join(parsed.invitation)
  }

  /** The link to the room, which is made if there is none. */
  async invite(): Promise<string> {
    const invitation = this.#invitation ?? newInvitation()
    if (this.#room === undefined) await this.#join(invitation)
    if (this.#room === undefined) throw new Error(this.#problem)
    return invitationLink(invitation, this.#bar.read())
  }

  leave(): void {
    this.#room?.leave()
  }

  async #join(invitation: Invitation): Promise<void> {
    if (!canNegotiate()) return this.#complain(NO_WEBRTC)
    this.#invitation = invitation
    const parsed = await loadRoomConfig()
    if (parsed.kind === 'wrong') return this.#complain(parsed.why)
    if (this.#room !== undefined) return
    this.#problem = undefined
    this.#room = joinRoom({
      invitation,
      name: this.#lab.identities.own.name,
      config: parsed.config,
      events: {
        onChannel: (peer, name, channel) => this.#connect(peer, name, channel),
        onLost: peer => this.#lose(peer),
        onTold: (peer, message) => this.#hear(peer, message),
        onChange: () => this.#greetMembers(),
      },
    })
    this.#bar.show(invitationLink(invitation, this.#bar.read()))
    this.#lab.changed()
  }

  /** The channels to all members ended with the worker that held them: the others hear it, and new ones are made. */
  #rejoin(): void {
    if (this.#room === undefined || this.#invitation === undefined) return
    this.#room.leave()
    this.#room = undefined
    for (const id of this.#greeted) this.#book.forget(id)
    this.#greeted.clear()
    this.#states.clear()
    this.#lab.setTold(this.#book.hosts)
    void this.#join(this.#invitation)
  }

  #complain(why: string): void {
    this.#problem = why
    this.#lab.changed()
  }

  /** A channel can move to the worker only in the task that made it, so it is handed on before anything else. */
  #connect(peer: PeerId, name: string, channel: RTCDataChannel): void {
    this.#link.addPeer(peer, name, channel).catch((error: Error) => this.#complain(error.message))
  }

  #lose(peer: PeerId): void {
    this.#book.forget(peer)
    this.#greeted.delete(peer)
    this.#lab.setTold(this.#book.hosts)
    // The worker may have seen the channel close before: then there is nothing left to remove.
    this.#link.request({ kind: 'remove-peer', peer }).catch(() => undefined)
  }

  #hear(peer: PeerId, message: unknown): void {
    const states = this.#book.take(peer, message)
    const by = this.members.find(({ id }) => id === peer)?.name ?? peer.slice(0, 8)
    for (const state of states) this.#lab.hearState(state, by)
    this.#lab.setTold(this.#book.hosts)
  }

  /** Whoever is newly connected hears everything that still holds. */
  #greetMembers(): void {
    for (const { id, state } of this.members) {
      if (state.kind !== 'connected' || this.#greeted.has(id)) continue
      const told = this.#room?.tell(id, { kind: 'hosts', hosts: this.#hosts() })
      if (told) this.#greeted.add(id)
      const states = [...this.#states.values()].slice(-MOST_STATES)
      if (told && states.length > 0) this.#room?.tell(id, { kind: 'states', states })
    }
    this.#lab.changed()
  }

  #hosts(): ToldHost[] {
    return this.#lab.hosts.map(({ name, address, mac }) => ({ name, address, mac }))
  }

  #tellNews(): void {
    const states = this.#newStates()
    const hosts = this.#hosts()
    const text = JSON.stringify(hosts)
    if (text !== this.#lastHosts) this.#tellAll({ kind: 'hosts', hosts })
    this.#lastHosts = text
    for (let i = 0; i < states.length; i += MOST_STATES)
      this.#tellAll({ kind: 'states', states: states.slice(i, i + MOST_STATES) })
  }

  /** State changes of connections that lead off this page, since the last look. */
  #newStates(): ToldState[] {
    const here = new Set(this.#lab.hosts.map(({ address }) => address))
    const fresh: ToldState[] = []
    for (const record of this.#lab.log.statesAfter(this.#heardStates)) {
      this.#heardStates = record.order
      if (record.toldBy !== undefined || record.remotePort === 0 || here.has(record.remoteAddress)) continue
      const frame = record.frame === undefined ? undefined : this.#lab.log.byNo(record.frame)
      const told = tellState(record, frame)
      fresh.push(told)
      this.#remember(told)
    }
    return fresh
  }

  #remember(told: ToldState): void {
    const key = `${told.localAddress}:${told.localPort} ${told.remoteAddress}:${told.remotePort}`
    if (told.state === 'CLOSED') this.#states.delete(key)
    else this.#states.set(key, told)
  }

  #tellAll(message: unknown): void {
    for (const id of this.#greeted) this.#room?.tell(id, message)
  }
}
