import { css, html, LitElement, type PropertyValues } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import type { HostSnapshot, ProfileName } from '../host/protocol.ts'
import { PRESETS, parseBudget, sizeName } from '../lab/budget.ts'
import type { Lab } from '../lab/lab.ts'
import { shapes } from './look.ts'
import { refusal } from './refusal.ts'

const PROFILES: readonly ProfileName[] = ['full', 'client', 'minimal']

/** Restarts a host in another budget or profile. A refusal stands beside the control; the old host goes on. */
@customElement('lanlet-budget-form')
export class BudgetForm extends LitElement {
  @property({ attribute: false }) lab!: Lab
  @property({ attribute: false }) host!: HostSnapshot
  @state() private text = ''
  @state() private profile: ProfileName = 'full'
  @state() private ipv6 = false
  @state() private busy = false
  @state() private refused: string | undefined
  @state() private done: string | undefined

  static override styles = [
    shapes,
    css`
      form { display: flex; flex-wrap: wrap; align-items: center; gap: var(--s2); }
      input:not([type]) { width: 110px; }
      [type='checkbox'] { min-height: 0; accent-color: var(--accent); }
      label { display: inline-flex; align-items: center; gap: var(--s1); color: var(--mute); }
      label > * { color: var(--ink); }
      [aria-pressed='true'] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
      p { flex-basis: 100%; }
    `,
  ]

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('host')
    if (changed.has('host') && before?.name !== this.host.name) {
      this.text = sizeName(this.lab.budgetOf(this.host))
      this.profile = this.host.profile
      this.ipv6 = this.host.ipv6
      this.refused = this.done = undefined
    }
  }

  override render() {
    return html`<form @submit=${this.submit} data-testid="budget-form">
      ${PRESETS.map(
        ({ bytes, name }) =>
          html`<button type="button" class="small" aria-pressed=${this.isBudget(bytes)} ?disabled=${this.busy}
            @click=${() => this.restart(bytes)}>${name}</button>`,
      )}
      <label>or <input class="small mono" aria-label="Budget, such as 64 KiB" data-testid="budget-value" .value=${this.text}
        @input=${(event: InputEvent) => (this.text = (event.target as HTMLInputElement).value)} /></label>
      <label>profile <select class="small" data-testid="profile" @change=${this.chooseProfile}>
        ${PROFILES.map(name => html`<option ?selected=${name === this.profile}>${name}</option>`)}
      </select></label>
      <label title="From the next restart on; only the full profile has it."><input type="checkbox" data-testid="ipv6" .checked=${this.ipv6}
        @change=${(event: Event) => (this.ipv6 = (event.target as HTMLInputElement).checked)} /> IPv6</label>
      <label><input type="checkbox" data-testid="text-counts" .checked=${this.lab.textCounts} @change=${this.count} /> the text counts</label>
      <button class="small go" data-testid="budget-apply" ?disabled=${this.busy}>Restart ${this.host.name}</button>
      <p class="mute" role="status" data-testid="budget-message">
        ${this.refused ? html`<span class="wrong">${this.refused}</span>` : (this.done ?? 'A restart ends its connections; its name and MAC stay.')}
      </p>
    </form>`
  }

  /** An arena is a whole number of words: up to 3 bytes less than what the text leaves. */
  private isBudget(bytes: number): boolean {
    const difference = bytes - this.lab.budgetOf(this.host)
    return difference >= 0 && difference < 4
  }

  private count(event: Event): void {
    this.lab.textCounts = (event.target as HTMLInputElement).checked
    this.refused = undefined
    this.done = this.lab.textCounts
      ? 'From the next restart on, a budget holds the stack’s text as well as its data.'
      : 'A budget is what the arena may have; the text stands beside it.'
  }

  private chooseProfile(event: Event): void {
    const value = (event.target as HTMLSelectElement).value
    this.profile = PROFILES.find(name => name === value) ?? this.profile
  }

  private submit(event: Event): void {
    event.preventDefault()
    const budget = parseBudget(this.text)
    if (budget.ok) void this.restart(budget.bytes)
    else this.refused = budget.why
  }

  private async restart(bytes: number): Promise<void> {
    this.busy = true
    this.refused = this.done = undefined
    try {
      await this.lab.restart(this.host.name, this.profile, bytes, this.ipv6)
      this.text = sizeName(bytes)
      this.done = `${this.host.name} runs anew: ${this.profile}, ${sizeName(bytes)}${this.ipv6 ? ipv6Words(this.profile) : ''}.`
    } catch (error) {
      this.refused = refusal(error)
    } finally {
      this.busy = false
    }
  }
}

const ipv6Words = (profile: ProfileName): string =>
  profile === 'full' ? ', IPv4 and IPv6' : '; IPv6 is in the full profile alone'

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-budget-form': BudgetForm
  }
}
