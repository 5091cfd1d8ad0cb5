import { css, html, LitElement } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { shapes } from './look.ts'

const ROW = 16
/** Where 16 would not fit. */
const NARROW_ROW = 8

/** A frame's bytes in hexadecimal, those of one field marked. Choosing one tells which (`byte`). */
@customElement('lanlet-frame-bytes')
export class FrameBytes extends LitElement {
  @property({ attribute: false }) bytes!: Uint8Array
  /** The marked bytes: from, and up to but without. */
  @property({ type: Number }) from = 0
  @property({ type: Number }) to = 0

  @state() private narrow = false
  #resize = new ResizeObserver(([entry]) => {
    if (entry) this.narrow = entry.contentRect.width < 320
  })

  static override styles = [
    shapes,
    css`
      div { display: grid; grid-template-columns: auto 1fr; gap: 0 var(--s3); background: var(--sunk); border-radius: var(--r);
        padding: var(--s2) var(--s3); max-height: 132px; overflow: auto; }
      .bytes { display: grid; grid-template-columns: repeat(16, 1fr); max-width: 360px; }
      .narrow .bytes { grid-template-columns: repeat(8, 1fr); max-width: 200px; }
      .bytes span { text-align: center; border-radius: 2px; cursor: default; font-size: 11.5px; }
      .on { background: color-mix(in oklab, var(--accent) 30%, transparent); box-shadow: 0 1px 0 var(--accent); }
    `,
  ]

  override render() {
    const width = this.narrow ? NARROW_ROW : ROW
    const rows = Array.from({ length: Math.ceil(this.bytes.length / width) }, (_, i) => i * width)
    return html`<div class="mono ${this.narrow ? 'narrow' : ''}" tabindex="0" role="group" aria-label="Bytes; the left and right arrow keys move" data-testid="bytes" @keydown=${this.key}>
      ${rows.map(
        row => html`<span class="mute" aria-hidden="true">${row.toString(16).padStart(4, '0')}</span>
          <span class="bytes" @click=${this.choose}>${Array.from(this.bytes.subarray(row, row + width), (byte, i) => this.renderByte(byte, row + i))}</span>`,
      )}
    </div>`
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#resize.observe(this)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resize.disconnect()
  }

  private renderByte(byte: number, at: number) {
    const on = at >= this.from && at < this.to
    return html`<span class=${on ? 'on' : ''} data-at=${at}>${byte.toString(16).padStart(2, '0')}</span>`
  }

  private choose(event: Event): void {
    const at = (event.target as HTMLElement).getAttribute('data-at')
    if (at !== null) this.tell(Number(at))
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
