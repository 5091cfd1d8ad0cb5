import { css, html, LitElement } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { shapes } from './look.ts'

const ROW = 16

/** A frame's bytes in hexadecimal, those of one field marked. Choosing one tells which (`byte`). */
@customElement('lanlet-frame-bytes')
export class FrameBytes extends LitElement {
  @property({ attribute: false }) bytes!: Uint8Array
  /** The marked bytes: from, and up to but without. */
  @property({ type: Number }) from = 0
  @property({ type: Number }) to = 0

  static override styles = [
    shapes,
    css`
      div { display: grid; grid-template-columns: auto 1fr; gap: 0 var(--s3); background: var(--sunk); border-radius: var(--r);
        padding: var(--s2) var(--s3); max-height: 132px; overflow: auto; }
      .bytes { display: grid; grid-template-columns: repeat(16, 1fr); max-width: 360px; }
      .bytes span { text-align: center; border-radius: 2px; cursor: default; font-size: 11.5px; }
      .on { background: color-mix(in oklab, var(--accent) 30%, transparent); box-shadow: 0 1px 0 var(--accent); }
    `,
  ]

  override render() {
    const rows = Array.from({ length: Math.ceil(this.bytes.length / ROW) }, (_, i) => i * ROW)
    return html`<div class="mono" tabindex="0" role="group" aria-label="Bytes; the left and right arrow keys move" data-testid="bytes" @keydown=${this.key}>
      ${rows.map(
        row => html`<span class="mute" aria-hidden="true">${row.toString(16).padStart(4, '0')}</span>
          <span class="bytes" @click=${this.choose}>${Array.from(this.bytes.subarray(row, row + ROW), (byte, i) => this.renderByte(byte, row + i))}</span>`,
      )}
    </div>`
  }

  private renderByte(byte: number, at: number) {
    const on = at >= this.from && at < this.to
    return html`<span class=${on ? 'on' : ''} data-at=${at}>${byte.toString(16).padStart(2, '0')}</span>`
  }

  private choose(event: Event): void {
    const at = (event.target as HTMLElement).dataset['at']
    if (at !== undefined) this.tell(Number(at))
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return
    event.preventDefault()
    const at = event.key === 'ArrowRight' ? this.to : this.from - 1
    this.tell(Math.min(this.bytes.length - 1, Math.max(0, at)))
  }

  private tell(at: number): void {
    this.dispatchEvent(new CustomEvent('byte', { detail: at }))
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-frame-bytes': FrameBytes
  }
}
