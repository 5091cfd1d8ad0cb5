/**
 * The text program: conversations line by line over TCP, opened from here or accepted on port 23. Either side ends
 * one by closing; the other then closes too.
 */
import type { ConnectionId, Conversation } from '../protocol.ts'
import type { TCPSocket, TCPSocketOpenInfo } from '../sockets/tcp-socket.ts'
import { encodeLine, LineReader } from './lines.ts'
import { type ProgramHost, sentenceOf } from './program.ts'

export const TEXT_PORT = 23
/** What is kept of a conversation, and how many that have ended are. */
const LINES_KEPT = 200
const CHARACTERS_KEPT = 16_384
/** Conversations at once that others opened; each costs the page a copy of its lines with every update. */
export const ACCEPTED_AT_ONCE = 16
const ENDED_KEPT = 20

interface Talk {
  readonly connection: ConnectionId
  readonly socket: TCPSocket
  readonly info: TCPSocketOpenInfo
  readonly writer: WritableStreamDefaultWriter<AllowSharedBufferSource>
  readonly openedHere: boolean
  readonly lines: { readonly mine: boolean; readonly text: string }[]
  closing: boolean
  ended: string | undefined
}

export class TextProgram {
  readonly #host: ProgramHost
  readonly #talks: Talk[] = []

  constructor(host: ProgramHost) {
    this.#host = host
  }

  /** Accepts conversations until the host ends. */
  async run(): Promise<void> {
    const { readable } = await new this.#host.sockets.TCPServerSocket('0.0.0.0', { localPort: TEXT_PORT })
      .opened
    const reader = readable.getReader()
    for (;;) {
      const { value: socket, done } = await reader.read()
      if (done) return
      const info = await socket.opened
      const accepted = this.#talks.filter(talk => !talk.openedHere && talk.ended === undefined)
      if (accepted.length < ACCEPTED_AT_ONCE) this.#begin(socket, info, false)
      else socket.abort()
    }
  }

  /** Opens a conversation; rejects with a SocketError. */
  async connect(address: string, port: number): Promise<ConnectionId> {
    const socket = new this.#host.sockets.TCPSocket(address, port)
    return this.#begin(socket, await socket.opened, true)
  }

  #begin(socket: TCPSocket, info: TCPSocketOpenInfo, openedHere: boolean): ConnectionId {
    const talk: Talk = {
      connection: this.#host.newConnection(),
      socket,
      info,
      writer: info.writable.getWriter(),
      openedHere,
      lines: [],
      closing: false,
      ended: undefined,
    }
    talk.writer.closed.catch(() => undefined)
    this.#talks.push(talk)
    this.#host.changed()
    void this.#listen(talk)
    return talk.connection
  }

  async #listen(talk: Talk): Promise<void> {
    const reader = new LineReader()
    const take = (text: string) => {
      this.#say(talk, false, text)
      this.#host.notice('text', text, talk.connection)
    }
    try {
      // A default reader, not `for await`: Safari's streams cannot be iterated.
      const incoming = talk.info.readable.getReader()
      for (;;) {
        const { value, done } = await incoming.read()
        if (done) break
        reader.push(value, take)
      }
      reader.end(take)
      const first = talk.closing
      await this.#finish(talk)
      await talk.socket.closed
      this.#end(talk, first ? 'Closed from here.' : 'The other side closed the conversation.')
    } catch (error) {
      this.#end(talk, sentenceOf(error))
    }
  }

  async #finish(talk: Talk): Promise<void> {
    if (talk.closing) return
    talk.closing = true
    this.#host.changed()
    await talk.writer.close()
  }

  #say(talk: Talk, mine: boolean, text: string): void {
    talk.lines.push({ mine, text })
    let characters = talk.lines.reduce((sum, line) => sum + line.text.length, 0)
    while (talk.lines.length > LINES_KEPT || characters > CHARACTERS_KEPT)
      characters -= talk.lines.shift()?.text.length ?? 0
    this.#host.changed()
  }

  #end(talk: Talk, why: string): void {
    talk.ended = why
    talk.closing = true
    this.#host.notice(
      'connection',
      `${talk.info.remoteAddress}:${talk.info.remotePort}: ${why}`,
      talk.connection,
    )
    const ended = this.#talks.filter(other => other.ended !== undefined)
    if (ended.length > ENDED_KEPT) this.#talks.splice(this.#talks.indexOf(ended[0] as Talk), 1)
    this.#host.changed()
  }

  /** Whether this program has, or had, that connection. */
  has(connection: ConnectionId): boolean {
    return this.#talks.some(talk => talk.connection === connection)
  }

  #open(connection: ConnectionId): Talk {
    const talk = this.#talks.find(other => other.connection === connection)
    if (talk === undefined) throw new Error(`There is no connection ${connection} on this host.`)
    if (talk.ended !== undefined) throw new Error(`The conversation has ended: ${talk.ended}`)
    return talk
  }

  /** Says one line; resolves when the stack has taken it. Rejects with a sentence. */
  async send(connection: ConnectionId, text: string): Promise<void> {
    const talk = this.#open(connection)
    if (talk.closing) throw new Error('This side has already closed the conversation; open another.')
    const line = encodeLine(text)
    if (typeof line === 'string') throw new Error(line)
    this.#say(talk, true, text)
    await talk.writer.write(line)
  }

  /** Says that nothing more comes from here; resolves when that was taken. */
  async close(connection: ConnectionId): Promise<void> {
    await this.#finish(this.#open(connection))
  }

  /** Resets the connection. */
  abort(connection: ConnectionId): void {
    this.#open(connection).socket.abort()
  }

  get conversations(): readonly Conversation[] {
    return this.#talks.map(({ connection, info, openedHere, lines, closing, ended }) => ({
      connection,
      host: this.#host.name,
      remoteAddress: info.remoteAddress,
      remotePort: info.remotePort,
      localPort: info.localPort,
      openedHere,
      open: !closing && ended === undefined,
      lines: [...lines],
      ended,
    }))
  }
}
