import { css, html, LitElement } from 'lit'
import { customElement } from 'lit/decorators.js'
import { shapes } from './look.ts'

/** What a key does, and where it is said. */
export const SHORTCUTS = [
  ['↑ ↓', 'next and previous frame, in the ladder and in the table'],
  ['← →', 'next and previous field, in the bytes'],
  ['/', 'filter the packets'],
  ['i', 'invite'],
  ['Esc', 'let go of the selected frame'],
  ['?', 'this list'],
] as const

@customElement('lanlet-shortcuts')
export class Shortcuts extends LitElement {
  static override styles = [
    shapes,
    css`
      dialog { color: var(--ink); background: var(--panel); border: 1px solid var(--line); border-radius: var(--r); padding: var(--s4) var(--s5); max-width: min(420px, 90vw); }
      dl { display: grid; grid-template-columns: auto 1fr; gap: var(--s1) var(--s4); margin: 0 0 var(--s4); }
      dt { font: var(--small) var(--mono); border: 1px solid var(--line); border-radius: 4px; padding: 0 6px; text-align: center; }
      dd { margin: 0; }
    `,
  ]

  override render() {
    return html`<dialog aria-label="Keyboard shortcuts"><h2>Keyboard shortcuts</h2>
      <dl>${SHORTCUTS.map(([key, does]) => html`<dt>${key}</dt><dd>${does}</dd>`)}</dl>
      <form method="dialog"><button class="go">Close</button></form></dialog>`
  }

  open(): void {
    this.renderRoot.querySelector('dialog')?.showModal()
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-shortcuts': Shortcuts
  }
}
