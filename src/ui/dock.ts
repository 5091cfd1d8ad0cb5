import { css, html, nothing, type PropertyValues } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import type { NoticeRecord } from '../host/protocol.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'
import { refusal } from './refusal.ts'
import './arena-view.ts'
import './diet-view.ts'
import './message-list.ts'
import type { PacketTable } from './packet-table.ts'
import './packet-table.ts'

const TABS = ['Packets', 'Messages', 'Arena', 'Diet'] as const
type Tab = (typeof TABS)[number]

/** The foot of the page: the packet table and the messages, and what can be done with the capture. */
@customElement('lanlet-dock')
export class Dock extends LabElement {
  @state() private tab: Tab = 'Packets'
  /** How many errors had been told when a person last looked. */
  @state() private seen = 0
  @state() private refused = ''

  static override styles = [
    shapes,
    css`
      :host { display: flex; flex-direction: column; min-height: 0; border-top: 1px solid var(--line); }
      .tabs { padding: var(--s1) var(--s4) 0; }
      [role='tab'] { border: 0; border-radius: 0; background: none; padding: 0 0 4px; margin-right: var(--s3); min-height: 28px; border-bottom: 2px solid transparent; }
      [role='tab'][aria-selected='true'] { border-bottom-color: var(--accent); font-weight: 600; }
      .fresh { color: var(--bad); font-weight: 600; font-size: var(--tiny); }
      [role='tabpanel'] { flex: 1; min-height: 0; display: flex; flex-direction: column; }
      [role='tabpanel'] > * { flex: 1; min-height: 0; }
    `,
  ]

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    // Tables and maps of memory want more room than packets do.
    this.toggleAttribute('tall', this.tab === 'Arena' || this.tab === 'Diet')
  }

  override render() {
    const fresh = this.tab === 'Messages' ? 0 : errorsIn(this.lab.notices) - this.seen
    return html`<div class="row tabs">
        <div role="tablist" aria-label="Below the ladder" @keydown=${this.key}>
          ${TABS.map(tab => html`<button role="tab" id="tab-${tab}" aria-selected=${tab === this.tab} aria-controls="panel" tabindex=${tab === this.tab ? 0 : -1} @click=${() => this.open(tab)}>${tab}${tab === 'Messages' && fresh ? html` <span class="fresh">${fresh} new</span>` : nothing}</button>`)}
        </div>
        <span class="grow wrong" role="status" ?hidden=${this.refused === ''}>${this.refused}</span><span class="grow"></span>
        <button class="small" data-testid="export" title="Every frame still in the capture, for Wireshark and tshark" @click=${this.export}>Export pcapng</button>
        <button class="small" data-testid="clear" @click=${this.clear}>Clear</button>
      </div>
      <div role="tabpanel" id="panel" aria-labelledby="tab-${this.tab}">
        ${this.renderPanel()}
      </div>`
  }

  private renderPanel() {
    switch (this.tab) {
      case 'Packets':
        return html`<lanlet-packet-table .lab=${this.lab}></lanlet-packet-table>`
      case 'Messages':
        return html`<lanlet-message-list .lab=${this.lab}></lanlet-message-list>`
      case 'Arena':
        return html`<lanlet-arena .lab=${this.lab}></lanlet-arena>`
      case 'Diet':
        return html`<lanlet-diet .lab=${this.lab}></lanlet-diet>`
    }
  }

  private open(tab: Tab): void {
    this.tab = tab
    this.seen = errorsIn(this.lab.notices)
  }

  async focusFilter(): Promise<void> {
    this.tab = 'Packets'
    await this.updateComplete
    this.renderRoot.querySelector<PacketTable>('lanlet-packet-table')?.focusFilter()
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return
    const step = event.key === 'ArrowRight' ? 1 : TABS.length - 1
    this.open(TABS[(TABS.indexOf(this.tab) + step) % TABS.length] ?? 'Packets')
    this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${this.tab}`)?.focus())
  }

  private async export(): Promise<void> {
    await this.attempt(async () => {
      const pcapng = await this.lab.exportCapture()
      const link = document.createElement('a')
      link.href = URL.createObjectURL(new Blob([pcapng], { type: 'application/x-pcapng' }))
      link.download = `lanlet-${this.lab.identities.own.name}.pcapng`
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
    })
  }

  private clear(): Promise<void> {
    return this.attempt(() => this.lab.clearCapture())
  }

  private async attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action()
      this.refused = ''
    } catch (error) {
      this.refused = refusal(error)
    }
  }
}

const errorsIn = (notices: readonly NoticeRecord[]): number =>
  notices.filter(({ about }) => about === 'error').length

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-dock': Dock
  }
}
