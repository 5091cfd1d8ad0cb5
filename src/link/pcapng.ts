/**
 * Captures as files: pcapng (IETF draft-ietf-opsawg-pcapng), the part that a capture of Ethernet frames needs.
 *
 *   Section Header Block, one Interface Description Block a port, one Enhanced Packet Block a frame
 *
 * Times are microseconds since 1970. Written little-endian; read in either byte order, checked strictly: whatever
 * does not add up is refused with a sentence that names the place.
 */

/** Section 4.1 … 4.3. */
const SECTION_HEADER = 0x0a0d0d0a
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
/** LINKTYPE_ETHERNET. */
const ETHERNET = 1
/** Section 3.5: options. */
const END_OF_OPTIONS = 0
const COMMENT = 1
const IF_NAME = 2
const IF_TIME_RESOLUTION = 9
const MICROSECONDS = 6

export interface PcapngPacket {
  /** Index into the interfaces' names. */
  readonly interface: number
  /** Microseconds since 1970, an integer. */
  readonly time: number
  readonly bytes: Uint8Array
  /** A sentence about this frame: why it was dropped. */
  readonly comment: string | undefined
}

export interface PcapngFile {
  /** The names of the interfaces, in order. */
  readonly interfaces: readonly string[]
  readonly packets: readonly PcapngPacket[]
}

export class PcapngError extends Error {
  override readonly name = 'PcapngError'
}

const TWO_32 = 0x1_0000_0000
/** Not by bits: a length that lies may be anything below 2^32. */
const padded = (length: number): number => Math.ceil(length / 4) * 4
const optionSize = (value: Uint8Array): number => 4 + padded(value.length)

/** A cursor that writes blocks: little-endian, each option padded to 32 bits. */
class BlockWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  at = 0

  constructor(file: ArrayBuffer) {
    this.#bytes = new Uint8Array(file)
    this.#view = new DataView(file)
  }

  u16(value: number): void {
    this.#view.setUint16(this.at, value, true)
    this.at += 2
  }

  u32(value: number): void {
    this.#view.setUint32(this.at, value, true)
    this.at += 4
  }

  bytes(value: Uint8Array): void {
    this.#bytes.set(value, this.at)
    this.at += padded(value.length)
  }

  option(code: number, value: Uint8Array): void {
    if (value.length > 0xffff)
      throw new RangeError(`A name or comment has 65535 bytes at most, not ${value.length}.`)
    this.u16(code)
    this.u16(value.length)
    this.bytes(value)
  }
}

const text = new TextEncoder()

/** The file's bytes. Throws RangeError when a name or comment is too long for an option, or an interface is not there. */
export function writePcapng(file: PcapngFile): ArrayBuffer {
  const names = file.interfaces.map(name => text.encode(name))
  const comments = file.packets.map(packet =>
    packet.comment === undefined ? undefined : text.encode(packet.comment),
  )
  const nameSize = names.reduce((sum, name) => sum + interfaceSize(name), 0)
  const size = file.packets.reduce(
    (sum, packet, i) => sum + packetSize(packet, comments[i]),
    SECTION_SIZE + nameSize,
  )
  const made = new ArrayBuffer(size)
  const to = new BlockWriter(made)
  putSection(to)
  for (const name of names) putInterface(to, name)
  file.packets.forEach((packet, i) => {
    if (packet.interface >= names.length)
      throw new RangeError(`Packet ${i} names interface ${packet.interface} of ${names.length}.`)
    putPacket(to, packet, comments[i])
  })
  return made
}

const SECTION_SIZE = 28

function putSection(to: BlockWriter): void {
  to.u32(SECTION_HEADER)
  to.u32(SECTION_SIZE)
  to.u32(BYTE_ORDER_MAGIC)
  to.u16(1)
  to.u16(0)
  // 4.1: a section length of -1 says that it is not given.
  to.u32(0xffffffff)
  to.u32(0xffffffff)
  to.u32(SECTION_SIZE)
}

const interfaceSize = (name: Uint8Array): number => 20 + optionSize(name) + 8 + 4

function putInterface(to: BlockWriter, name: Uint8Array): void {
  to.u32(INTERFACE_DESCRIPTION)
  to.u32(interfaceSize(name))
  to.u16(ETHERNET)
  to.u16(0)
  // 4.2: a snap length of 0 is no limit.
  to.u32(0)
  to.option(IF_NAME, name)
  to.option(IF_TIME_RESOLUTION, Uint8Array.of(MICROSECONDS))
  to.option(END_OF_OPTIONS, new Uint8Array(0))
  to.u32(interfaceSize(name))
}

const packetSize = (packet: PcapngPacket, comment: Uint8Array | undefined): number =>
  32 + padded(packet.bytes.length) + (comment ? optionSize(comment) + 4 : 0)

function putPacket(to: BlockWriter, packet: PcapngPacket, comment: Uint8Array | undefined): void {
  const size = packetSize(packet, comment)
  to.u32(ENHANCED_PACKET)
  to.u32(size)
  to.u32(packet.interface)
  to.u32(Math.floor(packet.time / TWO_32))
  to.u32(packet.time % TWO_32)
  to.u32(packet.bytes.length)
  to.u32(packet.bytes.length)
  to.bytes(packet.bytes)
  if (comment) {
    to.option(COMMENT, comment)
    to.option(END_OF_OPTIONS, new Uint8Array(0))
  }
  to.u32(size)
}

/** Reads within one block's body; every step is checked against its end. */
class BlockReader {
  readonly #view: DataView
  readonly #little: boolean
  readonly #end: number
  readonly #what: string
  at: number

  constructor(view: DataView, at: number, end: number, little: boolean, what: string) {
    this.#view = view
    this.at = at
    this.#end = end
    this.#little = little
    this.#what = what
  }

  #step(length: number): number {
    const at = this.at
    if (at + length > this.#end) throw new PcapngError(`${this.#what} is too short for what it holds.`)
    this.at += length
    return at
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), this.#little)
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), this.#little)
  }

  bytes(length: number): Uint8Array {
    const at = this.#step(padded(length))
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length)
  }

  /** Calls `take` with each option up to the end. */
  options(take: (code: number, value: Uint8Array) => void): void {
    while (this.at < this.#end) {
      const code = this.u16()
      const value = this.bytes(this.u16())
      if (code === END_OF_OPTIONS) return
      take(code, value)
    }
  }
}

interface ReadInterface {
  readonly name: string
  /** Time units a second. */
  readonly resolution: number
}

/** A mark of the byte order is a character like others. */
const utf8 = (value: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(value)

/** Reads a file; throws PcapngError with a sentence when it is not one, or holds anything but Ethernet. */
export function readPcapng(file: Uint8Array): PcapngFile {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  if (file.length < SECTION_SIZE || view.getUint32(0) !== SECTION_HEADER)
    throw new PcapngError('This is not a pcapng file: it does not begin with a Section Header Block.')
  const magic = view.getUint32(8, true)
  const little = magic === BYTE_ORDER_MAGIC
  if (!little && view.getUint32(8) !== BYTE_ORDER_MAGIC)
    throw new PcapngError('The byte-order magic is wrong.')
  const interfaces: ReadInterface[] = []
  const packets: PcapngPacket[] = []
  for (let at = 0; at < file.length; ) {
    const what = `The block at byte ${at}`
    if (at + 12 > file.length) throw new PcapngError(`${what} is cut short.`)
    const type = view.getUint32(at, little)
    const length = view.getUint32(at + 4, little)
    if (length < 12 || length % 4 !== 0 || at + length > file.length)
      throw new PcapngError(`${what} has a length of ${length}, which cannot be.`)
    if (view.getUint32(at + length - 4, little) !== length)
      throw new PcapngError(`${what} gives two different lengths.`)
    const body = new BlockReader(view, at + 8, at + length - 4, little, what)
    if (type === SECTION_HEADER) checkSection(body, at)
    else if (type === INTERFACE_DESCRIPTION) interfaces.push(readInterface(body, what))
    else if (type === ENHANCED_PACKET) packets.push(readPacket(body, what, interfaces))
    at += length
  }
  return { interfaces: interfaces.map(({ name }) => name), packets }
}

function checkSection(body: BlockReader, at: number): void {
  if (at !== 0) throw new PcapngError('The file has more than one section; save it as one.')
  body.u32()
  const major = body.u16()
  const minor = body.u16()
  if (major !== 1) throw new PcapngError(`The file is pcapng ${major}.${minor}; 1.0 is what can be read.`)
}

function readInterface(body: BlockReader, what: string): ReadInterface {
  const linkType = body.u16()
  body.u16()
  body.u32()
  if (linkType !== ETHERNET)
    throw new PcapngError(`${what} describes link type ${linkType}; only Ethernet (1) can be read.`)
  let name = ''
  let resolution = 1e6
  body.options((code, value) => {
    if (code === IF_NAME) name = utf8(value)
    if (code === IF_TIME_RESOLUTION && value.length === 1) {
      const exponent = value[0] as number
      // 4.2: the highest bit chooses powers of two.
      resolution = exponent & 0x80 ? 2 ** (exponent & 0x7f) : 10 ** exponent
    }
  })
  return { name, resolution }
}

function readPacket(body: BlockReader, what: string, interfaces: readonly ReadInterface[]): PcapngPacket {
  const index = body.u32()
  const from = interfaces[index]
  if (from === undefined) throw new PcapngError(`${what} names interface ${index}, which was not described.`)
  const units = body.u32() * TWO_32 + body.u32()
  const length = body.u32()
  const original = body.u32()
  if (length > original) throw new PcapngError(`${what} holds ${length} bytes of a frame of ${original}.`)
  const bytes = body.bytes(length)
  let comment: string | undefined
  body.options((code, value) => {
    if (code === COMMENT) comment = utf8(value)
  })
  const time = Math.round((units / from.resolution) * 1e6)
  if (!Number.isSafeInteger(time)) throw new PcapngError(`${what} gives a time that cannot be.`)
  return { interface: index, time, bytes, comment }
}
