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
      :host { display: grid; height: 100vh; height: 100dvh; min-height: 640px; grid-template: auto auto minmax(0, 1fr) / minmax(0, 1fr); }
      main { display: grid; grid-template: minmax(0, 1fr) minmax(190px, 30vh) / 280px minmax(0, 1fr) 392px; min-height: 0; }
      section { padding: var(--s4); overflow: auto; min-width: 0; min-height: 0; contain: layout style; }
      lanlet-dock { contain: layout style; }
      section > * + * { margin-top: var(--s5); }
      .middle { display: flex; padding-bottom: 0; overflow: hidden; border-left: 1px solid var(--line); }
      .middle > * { flex: 1; }
      .right { grid-area: 1 / 3 / 3 / 4; border-left: 1px solid var(--line); padding-bottom: 0; display: flex; flex-direction: column; }
      .right > :last-child { flex: 1; }
      lanlet-dock { grid-area: 2 / 1 / 3 / 3; }
      main:has(lanlet-dock[tall]) { grid-template-rows: minmax(0, 1fr) minmax(300px, 46vh); }
      @media (max-width: 1400px) { main { grid-template-columns: 256px minmax(0, 1fr) 360px; } }
      @media (max-width: 1100px) {
        :host { height: auto; min-height: 100vh; }
        main, main:has(lanlet-dock[tall]) { grid-template: 560px 320px auto / minmax(0, 1fr) 372px; }
        .middle { grid-area: 1 / 1 / 2 / 2; border-left: 0; }
        .right { grid-area: 1 / 2 / 3 / 3; }
        lanlet-dock { grid-area: 2 / 1 / 3 / 2; }
        .left { grid-area: 3 / 1 / 4 / 3; display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: var(--s5); border-top: 1px solid var(--line); }
        .left > * { margin-top: 0; }
      }
      @media (max-width: 720px) {
        main { display: flex; flex-direction: column; }
        section { border-left: 0; border-top: 1px solid var(--line); padding: var(--s3); overflow: visible; }
        .middle { height: 440px; border-top: 0; overflow: hidden; padding: var(--s3) var(--s1) 0; order: -2; }
        .left { order: -1; }
        .left { display: block; }
        .left > * + * { margin-top: var(--s5); }
        .right { border-left: 0; padding-bottom: var(--s3); }
        lanlet-dock { height: 420px; }
        lanlet-dock[tall] { height: 640px; }
        lanlet-memory-bar { position: sticky; top: 0; z-index: 2; background: var(--paper); }
      }
    `,
  ]

  override render() {
    const { lab, visit } = this
    return html`
      <lanlet-top-bar role="banner" .lab=${lab} .visit=${visit} @shortcuts=${this.showShortcuts}></lanlet-top-bar>
      <lanlet-memory-bar role="region" aria-label="Memory" .lab=${lab}></lanlet-memory-bar>
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
        <lanlet-dock role="region" aria-label="Capture" .lab=${lab}></lanlet-dock>
      </main>
      <p class="unseen" aria-live="polite" data-testid="announced">${this.announced}</p>
      <lanlet-shortcuts></lanlet-shortcuts>`
  }

  /** The newest message, for those who hear the page; lines of text are heard where they are shown. */
  private get announced(): string {
    const notice = this.lab.notices.findLast(({ about }) => about !== 'text')
    return notice ? `${notice.host}: ${notice.text}` : ''
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
