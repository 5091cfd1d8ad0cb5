import { VirtualizerController } from '@tanstack/lit-virtual'
import { html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { createRef, type Ref, ref } from 'lit/directives/ref.js'
import { repeat } from 'lit/directives/repeat.js'
import type { LoggedFrame } from '../lab/frame-log.ts'
import { packetOf } from '../lab/packet.ts'
import { PacketList } from '../lab/packet-list.ts'
import { LabElement } from './lab-element.ts'
import { seconds } from './ladder-drawing.ts'
import { shapes } from './look.ts'
import { packetTableLook } from './packet-table-look.ts'

const ROW = 22
/** Where a row takes two lines. */
const NARROW_ROW = 42

/** Every frame of the capture that the filter lets through. Rows are made for what is in sight, and only then read. */
@customElement('lanlet-packet-table')
export class PacketTable extends LabElement {
  @state() private filterText = ''
  @state() private narrow = false
  #list = new PacketList()
  #scroller: Ref<HTMLElement> = createRef()
  #following = true
  #shown: number | undefined
  #count = 0
  #rows = new VirtualizerController<HTMLElement, HTMLElement>(this, {
    count: 0,
    getScrollElement: () => this.#scroller.value ?? null,
    estimateSize: () => (this.narrow ? NARROW_ROW : ROW),
    overscan: 8,
  })
  #resize = new ResizeObserver(([entry]) => {
    if (entry) this.setNarrow(entry.contentRect.width < 640)
  })

  static override styles = [shapes, packetTableLook]

  override render() {
    const { lab } = this
    this.#list.read(lab.log, lab.stations)
    const frames = this.#list.frames
    const rows = this.#rows.getVirtualizer()
    rows.setOptions({
      ...rows.options,
      count: frames.length,
      estimateSize: () => (this.narrow ? NARROW_ROW : ROW),
    })
    const selected = lab.selected?.no
    return html`
      ${this.renderFilter(frames.length)}
      <div class="scroll ${this.narrow ? 'narrow' : ''}" ${ref(this.#scroller)} role="grid" tabindex="0" aria-label="Packets"
        aria-rowcount=${frames.length + 1} aria-colcount="7" data-testid="packets"
        aria-activedescendant=${rows.getVirtualItems().some(({ index }) => frames[index]?.no === selected) ? `p${selected}` : nothing}
        @scroll=${this.scrolled} @keydown=${this.key}>
        <div class="line heads" role="row" aria-rowindex="1">
          ${['No.', 'Time', 'From', 'To', 'Protocol', 'Length', 'Info'].map(
            (name, i) => html`<span role="columnheader" class="c${i}">${name}</span>`,
          )}
        </div>
        <div class="space" role="rowgroup" style="height:${rows.getTotalSize()}px">
          ${repeat(
            rows.getVirtualItems(),
            ({ key }) => key,
            ({ index, start }) => this.renderRow(frames[index], index, start, selected),
          )}
        </div>
        ${frames.length === 0 ? html`<p class="mute none">${lab.log.frames.length ? 'No frame passes the filter.' : 'No frame has been captured yet.'}</p>` : nothing}
      </div>`
  }

  private renderFilter(shown: number) {
    const { log } = this.lab
    const { filter } = this.#list
    return html`<div class="row filter">
      <input class="small mono" type="search" placeholder="filter: tcp  host:alice  port:23  -arp" aria-label="Filter packets"
        data-testid="filter" aria-invalid=${filter.kind === 'wrong'} aria-describedby="why" .value=${this.filterText} @input=${this.filtered} />
      <span id="why" role="status" class="grow">${filter.kind === 'wrong' ? html`<span class="wrong" data-testid="filter-wrong">${filter.why}</span>` : nothing}</span>
      <span class="mono mute" data-testid="packet-count">${shown} of ${log.frames.length}${log.forgotten ? ` · ${log.forgotten} older let go` : ''}${log.leftOut ? ` · ${log.leftOut} in the capture only` : ''}</span>
    </div>`
  }

  private renderRow(
    frame: LoggedFrame | undefined,
    index: number,
    start: number,
    selected: number | undefined,
  ) {
    if (frame === undefined) return nothing
    const { no, time, from, to, protocol, length, info, meaning } = packetOf(frame, this.lab.stations)
    const chosen = no === selected
    return html`<div class="line ${chosen ? 'chosen' : ''}" role="row" id="p${no}" aria-rowindex=${index + 2} aria-selected=${chosen}
        data-testid="packet" data-no=${no} data-meaning=${meaning} style="transform:translateY(${start}px)" @click=${() => this.lab.select(no)}>
      <span role="gridcell" class="c0">${no}</span><span role="gridcell" class="c1">${seconds(time)}</span>
      <span role="gridcell" class="c2">${from}</span><span role="gridcell" class="c3">${to}</span>
      <span role="gridcell" class="c4"><i class="key ${meaning}"></i>${protocol}</span>
      <span role="gridcell" class="c5">${length}</span><span role="gridcell" class="c6" title=${info}>${info}</span>
    </div>`
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#resize.observe(this)
  }

  override updated(): void {
    const { frames } = this.#list
    const selected = this.lab.selected?.no
    const rows = this.#rows.getVirtualizer()
    if (selected !== this.#shown) {
      this.#shown = selected
      const index = selected === undefined ? -1 : this.#list.indexOf(selected)
      if (index >= 0) rows.scrollToIndex(index, { align: 'auto' })
    } else if (this.#following && frames.length !== this.#count) {
      const scroller = this.#scroller.value
      if (scroller) scroller.scrollTop = scroller.scrollHeight
    }
    this.#count = frames.length
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resize.disconnect()
  }

  private setNarrow(narrow: boolean): void {
    if (narrow === this.narrow) return
    this.narrow = narrow
    // The heights it remembers are those of the other kind of row.
    this.updateComplete.then(() => this.#rows.getVirtualizer().measure())
  }

  focusFilter(): void {
    this.renderRoot.querySelector('input')?.focus()
  }

  private filtered(event: InputEvent): void {
    this.filterText = (event.target as HTMLInputElement).value
    this.#list.setFilter(this.filterText)
    this.#following = true
  }

  private scrolled(event: Event): void {
    const { scrollTop, scrollHeight, clientHeight } = event.target as HTMLElement
    this.#following = scrollHeight - scrollTop - clientHeight < ROW
  }

  private key(event: KeyboardEvent): void {
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: 8,
      PageUp: -8,
      Home: -1e9,
      End: 1e9,
    }
    const step = steps[event.key]
    const { frames } = this.#list
    if (step === undefined || frames.length === 0) return
    event.preventDefault()
    const selected = this.lab.selected?.no
    const at = selected === undefined ? -1 : this.#list.indexOf(selected)
    const from = at < 0 ? (step > 0 ? -1 : frames.length) : at
    const frame = frames[Math.min(frames.length - 1, Math.max(0, from + step))]
    if (frame) this.lab.select(frame.no)
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-packet-table': PacketTable
  }
}
