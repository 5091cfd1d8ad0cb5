import { css, html, nothing } from 'lit'
import { customElement } from 'lit/decorators.js'
import { LabElement } from './lab-element.ts'
import { seconds } from './ladder-drawing.ts'
import { shapes } from './look.ts'

/** What the hosts had to say, newest last. */
@customElement('lanlet-message-list')
export class MessageList extends LabElement {
  static override styles = [
    shapes,
    css`
      :host { overflow: auto; padding: var(--s2) var(--s4); }
      li { display: grid; grid-template-columns: 84px 90px 90px 1fr; gap: var(--s2); padding: 1px 0; overflow-wrap: anywhere; }
      @media (max-width: 720px) { li { grid-template-columns: auto auto 1fr; } li > :last-child { grid-column: 1 / -1; } }
    `,
  ]

  override render() {
    const { notices } = this.lab
    return html`<div role="log" aria-label="Messages"><ol class="mono" data-testid="messages">
      ${notices.map(
        ({ time, host, about, text }) => html`<li data-about=${about}>
        <span class="mute">${seconds(time)}</span><span>${host}</span><span class="mute">${about}</span>
        <span class=${about === 'error' ? 'wrong' : ''}>${text}</span></li>`,
      )}
      ${notices.length === 0 ? html`<li class="mute">Nothing yet.</li>` : nothing}
    </ol></div>`
  }

  override updated(): void {
    this.scrollTop = this.scrollHeight
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-message-list': MessageList
  }
}
