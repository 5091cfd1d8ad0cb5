import { css, html, nothing } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import type { Consequence } from '../lab/pressure.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'

/** What lack of memory has done to the host whose memory is shown: each consequence with its cause. */
@customElement('lanlet-pressure')
export class PressureList extends LabElement {
  @property({ attribute: false }) list: readonly Consequence[] = []

  static override styles = [
    shapes,
    css`
      ul { display: flex; flex-wrap: wrap; gap: 2px var(--s4); margin-top: var(--s1); font-size: var(--tiny); max-height: 66px; overflow: auto; }
      li { min-width: 0; overflow-wrap: anywhere; }
      b::before { content: '▲ '; color: var(--bad); }
      button.small { min-height: 20px; padding: 0 6px; }
    `,
  ]

  override render() {
    return html`<ul aria-label="What lack of memory did" data-testid="pressure">
      ${this.list.map(
        ({ what, cause, frame }) => html`<li><b>${what}</b> <span class="mute">${cause}</span>
          ${frame === undefined ? nothing : html`<button class="small" @click=${() => this.lab.select(frame)}>Show frame ${frame}</button>`}</li>`,
      )}
    </ul>`
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-pressure': PressureList
  }
}
