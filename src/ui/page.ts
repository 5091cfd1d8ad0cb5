import { css, html } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import type { Visit } from '../lab/visit.ts'
import type { Dock } from './dock.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'
import type { Shortcuts } from './shortcuts.ts'
import type { TopBar } from './top-bar.ts'
import './connection-view.ts'
import './conversation-list.ts'
import './dock.ts'
import './frame-detail.ts'
import './host-list.ts'
import './ladder.ts'
import './memory-bar.ts'
import './people-list.ts'
import './shortcuts.ts'
import './top-bar.ts'
import './transfer-list.ts'

/** Where everything stands, and the keys that work everywhere. */
@customElement('lanlet-page')
export class Page extends LabElement {
  @property({ attribute: false }) visit!: Visit

  static override styles = [
    shapes,
    css`
      :host { display: grid; height: 100vh; height: 100dvh; min-height: 640px; grid-template: auto auto minmax(0, 1fr) minmax(200px, 30vh) / minmax(0, 1fr); }
      main { display: grid; grid-template-columns: 296px minmax(0, 1fr) 380px; min-height: 0; }
      section { padding: var(--s4); overflow: auto; min-width: 0; min-height: 0; }
      section + section { border-left: 1px solid var(--line); }
      section > * + * { margin-top: var(--s5); }
      .middle { display: flex; padding-bottom: 0; overflow: hidden; }
      .middle > * { flex: 1; }
      @media (max-width: 1100px) {
        :host { height: auto; min-height: 100vh; grid-template-rows: auto auto auto 360px; }
        main { grid-template: 520px auto / minmax(0, 1fr) 360px; }
        .left { grid-row: 2; grid-column: 1 / -1; display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: var(--s5); border-top: 1px solid var(--line); }
        .left > * { margin-top: 0; }
        .middle { border-left: 0; }
      }
      @media (max-width: 720px) {
        main { display: flex; flex-direction: column; }
        section { border-left: 0; border-top: 1px solid var(--line); padding: var(--s3); overflow: visible; }
        .middle { order: -2; height: 440px; border-top: 0; overflow: hidden; padding-bottom: 0; }
        .right { order: -1; }
        .left { display: block; }
        .left > * + * { margin-top: var(--s5); }
        lanlet-memory-bar { position: sticky; top: 0; z-index: 2; background: var(--paper); }
      }
    `,
  ]

  override render() {
    const { lab, visit } = this
    return html`
      <lanlet-top-bar role="banner" .lab=${lab} .visit=${visit} @shortcuts=${this.showShortcuts}></lanlet-top-bar>
      <lanlet-memory-bar .lab=${lab}></lanlet-memory-bar>
      <main>
        <section class="left" aria-label="Segment">
          <lanlet-people-list .lab=${lab} .visit=${visit}></lanlet-people-list>
          <lanlet-host-list .lab=${lab} .visit=${visit}></lanlet-host-list>
          <lanlet-conversation-list .lab=${lab}></lanlet-conversation-list>
          <lanlet-transfer-list .lab=${lab}></lanlet-transfer-list>
        </section>
        <section class="middle" aria-label="Ladder"><lanlet-ladder .lab=${lab}></lanlet-ladder></section>
        <section class="right" aria-label="Details">
          <lanlet-connection .lab=${lab}></lanlet-connection>
          <lanlet-frame-detail .lab=${lab}></lanlet-frame-detail>
        </section>
      </main>
      <lanlet-dock .lab=${lab}></lanlet-dock>
      <lanlet-shortcuts></lanlet-shortcuts>`
  }

  override connectedCallback(): void {
    super.connectedCallback()
    document.addEventListener('keydown', this.key)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    document.removeEventListener('keydown', this.key)
  }

  private showShortcuts(): void {
    this.renderRoot.querySelector<Shortcuts>('lanlet-shortcuts')?.open()
  }

  private readonly key = (event: KeyboardEvent): void => {
    const target = event.composedPath()[0]
    const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === '?') this.showShortcuts()
    else if (event.key === 'i') void this.renderRoot.querySelector<TopBar>('lanlet-top-bar')?.invite()
    else if (event.key === 'Escape') this.lab.select(undefined)
    else if (event.key === '/') {
      event.preventDefault()
      this.renderRoot.querySelector<Dock>('lanlet-dock')?.focusFilter()
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-page': Page
  }
}
