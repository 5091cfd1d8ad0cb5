import { css, html, LitElement, nothing, svg } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { columnsFor, connectionsIn, litBy, pageAt, pageBeside, pageWords, squares } from '../lab/arena.ts'
import type { ConnectionRecord } from '../stack/inspect/inspect.ts'
import type { ArenaPages } from '../stack/inspect/pages.ts'
import { shapes } from './look.ts'
import { poolLook } from './memory-bar.ts'

/**
 * The arena's pages, each a square in its owner's colour. Pointer or arrow keys go from page to page, and what lives
 * there is told; a click, or Enter, chooses the connection that lives there. Fires 'choose' with its socket.
 */
@customElement('lanlet-arena-map')
export class ArenaMap extends LitElement {
  @property({ attribute: false }) pages!: ArenaPages
  @property({ attribute: false }) connections: readonly ConnectionRecord[] = []
  /** The connection whose pages are lit. */
  @property({ attribute: false }) chosen: number | undefined
  @state() private pointed: number | undefined
  @state() private focused = 0

  static override styles = [
    shapes,
    css`
      :host { display: flex; flex-direction: column; gap: var(--s1); min-height: 0; }
      .map { min-height: 0; cursor: crosshair; touch-action: manipulation; display: block; }
      svg { display: block; width: 100%; overflow: visible; }
      .lit { fill: none; stroke: var(--ink); stroke-width: 2; vector-effect: non-scaling-stroke; }
      .cursor { fill: none; stroke: var(--accent); stroke-width: 2; vector-effect: non-scaling-stroke; }
      .said { font-size: var(--tiny); min-height: 2.9em; overflow-wrap: anywhere; }
      .k { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 4px; vertical-align: -1px; border: 1px solid var(--line); }
    `,
  ]

  private get page(): number {
    return Math.min(this.pointed ?? this.focused, this.pages.pools.length - 1)
  }

  override render() {
    const { pages, page } = this
    const count = pages.pools.length
    const columns = columnsFor(count)
    const rows = Math.ceil(count / columns)
    const { pool, words } = pageWords(pages, page, this.connections)
    const lit = litBy(pages, this.chosen)
    const gap = count > 600 ? 0.12 : 0.16
    const told = `page ${page + 1} of ${count}: ${pool}${words && ` · ${words}`}`
    return html`<div class="map" role="slider" tabindex="0" data-testid="arena-map" aria-label="Page of the arena" aria-valuemin="1" aria-valuemax=${count}
        aria-valuenow=${page + 1} aria-valuetext=${told} style="max-width:${columns * 22}px"
        @pointermove=${this.point} @pointerleave=${() => (this.pointed = undefined)} @click=${this.press} @keydown=${this.key}>
        <svg viewBox="-0.1 -0.1 ${columns + 0.1} ${rows + 0.1}" aria-hidden="true">
          ${pages.poolNames.map((name, number) => {
            const path = squares(pages, (_page, owner) => owner === number, gap)
            return path && svg`<path d=${path} fill=${name === 'free' ? 'var(--line)' : poolLook(name)[0]} />`
          })}
          ${lit.size ? svg`<path class="lit" d=${squares(pages, at => lit.has(at), gap)} />` : nothing}
          <path class="cursor" d=${squares(pages, at => at === page, gap)} />
        </svg>
      </div>
      <p class="said" data-testid="arena-page"><i class="k" style="background:${pool === 'free' ? 'var(--line)' : poolLook(pool)[0]}"></i>${told}</p>`
  }

  private at(event: MouseEvent): number | undefined {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return pageAt(this.pages, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height)
  }

  private point(event: PointerEvent): void {
    this.pointed = this.at(event)
  }

  private press(event: MouseEvent): void {
    this.focused = this.at(event) ?? this.focused
    this.choose()
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Enter' || event.key === ' ') this.choose()
    else {
      const to = pageBeside(this.pages, this.page, event.key)
      if (to === undefined) return
      this.pointed = undefined
      this.focused = to
    }
    event.preventDefault()
  }

  private choose(): void {
    const socket = connectionsIn(this.pages, this.focused, this.connections)[0]?.socket
    if (socket !== undefined) this.dispatchEvent(new CustomEvent('choose', { detail: socket }))
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-arena-map': ArenaMap
  }
}
