import { css, html, nothing } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import type { Visit } from '../lab/visit.ts'
import type { Member } from '../room/room.ts'
import { count } from '../stack/wire/readable.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'

/** Who is in the room, and how the way to each stands. */
@customElement('lanlet-people-list')
export class PeopleList extends LabElement {
  @property({ attribute: false }) visit!: Visit

  static override styles = [
    shapes,
    css`
      li { display: grid; grid-template-columns: 10px 1fr auto; gap: 0 var(--s2); align-items: center; padding: 6px 0; border-top: 1px solid var(--line); }
      .dot { width: 8px; height: 8px; border-radius: 50%; background: var(--near); }
      .dot.connecting { background: transparent; border: 2px solid var(--again); }
      .dot.lost { background: var(--bad); border-radius: 0; }
      .why { grid-column: 2 / -1; font-size: var(--tiny); }
    `,
  ]

  override render() {
    const { members, state } = this.visit
    if (state.kind === 'alone')
      return html`<h2>People</h2><p class="mute">Only you. <b>Invite</b> gives a link: whoever opens it joins this segment.</p>`
    return html`<h2>People <span class="mute">in this room</span></h2>
      <ul data-testid="people">
        <li><i class="dot"></i><span>${this.lab.identities.own.name} <span class="mute">you</span></span></li>
        ${members.map(member => this.renderMember(member))}
      </ul>
      ${this.visit.refused ? html`<p class="mute why">${count(this.visit.refused, 'message')} refused: they were not what a page says.</p>` : nothing}`
  }

  private renderMember({ id, name, state }: Member) {
    const port = this.lab.peers.find(({ peer }) => peer === id)
    return html`<li data-testid="person" data-person=${name} data-state=${state.kind}>
      <i class="dot ${state.kind}"></i><span>${name}</span><span class="mono mute">${stateWords(state)}</span>
      ${state.kind === 'lost' ? html`<span class="why mute">${state.why}</span>` : nothing}
      ${port && (port.refused || port.queueDrops) ? html`<span class="why mute">${count(port.refused, 'frame')} refused · ${port.queueDrops} lost in the queue</span>` : nothing}
    </li>`
  }
}

function stateWords(state: Member['state']): string {
  if (state.kind === 'connecting') return `connecting: ${state.step}`
  if (state.kind !== 'connected') return 'lost'
  const path = state.path ?? 'connected'
  return state.rttMs === undefined ? path : `${path} · ${state.rttMs.toFixed(1)} ms`
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-people-list': PeopleList
  }
}
