import { css, html, nothing } from 'lit'
import { customElement } from 'lit/decorators.js'
import { flowTitle, recordOf, type Variable, variablesOf, windowOf } from '../lab/connection.ts'
import type { Endpoint, Flow } from '../lab/flow.ts'
import type { ConnectionRecord } from '../stack/inspect/inspect.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'

interface SideView {
  readonly name: string
  /** RFC 9293's name for it, or why there is none. */
  readonly state: string
  readonly told: string | undefined
  readonly record: ConnectionRecord | undefined
}

/** The connection that the ladder shows, both sides: state, variables and send window, as they stand now. */
@customElement('lanlet-connection')
export class ConnectionView extends LabElement {
  /** What each cell said before it last changed, so that a change can be seen. */
  #before = new Map<string, string>()

  static override styles = [
    shapes,
    css`
      table { border-collapse: collapse; width: 100%; table-layout: fixed; }
      th:first-child { width: 106px; }
      td { overflow-wrap: anywhere; }
      td, th { padding: 1px var(--s2); text-align: left; vertical-align: top; font-weight: 400; }
      thead th { color: var(--mute); font: 500 var(--tiny) var(--sans); border-bottom: 1px solid var(--line); }
      tbody th { white-space: nowrap; }
      .state { border: 1px solid var(--line); border-radius: 4px; padding: 0 6px; white-space: nowrap; }
      .new { color: var(--accent); font-weight: 600; }
      .win { display: flex; height: 14px; border: 1px solid var(--line); border-radius: 3px; overflow: hidden; margin: 2px 0; background: var(--sunk); }
      .flight { background: var(--data); }
      .usable { background: color-mix(in oklab, var(--near) 45%, transparent); }
      .withheld { background: repeating-linear-gradient(45deg, var(--line) 0 3px, transparent 3px 7px); }
      .legend { font-size: var(--tiny); margin-top: var(--s1); }
      .key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 4px 0 8px; vertical-align: -1px; }
    `,
  ]

  override render() {
    const { subject } = this.lab
    const flow = subject?.connection
    if (!subject || !flow) return html`<h2>Connection</h2><p class="mute">None yet between these two.</p>`
    const [first, second] = flow.ends
    // As in the ladder: left is left.
    const [left, right] = first.address === subject.left.address ? [first, second] : [second, first]
    const sides = [this.side(left, right), this.side(right, left)]
    return html`<h2>Connection <span class="mute">${flowTitle(flow)}</span></h2>
      <table data-testid="connection">
        <thead><tr><th><span class="unseen">Variable</span></th>${sides.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody class="mono">
          <tr><th scope="row">State</th>${sides.map(
            side => html`<td data-testid="connection-state" data-host=${side.name}>
            ${side.state === '' ? html`<span class="mute">–</span>` : html`<span class="state">${side.state}</span>`}
            ${side.told ? html`<br /><span class="mute">told by ${side.told}</span>` : nothing}</td>`,
          )}</tr>
          ${this.renderVariables(flow, sides)}
          ${sides.some(({ record }) => record) ? html`<tr><th scope="row">Send window</th>${sides.map(side => this.renderWindow(side))}</tr>` : nothing}
        </tbody>
      </table>
      ${sides.some(({ record }) => record) ? html`<p class="mute legend"><i class="key flight"></i>in flight<i class="key usable"></i>usable<i class="key withheld"></i>withheld by cwnd</p>` : nothing}`
  }

  private side(local: Endpoint, remote: Endpoint): SideView {
    const { hosts, stations, log } = this.lab
    const record = recordOf(hosts, local, remote)
    const last = log.states.findLast(
      each =>
        each.localAddress === local.address &&
        each.localPort === local.port &&
        each.remoteAddress === remote.address &&
        each.remotePort === remote.port,
    )
    const name = stations.nameOfAddress(local.address)
    return {
      name,
      state: record?.state ?? last?.state ?? '',
      told: record ? undefined : last?.toldBy,
      record,
    }
  }

  private renderVariables(flow: Flow, sides: readonly SideView[]) {
    const columns = sides.map(({ record }) => (record ? variablesOf(record, this.lab.now) : undefined))
    const rows = columns.find(column => column !== undefined)
    return rows?.map(
      ({ name, note }, i) => html`<tr title=${note}><th scope="row">${name}</th>
        ${columns.map((column, side) => this.renderValue(`${flow.id} ${side} ${name}`, column?.[i]))}</tr>`,
    )
  }

  /** A value that differs from the last one drawn stands out until the next update. */
  private renderValue(key: string, variable: Variable | undefined) {
    if (variable === undefined) return html`<td class="mute">–</td>`
    const before = this.#before.get(key)
    this.#before.set(key, variable.value)
    const changed = before !== undefined && before !== variable.value && variable.name !== 'Timer'
    return html`<td class=${changed ? 'new' : ''}>${variable.value}</td>`
  }

  private renderWindow({ name, record }: SideView) {
    if (!record) return html`<td class="mute">–</td>`
    const { flight, usable, withheld, whole } = windowOf(record)
    const words = `${name}: ${flight} in flight, ${usable} usable, ${withheld} withheld of ${whole} bytes`
    const width = (part: number) => `width:${whole ? (part / whole) * 100 : 0}%`
    return html`<td><div class="win" role="img" aria-label=${words} title=${words}><i class="flight" style=${width(flight)}></i><i
      class="usable" style=${width(usable)}></i><i class="withheld" style=${width(withheld)}></i></div></td>`
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-connection': ConnectionView
  }
}
