/** A component that shows the lab and is drawn anew when something in it changed. */
import { LitElement, type PropertyValues } from 'lit'
import { property } from 'lit/decorators.js'
import type { Lab } from '../lab/lab.ts'

export abstract class LabElement extends LitElement {
  /** Given by the page before the component is connected. */
  @property({ attribute: false }) lab!: Lab
  #stop: (() => void) | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    if (this.hasUpdated) this.#listen()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#stop?.()
    this.#stop = undefined
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('lab')) this.#listen()
  }

  #listen(): void {
    this.#stop?.()
    this.#stop = this.lab.onChange(() => this.requestUpdate())
  }
}
