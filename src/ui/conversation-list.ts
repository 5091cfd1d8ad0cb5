import { css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import type { ConnectionId, Conversation } from '../host/protocol.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'
import { refusal } from './refusal.ts'

/** The text conversations of this page's hosts: both ways, closed in order or reset. */
@customElement('lanlet-conversation-list')
export class ConversationList extends LabElement {
  @state() private refused: { readonly connection: ConnectionId; readonly why: string } | undefined
  @state() private put: ReadonlySet<ConnectionId> = new Set()

  /** How many lines were shown, to follow new ones only. */
  #lines = 0

  static override styles = [
    shapes,
    css`
      article { border: 1px solid var(--line); border-radius: var(--r); background: var(--panel); padding: var(--s2) var(--s3); margin-bottom: var(--s2); }
      .log { max-height: 132px; overflow: auto; margin: var(--s1) 0; }
      ol li { overflow-wrap: anywhere; }
      .mine { padding-left: var(--s4); }
      .who { color: var(--mute); }
      form { display: flex; gap: var(--s1); margin-top: var(--s1); }
      input { flex: 1; min-width: 0; }
      h3 { margin: 0; }
      .foot { margin-top: var(--s1); gap: var(--s1); font-size: var(--tiny); }
    `,
  ]

  override render() {
    const shown = this.lab.conversations.filter(({ connection, open }) => open || !this.put.has(connection))
    return html`<h2>Conversations</h2>
      ${shown.length === 0 ? html`<p class="mute">None. <b>Talk</b> beside a host opens a TCP connection to its port 23.</p>` : nothing}
      ${repeat(
        shown,
        ({ connection }) => connection,
        each => this.renderConversation(each),
      )}`
  }

  private renderConversation(talk: Conversation) {
    const { connection, host, remoteAddress, remotePort, localPort, open, lines, ended } = talk
    const other = this.lab.stations.nameOfAddress(remoteAddress)
    return html`<article data-testid="conversation" data-connection=${connection} data-host=${host} data-open=${open} @focusin=${() => this.lab.watch(connection)} aria-label="${host} with ${other}">
      <h3>${host} ⇄ ${other} <span class="mute">port ${localPort} ⇄ ${remotePort}</span></h3>
      <div class="log" role="log" aria-label="What was said" tabindex="0"><ol class="mono" data-testid="lines">
        ${lines.map(({ mine, text }) => html`<li class=${mine ? 'mine' : ''}><span class="who">${mine ? host : other}</span> ${text}</li>`)}
      </ol></div>
      ${
        open
          ? this.renderForm(talk)
          : html`<div class="row foot"><span class="mute grow" data-testid="ended">${ended ?? 'Closed.'}</span>
        <button class="small" @click=${() => (this.put = new Set(this.put).add(connection))}>Put away</button></div>`
      }
      ${open && this.refused?.connection === connection ? html`<p class="wrong" role="status">${this.refused.why}</p>` : nothing}
    </article>`
  }

  private renderForm({ connection }: Conversation) {
    return html`<form @submit=${(event: Event) => this.say(event, connection)}>
        <input class="small mono" name="text" aria-label="A line of text" placeholder="a line of text" autocomplete="off" data-testid="say" />
        <button class="small go" data-testid="send">Send</button>
      </form>
      <div class="row foot"><span class="grow"></span>
        <button class="small" title="FIN: no more from this side, in order" data-testid="close" @click=${() => this.attempt(connection, () => this.lab.close(connection))}>Close · FIN</button>
        <button class="small" title="RST: ends at once, and what was under way is lost" data-testid="reset" @click=${() => this.attempt(connection, () => this.lab.abort(connection))}>Reset · RST</button>
      </div>`
  }

  override updated(): void {
    const lines = this.lab.conversations.reduce((sum, conversation) => sum + conversation.lines.length, 0)
    if (lines === this.#lines) return
    this.#lines = lines
    for (const list of this.renderRoot.querySelectorAll('.log')) list.scrollTop = list.scrollHeight
  }

  private async say(event: Event, connection: ConnectionId): Promise<void> {
    event.preventDefault()
    const input = (event.target as HTMLFormElement).querySelector('input')
    const text = input?.value ?? ''
    if (!input) return
    if (text === '') {
      this.refused = { connection, why: 'There is nothing to send: write a line of text first.' }
      input.focus()
      return
    }
    // The line stays in the field until the stack has taken it.
    if (await this.attempt(connection, () => this.lab.say(connection, text))) input.value = ''
  }

  private async attempt(connection: ConnectionId, action: () => Promise<void>): Promise<boolean> {
    try {
      await action()
      this.refused = undefined
      return true
    } catch (error) {
      this.refused = { connection, why: refusal(error) }
      return false
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-conversation-list': ConversationList
  }
}
