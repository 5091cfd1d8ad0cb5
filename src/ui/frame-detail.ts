import { css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { type Effect, effectsOf } from '../lab/effect.ts'
import type { LoggedFrame } from '../lab/frame-log.ts'
import { againWords, lossOf, packetOf, relativeOf, wasUnheard } from '../lab/packet.ts'
import { dissect, type Field, type Layer } from '../stack/wire/dissect.ts'
import { count } from '../stack/wire/readable.ts'
import { flagNames } from '../stack/wire/tcp.ts'
import { LabElement } from './lab-element.ts'
import { shapes } from './look.ts'
import './frame-bytes.ts'

/** The selected frame: its headers field by field, its bytes, and a sentence on the field that is looked at. */
@customElement('lanlet-frame-detail')
export class FrameDetail extends LabElement {
  /** Which field is looked at: its layer's and its own place. */
  @state() private place: readonly [layer: number, field: number] | undefined
  /** Which headers a person opened or closed. */
  @state() private opened: ReadonlyMap<string, boolean> = new Map()
  #frame: LoggedFrame | undefined
  #layers: readonly Layer[] = []

  static override styles = [
    shapes,
    css`
      :host { display: flex; flex-direction: column; }
      .whole { flex: 1; display: flex; flex-direction: column; }
      details { border-top: 1px solid var(--line); padding: var(--s1) 0; }
      summary { cursor: pointer; font-size: 13px; }
      ul { margin-top: var(--s1); }
      li { display: grid; grid-template-columns: minmax(120px, 166px) 1fr; gap: var(--s2); padding: 1px var(--s2); cursor: default; border-radius: 3px; overflow-wrap: anywhere; }
      li:hover { background: var(--sunk); }
      li[aria-selected='true'] { background: var(--chosen); }
      .effect { margin-bottom: var(--s2); }
      .fault { grid-column: 1 / -1; font-family: var(--sans); font-size: var(--tiny); }
      .note { margin: var(--s2) 0; min-height: 2.9em; font-size: 13px; }
      .under { position: sticky; bottom: 0; margin-top: auto; background: var(--paper); padding-top: var(--s2); border-top: 1px solid var(--line); }
      @media (max-width: 720px) { .under { position: static; } }
    `,
  ]

  override render() {
    const frame = this.lab.selected
    if (!frame)
      return html`<h2>Frame</h2><p class="mute">Choose an arrow or a row: its headers and its bytes appear here. The arrow keys move on.</p>`
    this.#read(frame)
    const packet = packetOf(frame, this.lab.stations)
    const title = frame.segment ? flagNames(frame.segment.flags) : packet.protocol
    const lost = lossOf(frame.arrivals)
    const field = this.field
    return html`<div class="whole" data-testid="frame-detail">
      <h2>${title} <span class="mute">frame ${frame.no} · ${packet.from} → ${packet.to} · ${count(frame.bytes.length, 'byte')}</span></h2>
      ${lost ? html`<p class="wrong">Dropped: ${lost}</p>` : nothing}
      ${frame.segment?.again ? html`<p class="mute">Sent again: ${againWords(frame.segment.again)}.</p>` : nothing}
      ${wasUnheard(frame.arrivals) ? html`<p class="mute">Sent to all, and nobody else was on the segment.</p>` : nothing}
      ${effectsOf(frame, this.lab.log).map(effectView)}
      ${this.#layers.map((layer, i) => this.renderLayer(layer, i))}
      <div class="under">
        <lanlet-frame-bytes .bytes=${frame.bytes} .from=${field?.offset ?? 0} .to=${field ? field.offset + field.length : 0}
          @byte=${(event: CustomEvent<number>) => this.lookAtByte(event.detail)}></lanlet-frame-bytes>
        <p class="note mute" aria-live="polite" data-testid="field-note">
          ${field ? html`<b>${field.name}.</b> ${field.note}` : 'Choose a field or a byte: a sentence says what it is for.'}
        </p>
      </div>
    </div>`
  }

  private get field(): Field | undefined {
    return this.place && this.#layers[this.place[0]]?.fields[this.place[1]]
  }

  private renderLayer({ name, source, fields }: Layer, layer: number) {
    const active = this.place?.[0] === layer ? this.place[1] : -1
    return html`<details ?open=${this.isOpen(name, layer)} @toggle=${(event: Event) => this.toggled(event, name)}>
      <summary><b>${name}</b> <span class="mute">${source}</span>${fields.some(({ wrong }) => wrong) ? html` <span class="wrong">wrong</span>` : nothing}</summary>
      <ul class="mono" role="listbox" tabindex="0" aria-label=${name} data-testid="layer" data-layer=${name}
        aria-activedescendant=${active < 0 ? nothing : `l${layer}f${active}`} @keydown=${(event: KeyboardEvent) => this.key(event, layer)}>
        ${fields.map(
          (
            field,
            i,
          ) => html`<li role="option" id="l${layer}f${i}" aria-selected=${i === active} title=${field.note} data-testid="field"
              data-field=${field.name} @click=${() => (this.place = [layer, i])}>
            <span>${field.name}</span><span>${field.value}</span>
            ${field.wrong ? html`<span class="wrong fault">${field.wrong}</span>` : nothing}
          </li>`,
        )}
      </ul>
    </details>`
  }

  /** Until a person says otherwise, the innermost header is open, and any that holds a mistake. */
  private isOpen(name: string, layer: number): boolean {
    const said = this.opened.get(name)
    if (said !== undefined) return said
    const innermost = this.#layers.findLastIndex(({ source }) => source !== '')
    return layer >= innermost || (this.#layers[layer]?.fields.some(({ wrong }) => wrong) ?? false)
  }

  private toggled(event: Event, name: string): void {
    const { open } = event.target as HTMLDetailsElement
    const layer = this.#layers.findIndex(each => each.name === name)
    if (open !== this.isOpen(name, layer)) this.opened = new Map(this.opened).set(name, open)
  }

  /** Headers are read once a frame; the field looked at stays the same from frame to frame where there is one. */
  #read(frame: LoggedFrame): void {
    if (this.#frame === frame) return
    const before = this.place && this.#layers[this.place[0]]
    const name = this.field?.name
    this.#frame = frame
    this.#layers = dissect(frame.bytes, relativeOf(frame))
    const layer = this.#layers.findIndex(each => each.name === before?.name)
    const field = this.#layers[layer]?.fields.findIndex(each => each.name === name) ?? -1
    this.place = field < 0 ? undefined : [layer, field]
  }

  private lookAtByte(at: number): void {
    for (const [layer, { fields }] of this.#layers.entries()) {
      const field = fields.findIndex(({ offset, length }) => at >= offset && at < offset + length)
      if (field < 0) continue
      this.place = [layer, field]
      this.opened = new Map(this.opened).set(this.#layers[layer]?.name ?? '', true)
    }
  }

  private key(event: KeyboardEvent, layer: number): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const last = (this.#layers[layer]?.fields.length ?? 0) - 1
    const at = this.place?.[0] === layer ? this.place[1] + step : 0
    this.place = [layer, Math.min(last, Math.max(0, at))]
  }
}

/** What changed with the frame: only what a host told. */
const effectView = ({ host, before, after, toldBy }: Effect) =>
  html`<p class="effect" data-testid="frame-effect">${host}: ${before ? html`<span class="mono">${before}</span> → ` : 'begins in '}<b class="mono">${after}</b>${toldBy ? html` <span class="mute">told by ${toldBy}</span>` : nothing}</p>`

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-frame-detail': FrameDetail
  }
}
