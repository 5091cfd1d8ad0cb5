/**
 * The file program: one file a connection, on port 9. Nothing of it is kept: the receiver hashes what comes and
 * answers the hash, so that both sides know that every byte arrived.
 *
 *   sender → receiver   "LNF1", length of the name (2 bytes), size (8 bytes), name (UTF-8), the bytes, SHA-256 (32)
 *   receiver → sender   the SHA-256 that it computed (32)
 *
 * Numbers are big-endian. A receiver that gets a wrong hash answers its own all the same and both say so.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Ms } from '../../stack/stack.ts'
import type { Transfer } from '../protocol.ts'
import type { TCPSocket } from '../sockets/tcp-socket.ts'
import { type ProgramHost, sentenceOf } from './program.ts'

export const FILE_PORT = 9
const MAGIC = 0x4c4e4631
const HEADER = 14
const HASH = 32
const NAME_MAX = 255
/**
 * How much is read and handed to the socket at once. Reading a Blob asks another process: the next piece is on its
 * way while this one is sent, or the connection would run dry between them.
 */
const CHUNK = 262_144
const TRANSFERS_KEPT = 20

export interface FileHeader {
  readonly name: string
  /** Bytes, below 2^53. */
  readonly size: number
}

/** The header's bytes, or a sentence that says what is wrong. */
export function encodeHeader({ name, size }: FileHeader): Uint8Array | string {
  const text = new TextEncoder().encode(name)
  if (text.length === 0 || text.length > NAME_MAX) return `A file's name has 1 to ${NAME_MAX} bytes.`
  const bytes = new Uint8Array(HEADER + text.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setUint16(4, text.length)
  view.setBigUint64(6, BigInt(size))
  bytes.set(text, HEADER)
  return bytes
}

/** Reads a header with a function that gives exactly so many bytes. Throws a sentence. */
export async function decodeHeader(take: (length: number) => Promise<Uint8Array>): Promise<FileHeader> {
  const bytes = await take(HEADER)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(0) !== MAGIC) throw new Error('What came is not a file transfer.')
  const length = view.getUint16(4)
  const size = Number(view.getBigUint64(6))
  if (length === 0 || length > NAME_MAX) throw new Error('The name of the file is empty or too long.')
  if (!Number.isSafeInteger(size)) throw new Error('The size of the file cannot be.')
  // Control characters have no business in a name that a person reads.
  const name = new TextDecoder().decode(await take(length)).replace(/\p{Cc}/gu, '\ufffd')
  return { name, size }
}

/** Bytes of a stream in portions of a given length. */
class Portions {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(readable: ReadableStream<Uint8Array>) {
    this.#reader = readable.getReader()
  }

  /** At least one byte, at most so many. */
  async some(most: number): Promise<Uint8Array> {
    if (this.#rest.length === 0) {
      const { value, done } = await this.#reader.read()
      if (done) throw new Error('The connection was closed before the transfer was complete.')
      this.#rest = value
    }
    const taken = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  async exactly(length: number): Promise<Uint8Array> {
    const whole = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      const part = await this.some(length - at)
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  release(): void {
    this.#reader.releaseLock()
  }
}

type Progress = { -readonly [K in keyof Transfer]: Transfer[K] }

export class FileProgram {
  readonly #host: ProgramHost
  readonly #transfers: Progress[] = []

  constructor(host: ProgramHost) {
    this.#host = host
  }

  get transfers(): readonly Transfer[] {
    return this.#transfers.map(transfer => ({ ...transfer }))
  }

  #begin(remoteAddress: string, header: FileHeader, direction: 'in' | 'out'): Progress {
    const transfer: Progress = {
      host: this.#host.name,
      remoteAddress,
      ...header,
      direction,
      done: 0,
      sha256: undefined,
      took: undefined,
      failed: undefined,
    }
    this.#transfers.push(transfer)
    const over = this.#transfers.find(other => other.failed !== undefined || other.sha256 !== undefined)
    if (this.#transfers.length > TRANSFERS_KEPT && over !== undefined)
      this.#transfers.splice(this.#transfers.indexOf(over), 1)
    this.#host.changed()
    return transfer
  }

  #complete(transfer: Progress, hash: string, since: Ms): void {
    transfer.sha256 = hash
    transfer.took = this.#host.now() - since
    const way = transfer.direction === 'in' ? 'received from' : 'sent to'
    this.#host.notice(
      'file',
      `'${transfer.name}' (${transfer.size} bytes) ${way} ${transfer.remoteAddress}, SHA-256 equal.`,
    )
    this.#host.changed()
  }

  #failed(transfer: Progress, error: unknown): void {
    transfer.failed = sentenceOf(error)
    this.#host.notice(
      'file',
      `'${transfer.name}' failed after ${transfer.done} of ${transfer.size} bytes: ${transfer.failed}`,
    )
    this.#host.changed()
  }

  /** Receives files until the host ends. */
  async run(): Promise<void> {
    const { readable } = await new this.#host.sockets.TCPServerSocket('0.0.0.0', { localPort: FILE_PORT })
      .opened
    const reader = readable.getReader()
    for (;;) {
      const { value: socket, done } = await reader.read()
      if (done) return
      void this.#receive(socket)
    }
  }

  async #receive(socket: TCPSocket): Promise<void> {
    const { readable, writable, remoteAddress } = await socket.opened
    const incoming = new Portions(readable)
    let transfer: Progress | undefined
    try {
      const header = await decodeHeader(length => incoming.exactly(length))
      const since = this.#host.now()
      transfer = this.#begin(remoteAddress, header, 'in')
      const hash = sha256.create()
      while (transfer.done < header.size) {
        const part = await incoming.some(header.size - transfer.done)
        hash.update(part)
        transfer.done += part.length
        this.#host.changed()
      }
      const own = hash.digest()
      const theirs = await incoming.exactly(HASH)
      const writer = writable.getWriter()
      await writer.write(own)
      await writer.close()
      writer.releaseLock()
      // A wrong hash is no reason to break the connection: the sender is to read ours.
      if (isEqual(own, theirs)) this.#complete(transfer, bytesToHex(own), since)
      else this.#failed(transfer, new Error(DIFFERS))
      incoming.release()
      await socket.close()
    } catch (error) {
      if (transfer !== undefined) this.#failed(transfer, error)
      else this.#host.notice('file', `A connection from ${remoteAddress} was refused: ${sentenceOf(error)}`)
      socket.abort()
    }
  }

  /** Sends a file; resolves when the receiver has answered an equal hash, rejects with a sentence. */
  async send(address: string, name: string, file: Blob): Promise<{ bytes: number; sha256: string }> {
    const header = encodeHeader({ name, size: file.size })
    if (typeof header === 'string') throw new TypeError(header)
    const socket = new this.#host.sockets.TCPSocket(address, FILE_PORT)
    const { readable, writable } = await socket.opened
    const transfer = this.#begin(address, { name, size: file.size }, 'out')
    const since = this.#host.now()
    try {
      const writer = writable.getWriter()
      writer.closed.catch(() => undefined)
      await writer.write(header)
      const own = await this.#sendBytes(transfer, file, writer)
      await writer.write(own)
      await writer.close()
      const answer = new Portions(readable)
      if (!isEqual(own, await answer.exactly(HASH))) throw new Error(DIFFERS)
      this.#complete(transfer, bytesToHex(own), since)
      answer.release()
      // The answer was all; what is left is the peer's FIN.
      await readable.cancel()
      return { bytes: file.size, sha256: bytesToHex(own) }
    } catch (error) {
      this.#failed(transfer, error)
      socket.abort()
      throw error
    }
  }

  async #sendBytes(
    transfer: Progress,
    file: Blob,
    writer: WritableStreamDefaultWriter<AllowSharedBufferSource>,
  ): Promise<Uint8Array> {
    const hash = sha256.create()
    const read = (at: number) => file.slice(at, at + CHUNK).arrayBuffer()
    let next = read(0)
    for (let at = 0; at < file.size; at += CHUNK) {
      const part = new Uint8Array(await next)
      next = read(at + CHUNK)
      hash.update(part)
      await writer.write(part)
      transfer.done += part.length
      this.#host.changed()
    }
    return hash.digest()
  }
}

const DIFFERS = 'The SHA-256 of both sides differs: bytes were changed on the way.'
const isEqual = (own: Uint8Array, theirs: Uint8Array): boolean => bytesToHex(own) === bytesToHex(theirs)
