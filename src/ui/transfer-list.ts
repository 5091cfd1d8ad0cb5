import { css, html, nothing } from 'lit'
import { customElement } from 'lit/decorators.js'
import type { Transfer } from '../host/protocol.ts'
import { sizeName } from '../lab/budget.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'

/** Files under way and done, with what was measured. */
@customElement('lanlet-transfer-list')
export class TransferList extends LabElement {
  static override styles = [
    shapes,
    css`
      li { padding: var(--s2) 0; border-top: 1px solid var(--line); }
      progress { width: 100%; height: 8px; accent-color: var(--accent); }
      .hash { font-size: 11px; overflow-wrap: anywhere; }
    `,
  ]

  override render() {
    const { transfers } = this.lab
    if (transfers.length === 0) return nothing
    return html`<h2>Files</h2><ul data-testid="transfers">${transfers.map(each => this.renderTransfer(each))}</ul>`
  }

  private renderTransfer({
    host,
    remoteAddress,
    name,
    direction,
    size,
    done,
    sha256,
    took,
    failed,
  }: Transfer) {
    const other = this.lab.stations.nameOfAddress(remoteAddress)
    const state = failed ? 'failed' : sha256 ? 'done' : 'under way'
    return html`<li data-testid="transfer" data-direction=${direction} data-state=${state} data-done=${done}>
      <div class="row"><b>${name}</b><span class="mute">${direction === 'out' ? `sent by ${host} to ${other}` : `received by ${host} from ${other}`}</span></div>
      ${sha256 || failed ? nothing : html`<progress max=${size} value=${done} aria-label="${name}: ${done} of ${size} bytes"></progress>`}
      <span class="mono mute">${sizeName(done)} of ${sizeName(size)}${took && size ? ` · ${speed(size, took)}` : ''}</span>
      ${sha256 ? html`<p class="mono mute hash">SHA-256 <span data-testid="sha256">${sha256}</span></p>` : nothing}
      ${failed ? html`<p class="wrong">${failed}</p>` : nothing}
    </li>`
  }
}

/** Bytes in milliseconds, as MB/s (10^6). */
const speed = (bytes: number, took: number): string =>
  took > 0 ? `${(bytes / took / 1000).toFixed(2)} MB/s in ${(took / 1000).toFixed(2)} s` : ''

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-transfer-list': TransferList
  }
}
