/** Lines of UTF-8 in a stream of bytes: each ends with LF; a CR before it is dropped. */

/** The longest line, in bytes. A longer one arrives in pieces of this length. */
export const LINE_MAX = 4096
const LF = 10
const CR = 13

/** The bytes of one line, or a sentence that says why it cannot be one. */
export function encodeLine(text: string): Uint8Array | string {
  if (/[\r\n]/.test(text)) return 'A line of text has no line break in it; send each line by itself.'
  const bytes = new TextEncoder().encode(`${text}\n`)
  return bytes.length - 1 > LINE_MAX
    ? `The line is ${bytes.length - 1} bytes long; ${LINE_MAX} is the most that one line can have.`
    : bytes
}

/** Cuts a stream into lines; holds at most one line's bytes. */
export class LineReader {
  readonly #line = new Uint8Array(LINE_MAX)
  #length = 0
  readonly #decoder = new TextDecoder()

  /** Calls `take` with each line that these bytes complete. */
  push(bytes: Uint8Array, take: (line: string) => void): void {
    for (const byte of bytes) {
      if (byte === LF) this.#finish(take)
      else {
        if (this.#length === LINE_MAX) this.#finish(take)
        this.#line[this.#length++] = byte
      }
    }
  }

  /** The stream has ended: what is left is a line too. */
  end(take: (line: string) => void): void {
    if (this.#length > 0) this.#finish(take)
  }

  #finish(take: (line: string) => void): void {
    const length = this.#length > 0 && this.#line[this.#length - 1] === CR ? this.#length - 1 : this.#length
    this.#length = 0
    take(this.#decoder.decode(this.#line.subarray(0, length)))
  }
}
