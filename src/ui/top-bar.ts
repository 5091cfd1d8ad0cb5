import { css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import type { NoticeRecord } from '../host/protocol.ts'
import type { Visit } from '../lab/visit.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'
import { refusal } from './refusal.ts'
import './invite-link.ts'
import './theme-button.ts'

/** Who and where this page is, and the way to invite. */
@customElement('lanlet-top-bar')
export class TopBar extends LabElement {
  @property({ attribute: false }) visit!: Visit
  @state() private link: string | undefined
  @state() private refused: string | undefined
  /** The newest news that a person has put away. */
  @state() private read: NoticeRecord | undefined

  static override styles = [
    shapes,
    css`
      :host { padding: var(--s1) var(--s4); border-bottom: 1px solid var(--line); }
      .row { min-height: 36px; gap: var(--s1) var(--s3); }
      h1 { font-size: 14px; font-weight: 600; margin: 0; }
      p { padding: var(--s1) 0 var(--s2); }
      .news { display: flex; gap: var(--s3); align-items: baseline; }
    `,
  ]

  override render() {
    const { own, identities } = this.lab
    const { roomName, problem } = this.visit
    const wrong = this.lab.failure ?? this.refused ?? problem
    return html`
      <div class="row">
        <h1>lanlet</h1>
        ${roomName ? html`<span class="chip" data-testid="room">room <b>${roomName}</b></span>` : nothing}
        <span class="mono" data-testid="own">${identities.own.name} · ${own?.address ?? 'looking for an address'}</span>
        ${this.renderRoomState()}
        <span class="grow"></span>
        <button class="go" data-testid="invite" aria-expanded=${this.link !== undefined} @click=${this.invite}>Invite</button>
        <lanlet-theme-button></lanlet-theme-button>
        <button aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" @click=${() => this.dispatchEvent(new CustomEvent('shortcuts'))}>?</button>
      </div>
      ${wrong ? html`<p role="alert"><span class="wrong" data-testid="room-problem">${wrong}</span></p>` : nothing}
      ${this.renderNews()}
      ${this.link ? html`<lanlet-invite-link .link=${this.link} @done=${() => (this.link = undefined)}></lanlet-invite-link>` : nothing}`
  }

  /** What befell the page, until somebody has read it. */
  private renderNews() {
    const news = this.lab.notices.findLast(({ about }) => about === 'page')
    if (news === undefined || news === this.read) return nothing
    return html`<p class="news" role="status"><span data-testid="news">${news.text}</span>
      <button @click=${() => (this.read = news)}>Put away</button></p>`
  }

  private renderRoomState() {
    const { state, members } = this.visit
    const connected = members.filter(member => member.state.kind === 'connected').length
    const words = {
      alone: 'alone on this segment',
      joining: 'joining the room …',
      joined: connected ? `${connected} connected` : 'nobody else yet',
      offline: `signalling is gone: ${state.kind === 'offline' ? state.why : ''}`,
      full: state.kind === 'full' ? state.why : '',
      left: 'out of the room',
    }
    const bad = state.kind === 'offline' || state.kind === 'full'
    return html`<span class=${bad ? 'wrong' : 'mute'} role="status" data-testid="room-state" data-state=${state.kind}>${words[state.kind]}</span>`
  }

  /** For the shortcut too. */
  async invite(): Promise<void> {
    this.refused = undefined
    try {
      this.link = await this.visit.invite()
    } catch (error) {
      this.refused = refusal(error)
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-top-bar': TopBar
  }
}
