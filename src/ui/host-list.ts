import { css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import type { PingResult } from '../host/protocol.ts'
import type { Station } from '../lab/stations.ts'
import type { Visit } from '../lab/visit.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'
import { refusal } from './refusal.ts'

/** What the last action on a host came to. */
interface Outcome {
  readonly text: string
  readonly wrong: boolean
}

const PINGS = 3

/** The hosts on the segment, and what this page's own host can do with each. */
@customElement('lanlet-host-list')
export class HostList extends LabElement {
  @property({ attribute: false }) visit!: Visit
  @state() private outcomes: ReadonlyMap<string, Outcome> = new Map()

  static override styles = [
    shapes,
    css`
      li { padding: var(--s2) 0; border-top: 1px solid var(--line); }
      .actions { margin-top: var(--s1); gap: var(--s1); }
      .outcome { font-size: var(--tiny); margin-top: var(--s1); overflow-wrap: anywhere; }
      input[type='file'] { display: none; }
    `,
  ]

  override render() {
    const { all } = this.lab.stations
    return html`<h2>Hosts <span class="mute">on this segment</span></h2>
      <ul data-testid="hosts">${all.map(station => this.renderHost(station))}</ul>`
  }

  private renderHost(station: Station) {
    const { name, address, mac, where } = station
    const own = this.lab.own
    const mine = own?.mac === mac
    const outcome = this.outcomes.get(mac)
    return html`<li data-testid="host" data-host=${name} data-mac=${mac}>
      <div class="row">
        <b>${name}</b><span class="mute">${mine ? 'you' : where.kind === 'here' ? 'here' : this.pageOf(station)}</span>
        <span class="grow"></span>
        <span class="mono" title=${mac} data-testid="host-address">${address ?? html`<span class="mute">looking for an address</span>`}</span>
      </div>
      ${mine || !own?.address || !address ? nothing : this.renderActions(station, own.name, address)}
      ${outcome ? html`<p class="outcome ${outcome.wrong ? 'wrong' : 'mono'}" role="status" data-testid="outcome">${outcome.text}</p>` : nothing}
    </li>`
  }

  private renderActions(station: Station, own: string, address: string) {
    const { name } = station
    return html`<div class="row actions">
      <button class="small" aria-label="Ping ${name}" data-testid="ping" @click=${(event: MouseEvent) => this.once(event, station, () => this.ping(own, address))}>Ping</button>
      <button class="small" aria-label="Talk to ${name}" data-testid="talk" @click=${(event: MouseEvent) => this.once(event, station, () => this.talk(own, address))}>Talk</button>
      <label><input type="file" data-testid="file" aria-label="File for ${name}" @change=${(event: Event) => this.fileChosen(event, station, own, address)} />
        <button class="small" aria-label="Send file to ${name}" @click=${this.openFiles}>Send file</button></label>
    </div>`
  }

  /** Whose page it runs on; a page's own host goes by the page's name. */
  private pageOf({ name, where }: Station): string {
    const page = this.lab.peers.find(({ peer }) => where.kind === 'peer' && peer === where.peer)?.name
    return page === undefined || page === name ? 'another page' : `${page}’s page`
  }

  private async ping(own: string, address: string): Promise<string> {
    return pingWords(await this.lab.ping(own, address, PINGS))
  }

  private async talk(own: string, address: string): Promise<string> {
    await this.lab.talk(own, address)
    return ''
  }

  private openFiles(event: Event): void {
    ;(event.currentTarget as HTMLElement).closest('label')?.querySelector('input')?.click()
  }

  private fileChosen(event: Event, station: Station, own: string, address: string): void {
    const input = event.target as HTMLInputElement
    const file = input.files?.[0]
    input.value = ''
    if (!file) return
    void this.attempt(station, async () => {
      await this.lab.sendFile(own, address, file)
      return ''
    })
  }

  /** A double click is one wish. */
  private once({ detail }: MouseEvent, station: Station, action: () => Promise<string>): void {
    if (detail <= 1) void this.attempt(station, action)
  }

  /** Runs an action; what it came to stands under the host, and nowhere else. */
  private async attempt({ mac }: Station, action: () => Promise<string>): Promise<void> {
    const set = (outcome: Outcome | undefined): void => {
      const next = new Map(this.outcomes)
      if (outcome?.text) next.set(mac, outcome)
      else next.delete(mac)
      this.outcomes = next
    }
    set({ text: '…', wrong: false })
    try {
      set({ text: await action(), wrong: false })
    } catch (error) {
      set({ text: refusal(error), wrong: true })
    }
  }
}

function pingWords(pings: readonly PingResult[]): string {
  const times = pings.map(({ rtt }) => (rtt === undefined ? 'lost' : `${rtt.toFixed(1)} ms`))
  const lost = pings.filter(({ rtt }) => rtt === undefined).length
  return `${pings.length - lost} of ${pings.length} answered: ${times.join(', ')}`
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-host-list': HostList
  }
}
