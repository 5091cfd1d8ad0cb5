import { css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import type { HostSnapshot } from '../host/protocol.ts'
import { sizeName } from '../lab/budget.ts'
import { count } from '../stack/wire/readable.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'
import './budget-form.ts'
import './pressure-list.ts'

const faint = (token: string): string => `color-mix(in oklab, var(${token}) 50%, var(--paper))`

/** What each pool holds, and its colour: related pools have two shades of one. */
export const POOLS: Readonly<Record<string, readonly [colour: string, holds: string]>> = {
  fixed: ['var(--ack)', 'the host’s own record and its tables'],
  connections: ['var(--syn)', 'control blocks of TCP connections'],
  sockets: [faint('--syn'), 'what programs hold'],
  neighbours: ['var(--near)', 'who has which MAC address'],
  frames: [faint('--near'), 'frames that wait to go out'],
  send: ['var(--data)', 'bytes to be sent or acknowledged'],
  receive: [faint('--data'), 'bytes to be read'],
  'out of order': ['var(--again)', 'bytes behind a gap'],
  datagrams: ['var(--fin)', 'UDP datagrams to be read'],
  fragments: [faint('--fin'), 'fragments whose datagram is not whole yet'],
  settings: [faint('--syn'), 'what programs have set on their connections'],
  destinations: [faint('--again'), 'what was learnt of paths to other hosts'],
  routes: [faint('--again'), 'the routing table, beyond its first routes'],
  groups: [faint('--syn'), 'multicast groups, and who has joined them'],
  filters: ['var(--other)', 'filter programs of sockets'],
  capture: [faint('--other'), 'captured frames to be read'],
  flights: ['var(--again)', 'what connections know of segments under way'],
  leases: ['var(--near)', 'addresses that are lent by DHCP'],
  names: [faint('--near'), 'names that were asked for, and their answers'],
  standing: [faint('--ack'), 'where a frame is read and where one is written'],
  ipv6: [faint('--near'), 'IPv6: addresses, routers, neighbours, destinations, groups'],
}

interface Slice {
  readonly name: string
  readonly used: number
  readonly peak: number
  readonly failures: number
  readonly colour: string
  readonly holds: string
}

/** A pool's colour and what it holds; one that nobody described has its name. */
export const poolLook = (name: string): readonly [colour: string, holds: string] =>
  POOLS[name] ?? ['var(--other)', name]

/** The pools that hold something, in the arena's order. */
function slicesOf({ memory }: HostSnapshot): Slice[] {
  const pools = memory.pools.filter(
    ({ name, used, failures }) => name !== 'free' && (used > 0 || failures > 0),
  )
  return pools.map(pool => {
    const [colour, holds] = poolLook(pool.name)
    return { ...pool, colour, holds }
  })
}

/** The memory of one host, always in sight: used by pool, peak as a tick, budget as the full width. */
@customElement('lanlet-memory-bar')
export class MemoryBar extends LabElement {
  @state() private chosen: string | undefined
  @state() private open = false
  @state() private pools = false

  static override styles = [
    shapes,
    css`
      :host { padding: var(--s2) var(--s4); border-bottom: 1px solid var(--line); }
      .row { gap: var(--s1) var(--s3); min-height: 28px; }
      .bar { position: relative; display: flex; height: 14px; min-height: 14px; padding: 0; flex: 1 1 200px; max-width: 520px;
        background: var(--sunk); border: 1px solid var(--edge); border-radius: 3px; cursor: pointer; }
      .bar i { border-right: 1px solid var(--paper); }
      .text { background: repeating-linear-gradient(45deg, var(--ink) 0 2px, transparent 2px 5px); }
      /* A finger needs more than 14 px. */
      .bar::after { content: ''; position: absolute; inset: -8px 0; }
      .bar u { position: absolute; top: -5px; bottom: -5px; width: 3px; background: var(--ink); border: solid var(--paper); border-width: 0 1px; box-sizing: content-box; }
      .pools { display: flex; flex-wrap: wrap; gap: var(--s1) var(--s4); margin: var(--s1) 0; }
      @media (max-width: 720px) { .pools { max-height: 30vh; overflow: auto; } }
      .key { display: inline-flex; align-items: baseline; gap: var(--s1); font-size: var(--tiny); color: var(--mute); }
      .key i { width: 10px; height: 10px; border-radius: 2px; align-self: center; flex: none; }
      .key b { color: var(--ink); }
      .key i.tick { width: 3px; height: 14px; background: var(--ink); }
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
    const { failures } = host.memory
    const text = this.lab.textOf(host)
    const counted = this.lab.textCounts ? (text ?? 0) : 0
    const [size, used, peak] = [host.memory.size, host.memory.used, host.memory.peak].map(
      n => n + counted,
    ) as [number, number, number]
    const pressure = this.lab.pressureOn(host)
    const words = `${sizeName(used)} of ${sizeName(size)} used, peak ${sizeName(peak)}`
    const open = host.connections.filter(({ state }) => state !== 'LISTEN').length
    return html`
      <div class="row" data-testid="memory">
        <b>Memory</b>${this.renderChoice(host)}
        <button class="bar" aria-expanded=${this.pools} aria-label="${host.name}: ${words}. What holds it" title="${words}. Click: what holds it"
          data-testid="memory-bar" @click=${() => (this.pools = !this.pools)}>
          ${counted ? html`<i class="text" style="width:${(counted / size) * 100}%"></i>` : nothing}
          ${slicesOf(host).map(({ used, colour }) => html`<i style="width:${(used / size) * 100}%;background:${colour}"></i>`)}
          <u style="left:calc(${(peak / size) * 100}% - 2px)"></u>
        </button>
        <span class="mono" data-testid="memory-used">${sizeName(used)} of ${sizeName(size)}</span>
        <span class="mute">
          peak ${sizeName(peak)} · ${text === undefined ? nothing : html`<span data-testid="text-size">text ${sizeName(text)}</span> · `}${open} connection${open === 1 ? '' : 's'} ·
          <span class=${failures ? 'wrong' : ''}>${failures} failure${failures === 1 ? '' : 's'}</span>
        </span>
        <button class="small" aria-expanded=${this.open} data-testid="budget-open" @click=${() => (this.open = !this.open)}>
          Budget · ${host.profile} ${this.open ? '▴' : '▾'}
        </button>
      </div>
      ${pressure.length ? html`<lanlet-pressure .lab=${this.lab} .list=${pressure}></lanlet-pressure>` : nothing}
      ${this.pools ? this.renderPools(host) : nothing}
      ${this.open ? html`<lanlet-budget-form .lab=${this.lab} .host=${host}></lanlet-budget-form>` : nothing}
    `
  }

  private renderChoice(host: HostSnapshot) {
    if (this.lab.hosts.length < 2) return html`<span>${host.name}</span>`
    return html`<select class="small" aria-label="Whose memory" @change=${this.choose}>
      ${this.lab.hosts.map(({ name }) => html`<option ?selected=${name === host.name}>${name}</option>`)}
    </select>`
  }

  private renderPools(host: HostSnapshot) {
    const { size, used, peak } = host.memory
    return html`<ul class="pools" aria-label="What holds the memory" data-testid="pools">
      ${slicesOf(host).map(
        ({ name, used, peak, failures, colour, holds }) =>
          html`<li class="key"><i style="background:${colour}"></i><span><b>${name}</b> ${holds}: <span class="mono">${sizeName(used)}</span>, peak <span class="mono">${sizeName(peak)}</span>
            ${failures ? html`<span class="wrong">${count(failures, 'refusal')}</span>` : nothing}</span></li>`,
      )}
      <li class="key"><span><b>free</b>: <span class="mono">${sizeName(size - used)}</span></span></li>
      <li class="key"><i class="tick"></i><span><b>peak</b> the most ever used: <span class="mono">${sizeName(peak)}</span></span></li>
    </ul>`
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
