/** The readable form of a frame: its headers, field by field, for traces, tests and the page. Never in a profile. */

/** One field of a header: what it is called in its RFC, what it says, and which bytes say it. */
export interface Field {
  readonly name: string
  readonly value: string
  /** Bytes from the start of the frame. */
  readonly offset: number
  /** In bytes, at least 1; fields that share a byte (flags) name the same byte. */
  readonly length: number
  /** A sentence for a learner: what this field is for. */
  readonly note: string
  /** What is wrong with it, when it is: 'Checksum is 0x1234, should be 0x4321.' */
  readonly wrong?: string
}

/** One header. */
export interface Layer {
  /** 'Ethernet II', 'Address Resolution Protocol', 'Transmission Control Protocol', … */
  readonly name: string
  /** 'RFC 9293, 3.1'. */
  readonly source: string
  readonly offset: number
  readonly length: number
  readonly fields: readonly Field[]
  /** One line for a table's Info column. */
  readonly summary: string
}
