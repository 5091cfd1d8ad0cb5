import { css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import type { HostSnapshot } from '../host/protocol.ts'
import { HISTORY, inOrder, type Sizes, saving, turn } from '../lab/diet.ts'
import { WITHOUT } from '../size/switches.js'
import { grouped } from '../stack/wire/readable.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'

const PROFILES = ['full', 'client', 'minimal'] as const
const MOST_APPLICATIONS = 1000

/** What each feature costs in text, what one would save, and what it was all about in 2014. */
@customElement('lanlet-diet')
export class DietView extends LabElement {
  @state() private chosenHost: string | undefined
  /** The switches as a person has turned them; those of the host's profile until then. */
  @state() private turned: ReadonlySet<string> | undefined
  @state() private because: readonly string[] = []
  @state() private applications = 4

  static override styles = [
    shapes,
    css`
      :host { overflow: auto; padding: var(--s2) var(--s4) var(--s3); container-type: inline-size; }
      .parts { display: grid; grid-template-columns: minmax(0, 2fr) minmax(240px, 1fr); gap: var(--s3) var(--s5); align-items: start; }
      .side { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--s3); }
      .side :is(th, td) { white-space: normal; }
      .choices { margin-bottom: var(--s2); font-size: var(--tiny); }
      .choices label { display: inline-flex; gap: var(--s1); align-items: center; color: var(--mute); }
      .choices select { color: var(--ink); }
      table { border-collapse: collapse; width: 100%; }
      th, td { padding: 1px var(--s1); text-align: right; font-weight: 400; white-space: nowrap; }
      thead th { color: var(--mute); font-size: var(--tiny); border-bottom: 1px solid var(--line); vertical-align: bottom; }
      th:first-child, .words { text-align: left; }
      .words { white-space: normal; font: var(--tiny) var(--sans); color: var(--mute); min-width: 120px; }
      tfoot th, tfoot td { border-top: 1px solid var(--line); font-weight: 600; }
      tbody label { display: inline-flex; align-items: center; gap: 6px; cursor: pointer; }
      [type='checkbox'] { min-height: 0; margin: 0; accent-color: var(--accent); }
      input.number { width: 70px; }
      .off { color: var(--mute); }
      .changed { color: var(--accent); font-weight: 600; }
      p + p, table + p { margin-top: var(--s1); }
      .track { display: flex; height: 12px; background: var(--sunk); border: 1px solid var(--edge); border-radius: 2px; margin: var(--s1) 0; overflow: hidden; }
      .code { background: repeating-linear-gradient(45deg, var(--ink) 0 2px, transparent 2px 5px); }
      .data { background: var(--accent); opacity: 0.85; }
      code { font: var(--tiny) var(--mono); overflow-wrap: anywhere; }
      @container (max-width: 760px) { .parts { grid-template-columns: minmax(0, 1fr); } }
      @container (max-width: 460px) { .words, .min { display: none; } }
    `,
  ]

  private get host(): HostSnapshot | undefined {
    return this.lab.hosts.find(({ name }) => name === this.chosenHost) ?? this.lab.own ?? this.lab.hosts[0]
  }

  override render() {
    const { host } = this
    const { sizes } = this.lab
    if (!host || !sizes)
      return html`<p class="mute">${host ? 'The sizes are not known yet: the build measures them.' : 'Starting the first host …'}</p>`
    const own = new Set(sizes.profiles[host.profile]?.switches)
    return html`<div class="parts">
      <div>${this.renderChoices(host)}${this.renderSwitches(sizes, host, own)}</div>
      <div class="side">${this.renderTurned(sizes, host, own)}${this.renderHeld(host)}${this.renderHistory(sizes)}</div>
    </div>`
  }

  private renderChoices(host: HostSnapshot) {
    return html`<div class="row choices">
      <label>Switches of <select class="small" aria-label="Whose switches" @change=${this.chooseHost}>
        ${this.lab.hosts.map(({ name }) => html`<option ?selected=${name === host.name}>${name}</option>`)}
      </select></label>
      <span class="mute">runs ${host.profile}; <i>Budget</i>, above, restarts it in another profile</span>
    </div>`
  }

  private renderSwitches(sizes: Sizes, host: HostSnapshot, own: ReadonlySet<string>) {
    const on = this.turned ?? own
    return html`<table data-testid="switches">
      <thead><tr><th scope="col">switch</th><th scope="col" class="min" title="minified">bytes</th><th scope="col">gzip</th>
        ${PROFILES.map(name => html`<th scope="col">${name}</th>`)}<th scope="col" class="words">without it</th></tr></thead>
      <tbody class="mono">${Object.entries(sizes.switches).map(
        ([name, { min, gzip }]) => html`<tr data-switch=${name}>
          <th scope="row"><label class=${on.has(name) === own.has(name) ? '' : 'changed'}><input type="checkbox" .checked=${on.has(name)} @change=${() => this.turn(name, on)} />${name}</label></th>
          <td class="min">${grouped(min)}</td><td>${grouped(gzip)}</td>
          ${PROFILES.map(profile => presence(sizes.profiles[profile]?.switches.includes(name) ?? false, profile))}
          <td class="words">${WITHOUT[name] ?? ''}</td></tr>`,
      )}</tbody>
      ${Object.keys(sizes.switches).length === 0 ? html`<tbody><tr><td class="words" colspan="7" role="status">Each switch is being measured …</td></tr></tbody>` : nothing}
      <tfoot class="mono">
        <tr><th scope="row">text, bytes</th><td class="min"></td><td></td>${PROFILES.map(name => html`<td class=${name === host.profile ? '' : 'off'}>${grouped(sizes.profiles[name]?.min ?? 0)}</td>`)}<td class="words"></td></tr>
        <tr><th scope="row">gzip</th><td class="min"></td><td></td>${PROFILES.map(name => html`<td class=${name === host.profile ? '' : 'off'}>${grouped(sizes.profiles[name]?.gzip ?? 0)}</td>`)}<td class="words"></td></tr>
        <tr><th scope="row" title="The same switches, but of every module that is imported all is kept, also what nothing calls">without LTO</th><td class="min"></td><td></td>${PROFILES.map(name => html`<td class=${name === host.profile ? '' : 'off'}>${grouped(sizes.profiles[name]?.unshaken ?? 0)}</td>`)}<td class="words"></td></tr>
      </tfoot>
    </table>
    <p class="mute choices">A switch’s cost: the full profile with it less the full profile without it, minified and as gzip, measured when the page was built.</p>`
  }

  /** Code and data, two rows against one budget: a machine has to hold both. */
  private renderHeld(host: HostSnapshot) {
    const text = this.lab.textOf(host) ?? 0
    const { size } = host.memory
    const whole = text + size
    const share = (part: number) => `width:${(part / whole) * 100}%`
    return html`<section aria-label="Code and data">
      <h3>Code and data of ${host.name}</h3>
      <div class="track" role="img" aria-label="code ${grouped(text)} bytes, data ${grouped(size)} bytes"><i class="code" style=${share(text)}></i><i class="data" style=${share(size)}></i></div>
      <table data-testid="held"><tbody class="mono">
        <tr><th scope="row">code: the ${host.profile} stack’s file</th><td>${grouped(text)}</td></tr>
        <tr><th scope="row">data: the arena</th><td>${grouped(size)}</td></tr>
      </tbody><tfoot class="mono"><tr><th scope="row">the machine holds</th><td>${grouped(whole)}</td></tr></tfoot></table>
      <p class="mute">${this.lab.textCounts ? 'The text counts: a restart gives the arena what it leaves of the budget.' : html`The budget is the arena alone; <i>Budget · the text counts</i> makes it hold both.`}</p>
    </section>`
  }

  private renderTurned(sizes: Sizes, host: HostSnapshot, own: ReadonlySet<string>) {
    const on = this.turned ?? own
    const { min, gzip } = saving(sizes, own, on)
    const before = sizes.profiles[host.profile]
    const left = inOrder(own).filter(name => !on.has(name))
    const come = inOrder(on).filter(name => !own.has(name))
    const changes = [
      left.length ? `without ${left.join(', ')}` : '',
      come.length ? `with ${come.join(', ')}` : '',
    ]
    return html`<section aria-label="What it would save">
      <h3>What it would save</h3>
      <div role="status" data-testid="saving">${
        left.length + come.length === 0 || before === undefined
          ? html`<p class="mute">Turn a switch: what it would save against ${host.profile} is told here.</p>`
          : html`<p>${host.profile} ${changes.filter(Boolean).join(' and ')}:
              <b>${min >= 0 ? `${grouped(min)} bytes less` : `${grouped(-min)} bytes more`}</b>,
              ${gzip >= 0 ? `${grouped(gzip)} less` : `${grouped(-gzip)} more`} as gzip${min > before.min / 1000 ? ` (${((min / before.min) * 100).toFixed(1)} % of the text)` : ''}.</p>`
      }
      ${this.because.map(reason => html`<p>${reason}</p>`)}</div>
      ${
        this.turned === undefined
          ? nothing
          : html`<p class="mute">The sum of each switch’s own cost; what two share goes only with both. The set itself, to the byte:
              <code>npm run size -- --with ${inOrder(on).join(',') || "''"}</code></p>
            <p><button class="small" @click=${this.reset}>Back to ${host.profile}</button></p>`
      }
    </section>`
  }

  private renderHistory(sizes: Sizes) {
    const kB = (bytes: number | undefined) => (bytes === undefined ? '–' : `${(bytes / 1000).toFixed(1)} kB`)
    const n = this.applications
    return html`<section aria-label="History">
      <h3>History: the “net, diet” series, 2014</h3>
      <table><thead><tr><th scope="col">text</th><th scope="col">then: Linux</th><th scope="col">now: lanlet</th></tr></thead><tbody class="mono">
        <tr><th scope="row">all features</th><td>about ${HISTORY.full} kB</td><td>${kB(sizes.profiles['full']?.min)}</td></tr>
        <tr><th scope="row">on a diet, with LTO</th><td>about ${HISTORY.diet} kB</td><td>${kB(sizes.profiles['minimal']?.min)}</td></tr>
        <tr><th scope="row">lwIP, in each application</th><td>a bit over ${HISTORY.lwip} kB</td><td class="off">not measured here</td></tr>
      </tbody></table>
      <p><label><input class="small number" type="number" min="1" max=${MOST_APPLICATIONS} aria-label="Applications" .value=${String(n)} @input=${this.count} /> applications</label>
        with a stack each: <b>over ${n * HISTORY.lwip} kB</b>; one that they share: <b>${HISTORY.diet} kB</b>.</p>
      <p class="mute">The figures of 2014 are those of its authors, for machine code; ours are bytes of JavaScript. They stand beside each other, they do not compare.</p>
    </section>`
  }

  private turn(name: string, on: ReadonlySet<string>): void {
    const { on: turned, because } = turn(on, name)
    this.turned = turned
    this.because = because
  }

  private reset(): void {
    this.turned = undefined
    this.because = []
  }

  private chooseHost(event: Event): void {
    this.chosenHost = (event.target as HTMLSelectElement).value
    this.reset()
  }

  private count(event: Event): void {
    const asked = Math.round(Number((event.target as HTMLInputElement).value))
    if (asked >= 1) this.applications = Math.min(MOST_APPLICATIONS, asked)
  }
}

const presence = (has: boolean, profile: string) =>
  html`<td class=${has ? '' : 'off'}><span aria-hidden="true">${has ? '●' : '–'}</span><span class="unseen">${has ? `in ${profile}` : `not in ${profile}`}</span></td>`

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-diet': DietView
  }
}
