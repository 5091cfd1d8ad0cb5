import { css, html, LitElement } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { shapes } from './look.ts'

/** An invitation to copy. Plain http origins on a LAN have no clipboard: there the field stands selected. */
@customElement('lanlet-invite-link')
export class InviteLink extends LitElement {
  @property() link = ''
  @state() private copied: boolean | undefined

  static override styles = [
    shapes,
    css`
    :host { padding: var(--s1) 0 var(--s2); }
    input { flex: 1 1 240px; min-width: 0; }
    p { flex-basis: 100%; font-size: var(--tiny); }
  `,
  ]

  override render() {
    return html`<div class="row">
      <input class="mono" readonly aria-label="Invitation link" data-testid="invite-link" .value=${this.link} @focus=${this.choose} />
      <button data-testid="invite-copy" @click=${this.copy}>Copy</button>
      <button title="Put the link away" @click=${() => this.dispatchEvent(new CustomEvent('done'))}>Done</button>
      <p class="mute" role="status">${this.copied ? 'Copied. ' : ''}Whoever has this link can join, and only they: the key in it reaches no server.${this.copied === false || !navigator.clipboard ? ' The link is selected: press Ctrl+C or ⌘C to copy it.' : ''}</p>
    </div>`
  }

  private get field(): HTMLInputElement | null {
    return this.renderRoot.querySelector('input')
  }

  override firstUpdated(): void {
    this.field?.focus()
    this.choose()
  }

  private choose(): void {
    this.field?.select()
  }

  private async copy(): Promise<void> {
    this.choose()
    try {
      await navigator.clipboard.writeText(this.link)
      this.copied = true
    } catch {
      // No clipboard, or not allowed: the link stays selected, to be copied by hand.
      this.copied = false
      this.field?.focus()
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-invite-link': InviteLink
  }
}
