import { css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import type { HostSnapshot } from '../host/protocol.ts'
import { connectionWords } from '../lab/arena.ts'
import { recordOf } from '../lab/connection.ts'
import type { ArenaPages } from '../stack/inspect/pages.ts'
import type { MemoryReport, PoolReport } from '../stack/stack.ts'
import { grouped } from '../stack/wire/readable.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'
import { poolLook } from './memory-bar.ts'
import { memoryGraph } from './memory-graph.ts'
import './arena-map.ts'

/** The arena is asked for no oftener, and only while it is shown. */
const ASK_MS = 250

/** One host's arena as it is: pool by pool, page by page, over time. */
@customElement('lanlet-arena')
export class ArenaView extends LabElement {
  @state() private chosenHost: string | undefined
  @state() private pages: { readonly host: string; readonly pages: ArenaPages } | undefined
  /** The connection that a person lit; the ladder's, if nothing was chosen. */
  @state() private socket: number | 'ladder' | undefined = 'ladder'
  #asked = Number.NEGATIVE_INFINITY
  #asking: ReturnType<typeof setTimeout> | undefined

  static override styles = [
    shapes,
    css`
      :host { overflow: auto; padding: var(--s2) var(--s4) var(--s3); container-type: inline-size; }
      .parts { display: grid; grid-template-columns: minmax(350px, 1.1fr) minmax(180px, 1fr) minmax(170px, 0.8fr); gap: var(--s3) var(--s5); align-items: start; }
      .choices { margin-bottom: var(--s2); font-size: var(--tiny); }
      .choices label { display: inline-flex; gap: var(--s1); align-items: center; color: var(--mute); min-width: 0; }
      .choices select { color: var(--ink); max-width: 300px; }
      table { border-collapse: collapse; width: 100%; }
      th, td { padding: 0 var(--s1); text-align: right; font-weight: 400; white-space: nowrap; }
      thead th { color: var(--mute); font-size: var(--tiny); border-bottom: 1px solid var(--line); }
      th:first-child { text-align: left; }
      tfoot th, tfoot td { border-top: 1px solid var(--line); font-weight: 600; }
      .share { width: 26%; min-width: 36px; }
      tbody.mono { font-size: var(--tiny); line-height: 1.35; }
      .track { position: relative; display: block; height: 9px; background: var(--sunk); border: 1px solid var(--edge); border-radius: 2px; }
      .track i { position: absolute; inset: 0 auto 0 0; }
      .track u { position: absolute; top: -2px; bottom: -2px; width: 2px; background: var(--ink); }
      .k { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; vertical-align: -1px; }
      .graph { display: block; width: 100%; height: 130px; background: var(--sunk); border: 1px solid var(--edge); border-radius: 2px; }
      .peak { stroke: var(--ink); stroke-dasharray: 4 3; vector-effect: non-scaling-stroke; }
      .axis { display: flex; justify-content: space-between; gap: var(--s2); font-size: var(--tiny); white-space: nowrap; }
      @container (max-width: 860px) { .parts { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } .pools { grid-column: 1 / -1; } }
      @container (max-width: 460px) { .parts { grid-template-columns: minmax(0, 1fr); } .pools { grid-column: auto; } .share { min-width: 36px; } }
    `,
  ]

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#asking)
    this.#asking = undefined
  }

  private get host(): HostSnapshot | undefined {
    return this.lab.hosts.find(({ name }) => name === this.chosenHost) ?? this.lab.own ?? this.lab.hosts[0]
  }

  protected override updated(): void {
    this.#ask()
  }

  /** Asks for the arena when something has changed since it was asked for last. */
  #ask(): void {
    const { host } = this
    if (host === undefined || this.#asking !== undefined || this.#shows(host)) return
    const wait = this.pages?.host === host.name ? this.#asked + ASK_MS - performance.now() : 0
    this.#asking = setTimeout(
      async () => {
        this.#asked = performance.now()
        this.#seen = this.host
        try {
          const pages = await this.lab.arenaOf(host.name)
          this.pages = { host: host.name, pages }
        } catch {
          // The host has just gone: the next update shows another.
        }
        this.#asking = undefined
        if (this.isConnected) this.#ask()
      },
      Math.max(0, wait),
    )
  }

  #seen: HostSnapshot | undefined
  #shows(host: HostSnapshot): boolean {
    return this.#seen === host && this.pages?.host === host.name
  }

  private get lit(): number | undefined {
    const { subject, hosts } = this.lab
    if (this.socket !== 'ladder') return this.socket
    const ends = subject?.connection?.ends
    const end = ends?.findIndex(({ address }) => address === this.host?.address) ?? -1
    const [local, remote] = [ends?.[end], ends?.[1 - end]]
    return local && remote && recordOf(hosts, local, remote)?.socket
  }

  override render() {
    const { host } = this
    const pages = this.pages?.host === host?.name ? this.pages?.pages : undefined
    if (!host || !pages) return html`<p class="mute">Reading the arena …</p>`
    return html`${this.renderChoices(host)}
      <div class="parts">
        <div class="pools">${this.renderPools(pages.memory)}</div>
        <lanlet-arena-map .pages=${pages} .connections=${host.connections} .chosen=${this.lit}
          @choose=${(event: CustomEvent<number>) => (this.socket = event.detail)}></lanlet-arena-map>
        <div>${memoryGraph(this.lab.historyOf(host.name), this.lab.now)}</div>
      </div>`
  }

  private renderChoices(host: HostSnapshot) {
    const { hosts } = this.lab
    const lit = this.lit
    return html`<div class="row choices">
      <label>Arena of <select class="small" aria-label="Whose arena" @change=${this.chooseHost}>
        ${hosts.map(({ name }) => html`<option ?selected=${name === host.name}>${name}</option>`)}
      </select></label>
      <label>lit: <select class="small mono" aria-label="Whose pages are lit" data-testid="arena-lit" @change=${this.chooseLit}>
        <option value="" ?selected=${lit === undefined}>nobody’s</option>
        ${host.connections.slice(0, 200).map(each => html`<option value=${each.socket} ?selected=${each.socket === lit}>${connectionWords(each)}</option>`)}
      </select></label>
      <span class="mute">pages of 1,600 bytes: outlined in ink are those of the connection that is lit</span>
    </div>`
  }

  /** Every pool, also the empty ones: the rows sum to the arena. */
  private renderPools({ size, pools, peak, failures }: MemoryReport) {
    const sum = pools.reduce((all, { used }) => all + used, 0)
    return html`<table data-testid="arena-pools">
      <thead><tr><th scope="col">pool</th><th scope="col" class="share">share</th><th scope="col">bytes</th><th scope="col">peak</th><th scope="col">refused</th></tr></thead>
      <tbody class="mono">${pools.map(pool => this.renderPool(pool, size))}</tbody>
      <tfoot class="mono"><tr><th scope="row">budget</th><td></td><td data-testid="arena-sum">${grouped(sum)}</td><td>${grouped(peak)}</td><td>${failures}</td></tr></tfoot>
    </table>`
  }

  private renderPool({ name, used, peak, failures }: PoolReport, size: number) {
    const [colour, holds] = name === 'free' ? ['var(--line)', 'nobody’s'] : poolLook(name)
    const isFree = name === 'free'
    return html`<tr title=${holds}><th scope="row"><i class="k" style="background:${colour}"></i>${name}</th>
      <td class="share"><span class="track"><i style="width:${(used / size) * 100}%;background:${colour}"></i>${isFree ? nothing : html`<u style="left:calc(${(peak / size) * 100}% - 1px)"></u>`}</span></td>
      <td data-bytes>${grouped(used)}</td><td>${isFree ? '' : grouped(peak)}</td>
      <td>${failures ? html`<span class="wrong">${failures}</span>` : isFree ? '' : 0}</td></tr>`
  }

  private chooseHost(event: Event): void {
    this.chosenHost = (event.target as HTMLSelectElement).value
    this.socket = 'ladder'
  }

  private chooseLit(event: Event): void {
    const { value } = event.target as HTMLSelectElement
    this.socket = value === '' ? undefined : Number(value)
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-arena': ArenaView
  }
}
