import { css, html, nothing, svg } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { flowTitle } from '../lab/connection.ts'
import type { Fold, LadderPicture, LadderSubject } from '../lab/ladder.ts'
import type { Station } from '../lab/stations.ts'
import type { Follow } from '../lab/subject.ts'
import { LabElement } from './lab-element.ts'
import {
  arrowView,
  foldView,
  gapView,
  type LadderColumns,
  ladderColumns,
  stateView,
} from './ladder-drawing.ts'
import { ladderLook } from './ladder-look.ts'
import { shapes } from './look.ts'

/** So much is drawn above and below what is in sight. */
const MARGIN = 200
/** What is selected is brought so far inside. */
const AROUND = 24

/** The frames between two stations as a ladder. Only what is in sight is drawn. */
@customElement('lanlet-ladder')
export class Ladder extends LabElement {
  @state() private width = 640
  @state() private scrolledTo = 0
  @state() private tall = 400
  /** Frames whose folded run is open. */
  @state() private opened: ReadonlySet<number> = new Set()
  #following = true
  #shown: number | undefined
  #about = ''
  #arrows: LadderPicture['arrows'] = []
  #scroller: Element | undefined
  /** What scrolls has no more room than its scrollbar leaves. */
  #resize = new ResizeObserver(() => {
    const { clientWidth, clientHeight } = this.#scroller ?? this
    this.width = clientWidth
    this.tall = clientHeight
  })

  static override styles = [
    shapes,
    ladderLook,
    css`:host { display: flex; flex-direction: column; min-height: 0; }`,
  ]

  override render() {
    const { subject } = this.lab
    if (!subject)
      return html`<h2>Ladder</h2><p class="mute">Two hosts are starting. As soon as both have an address, the first opens a connection to the second.</p>`
    const picture = this.lab.picture(subject, this.opened)
    return html`
      <div class="row heading">
        <h2>${subject.left.name} ⇄ ${subject.right.name}
          <span class="mute">${subject.flow ? `${flowTitle(subject.flow)} · relative sequence numbers` : 'all between the two'}</span></h2>
        <span class="grow"></span>${this.renderChoice()}
      </div>
      ${this.renderPicture(subject, picture)}`
  }

  private renderPicture(subject: LadderSubject, picture: LadderPicture) {
    this.#arrows = picture.arrows
    const columns = ladderColumns(this.width)
    const top = this.scrolledTo - MARGIN
    const bottom = this.scrolledTo + this.tall + MARGIN
    const selected = this.lab.selected?.no
    const seen = picture.arrows.filter(arrow => arrow.bottom >= top && arrow.top <= bottom)
    return html`
      <svg class="names" width=${this.width} height="36" aria-hidden="true">
        ${nameView(subject.left, columns.left, columns)}${nameView(subject.right, columns.right, columns)}
      </svg>
      <div class="scroll" tabindex="0" role="listbox" aria-label="Frames between ${subject.left.name} and ${subject.right.name}, time downwards"
        aria-activedescendant=${seen.some(({ no }) => no === selected) ? `f${selected}` : nothing} data-testid="ladder"
        @scroll=${this.scrolled} @keydown=${(event: KeyboardEvent) => this.key(event, picture)}>
        ${picture.earlier ? html`<p class="mute note">${picture.earlier} earlier frames stand in the table only.</p>` : nothing}
        ${picture.arrows.length + picture.folds.length === 0 ? html`<p class="mute note">No frame has passed between the two yet.</p>` : nothing}
        <svg width=${this.width} height=${Math.max(picture.height, 60)} role="presentation">
          <line class="life" x1=${columns.left} x2=${columns.left} y1="0" y2=${picture.height}></line>
          <line class="life" x1=${columns.right} x2=${columns.right} y1="0" y2=${picture.height}></line>
          ${picture.gaps.filter(gap => gap.bottom >= top && gap.top <= bottom).map(gap => gapView(gap, columns))}
          ${picture.folds.filter(fold => fold.y >= top && fold.y <= bottom).map(fold => foldView(fold, columns, () => this.toggle(fold)))}
          ${seen.map(arrow => arrowView(arrow, columns, arrow.no === selected, () => this.lab.select(arrow.no)))}
          ${picture.states.filter(mark => mark.y >= top && mark.y <= bottom).map(mark => stateView(mark, columns))}
        </svg>
        ${picture.later ? html`<p class="mute note">${picture.later} later frames: <button class="small" @click=${this.toNewest}>go to the newest</button></p>` : nothing}
      </div>`
  }

  private renderChoice() {
    const { follow } = this.lab
    const flows = this.lab.log.flows.all.slice(-50)
    const [first, ...others] = this.lab.stations.all
    const name = (address: string) => this.lab.stations.nameOfAddress(address)
    return html`<select class="small" aria-label="What the ladder shows" data-testid="ladder-choice" @change=${this.choose}>
      <option value="newest" ?selected=${follow.kind === 'newest'}>newest connection</option>
      ${flows.map(
        flow => html`<option value="flow ${flow.id}" ?selected=${follow.kind === 'flow' && follow.id === flow.id}>
          ${name(flow.ends[0].address)}:${flow.ends[0].port} → ${name(flow.ends[1].address)}:${flow.ends[1].port}${flow.over ? ' (over)' : ''}</option>`,
      )}
      ${
        first === undefined
          ? nothing
          : others.map(
              other => html`<option value="pair ${first.mac} ${other.mac}"
          ?selected=${follow.kind === 'pair' && follow.right === other.mac}>all: ${first.name} ⇄ ${other.name}</option>`,
            )
      }
    </select>`
  }

  override connectedCallback(): void {
    super.connectedCallback()
    if (this.#scroller) this.#resize.observe(this.#scroller)
  }

  override updated(): void {
    const scroller = this.renderRoot.querySelector('.scroll')
    if (!scroller) return
    if (scroller !== this.#scroller) this.#resize.observe(scroller)
    this.#scroller = scroller
    const selected = this.lab.selected?.no
    const { subject } = this.lab
    const about = `${subject?.left.mac} ${subject?.right.mac} ${subject?.flow?.id}`
    if (about !== this.#about) this.#following = true
    this.#about = about
    if (selected !== this.#shown) {
      this.#shown = selected
      if (selected !== undefined) this.bringIntoSight(scroller, selected)
    } else if (this.#following) scroller.scrollTop = scroller.scrollHeight
  }

  private bringIntoSight(scroller: Element, no: number): void {
    const arrow = this.#arrows.find(each => each.no === no)
    if (!arrow) return
    this.#following = false
    const { scrollTop, clientHeight } = scroller
    if (arrow.top - AROUND < scrollTop || arrow.bottom + AROUND > scrollTop + clientHeight)
      scroller.scrollTop = (arrow.top + arrow.bottom - clientHeight) / 2
  }

  private toggle({ first, last, open }: Fold): void {
    const opened = new Set(this.opened)
    if (open) for (const no of opened) if (no >= first && no <= last) opened.delete(no)
    if (!open) opened.add(first)
    const selected = this.lab.selected?.no
    if (open && selected !== undefined && selected >= first && selected <= last) this.lab.select(undefined)
    this.#following = false
    this.opened = opened
  }

  private toNewest(): void {
    this.#following = true
    this.lab.select(undefined)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resize.disconnect()
  }

  private choose(event: Event): void {
    const [kind, one = '', two = ''] = (event.target as HTMLSelectElement).value.split(' ')
    const follow: Follow =
      kind === 'flow'
        ? { kind, id: Number(one) }
        : kind === 'pair'
          ? { kind, left: one, right: two }
          : { kind: 'newest' }
    this.#following = true
    this.lab.setFollow(follow)
  }

  private scrolled(event: Event): void {
    const { scrollTop, scrollHeight, clientHeight } = event.target as HTMLElement
    this.scrolledTo = scrollTop
    this.#following = scrollHeight - scrollTop - clientHeight < 24
  }

  private key(event: KeyboardEvent, { arrows }: LadderPicture): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0 || arrows.length === 0) return
    event.preventDefault()
    const at = arrows.findIndex(({ no }) => no === this.lab.selected?.no)
    const next =
      at < 0 ? (step > 0 ? 0 : arrows.length - 1) : Math.min(arrows.length - 1, Math.max(0, at + step))
    const arrow = arrows[next]
    if (arrow) this.lab.select(arrow.no)
  }
}

function nameView({ name, address }: Station, x: number, { tight }: LadderColumns) {
  return svg`<text x=${x} y="14" text-anchor="middle" class="name">${name}</text>
    <text x=${x} y="30" text-anchor="middle" class=${tight ? 'mute tight' : 'mute'}>${address ?? 'no address yet'}</text>`
}

declare global {
  interface HTMLElementTagNameMap {
    'lanlet-ladder': Ladder
  }
}
