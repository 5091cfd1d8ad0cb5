/** How often somebody may make us do something: so many times in a second and no more. */
export class Rate {
  readonly #most: number
  #second = 0
  #count = 0

  constructor(most: number) {
    this.#most = most
  }

  allows(): boolean {
    const second = Math.floor(performance.now() / 1_000)
    if (second !== this.#second) this.#count = 0
    this.#second = second
    return ++this.#count <= this.#most
  }
}
