import { html, LitElement } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { kept } from './kept.ts'
import { shapes } from './look.ts'

const THEMES = ['auto', 'light', 'dark'] as const
type Theme = (typeof THEMES)[number]
const KEY = 'lanlet.theme'
const device = kept(() => localStorage)
const SIGNS: Readonly<Record<Theme, string>> = { auto: '◐', light: '○', dark: '●' }

/** Light, dark, or as the system has it; kept on this device. */
@customElement('lanlet-theme-button')
export class ThemeButton extends LitElement {
  @state() private theme: Theme = THEMES.find(name => name === device?.getItem(KEY)) ?? 'auto'

  static override styles = [shapes]

  override connectedCallback(): void {
    super.connectedCallback()
    this.apply()
  }

  override render() {
    return html`<button data-testid="theme" aria-label="Theme: ${this.theme}" title="Theme: ${this.theme}" @click=${this.next}>${SIGNS[this.theme]}</button>`
  }

  private next(): void {
    this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? 'auto'
    device?.setItem(KEY, this.theme)
    this.apply()
  }

  private apply(): void {
    if (this.theme === 'auto') document.documentElement.removeAttribute('data-theme')
    else document.documentElement.setAttribute('data-theme', this.theme)
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-theme-button': ThemeButton
  }
}
