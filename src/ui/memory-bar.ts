import { css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import type { HostSnapshot } from '../host/protocol.ts'
import { sizeName } from '../lab/budget.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'
import './budget-form.ts'

/** How the pools are told apart: a colour and a name in the legend; more pools than colours share the last. */
const COLOURS = ['--data', '--syn', '--near', '--fin', '--ack']

interface Slice {
  readonly name: string
  readonly used: number
  readonly failures: number
  readonly colour: string
}

/** The pools that hold something, in the arena's order. */
function slicesOf({ memory }: HostSnapshot): Slice[] {
  const pools = memory.pools.filter(({ name, used }) => name !== 'free' && used > 0)
  return pools.map(({ name, used, failures }, i) => {
    const colour = COLOURS[Math.min(i, COLOURS.length - 1)] ?? '--ack'
    return { name, used, failures, colour }
  })
}

/** The memory of one host, always in sight: used by pool, peak as a tick, budget as the full width. */
@customElement('lanlet-memory-bar')
export class MemoryBar extends LabElement {
  @state() private chosen: string | undefined
  @state() private open = false

  static override styles = [
    shapes,
    css`
      :host { padding: var(--s2) var(--s4); border-bottom: 1px solid var(--line); }
      .row { gap: var(--s1) var(--s3); min-height: 28px; }
      .bar { position: relative; display: flex; height: 14px; flex: 1 1 200px; max-width: 520px; background: var(--sunk);
        border: 1px solid var(--line); border-radius: 3px; overflow: hidden; }
      .bar i { opacity: 0.85; border-right: 1px solid var(--paper); }
      .bar u { position: absolute; top: -1px; bottom: -1px; width: 2px; background: var(--ink); }
      .key { display: inline-flex; align-items: center; gap: var(--s1); font-size: var(--tiny); color: var(--mute); white-space: nowrap; }
      .key i { width: 10px; height: 10px; border-radius: 2px; }
      lanlet-budget-form { margin: var(--s2) 0; }
    `,
  ]

  private get host(): HostSnapshot | undefined {
    return this.lab.hosts.find(({ name }) => name === this.chosen) ?? this.lab.own ?? this.lab.hosts[0]
  }

  override render() {
    const { host } = this
    if (!host)
      return html`<div class="row"><b>Memory</b><span class="mute">starting the first host …</span></div>`
    const { size, used, peak, failures } = host.memory
    const words = `${sizeName(used)} of ${sizeName(size)} used, peak ${sizeName(peak)}`
    const open = host.connections.filter(({ state }) => state !== 'LISTEN').length
    return html`
      <div class="row" data-testid="memory">
        <b>Memory</b>${this.renderChoice(host)}
        <div class="bar" role="img" aria-label="${host.name}: ${words}">
          ${slicesOf(host).map(
            ({ name, used, colour }) =>
              html`<i title="${name}: ${used} bytes" style="width:${(used / size) * 100}%;background:var(${colour})"></i>`,
          )}
          <u style="left:calc(${(peak / size) * 100}% - 2px)" title="peak: ${peak} bytes"></u>
        </div>
        <span class="mono" data-testid="memory-used">${sizeName(used)} of ${sizeName(size)}</span>
        <span class="mute">
          peak ${sizeName(peak)} · ${open} connection${open === 1 ? '' : 's'} ·
          <span class=${failures ? 'wrong' : ''}>${failures} failure${failures === 1 ? '' : 's'}</span>
        </span>
        <button class="small" aria-expanded=${this.open} data-testid="budget-open" @click=${() => (this.open = !this.open)}>
          Budget · ${host.profile} ${this.open ? '▴' : '▾'}
        </button>
      </div>
      ${this.open ? html`<lanlet-budget-form .lab=${this.lab} .host=${host}></lanlet-budget-form>${this.renderPools(host)}` : nothing}
    `
  }

  private renderChoice(host: HostSnapshot) {
    if (this.lab.hosts.length < 2) return html`<span>${host.name}</span>`
    return html`<select class="small" aria-label="Whose memory" @change=${this.choose}>
      ${this.lab.hosts.map(({ name }) => html`<option ?selected=${name === host.name}>${name}</option>`)}
    </select>`
  }

  private renderPools(host: HostSnapshot) {
    return html`<div class="row" aria-label="Pools" data-testid="pools">
      ${slicesOf(host).map(
        ({ name, used, failures, colour }) =>
          html`<span class="key"><i style="background:var(${colour})"></i>${name}
            <span class="mono">${sizeName(used)}</span>${failures ? html`<span class="wrong">${failures} refused</span>` : nothing}</span>`,
      )}
    </div>`
  }

  private choose(event: Event): void {
    this.chosen = (event.target as HTMLSelectElement).value
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-memory-bar': MemoryBar
  }
}
