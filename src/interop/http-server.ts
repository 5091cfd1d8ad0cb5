/**
 * A small HTTP/1.1 server (RFC 9112) on our sockets, for others' clients: `GET /N` gives N bytes, `PUT` takes a body and
 * answers with its SHA-256. One request a connection.
 */
import { createHash } from 'node:crypto'
import type { DirectSockets } from '../host/sockets/direct-sockets.ts'
import type { TCPSocket } from '../host/sockets/tcp-socket.ts'

const PIECE = 65_536
/** RFC 9112, 3: "a server SHOULD ... 8000 octets" is what a request line must have room for. */
const HEAD_MAX = 16_384

/** The bytes that `GET` gives, from a place on: they repeat with no period that a page or a segment has. */
export function body(from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = ((from + i) * 2_654_435_761) >>> 24
  return bytes
}

/** The SHA-256 of the first `length` of them. */
export function bodyHash(length: number): string {
  const hash = createHash('sha256')
  for (let at = 0; at < length; at += PIECE) hash.update(body(at, Math.min(PIECE, length - at)))
  return hash.digest('hex')
}

/** Serves until the socket is closed. Each connection's failure is its own. */
export async function serveHttp(sockets: DirectSockets, address: string, port = 80): Promise<void> {
  const { readable } = await new sockets.TCPServerSocket(address, { localPort: port, backlog: 64 }).opened
  const reader = readable.getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    answer(value).catch(() => value.close().catch(() => undefined))
  }
}

async function answer(socket: TCPSocket): Promise<void> {
  const { readable, writable } = await socket.opened
  const reader = readable.getReader()
  const writer = writable.getWriter()
  const { head, rest } = await readHead(reader)
  const [method = '', target = ''] = head.split(' ')
  const said = (status: string, length: number) =>
    writer.write(text(`HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`))
  if (/^expect: 100-continue/im.test(head)) await writer.write(text('HTTP/1.1 100 Continue\r\n\r\n'))
  if (method === 'PUT') {
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    const digest = text(await hashOf(reader, rest, length))
    await said('200 OK', digest.length)
    await writer.write(digest)
  } else if (method === 'GET' && /^\/\d{1,10}$/.test(target)) {
    const length = Number(target.slice(1))
    await said('200 OK', length)
    for (let at = 0; at < length; at += PIECE) await writer.write(body(at, Math.min(PIECE, length - at)))
  } else {
    await said('404 Not Found', 0)
  }
  await writer.close()
  while (!(await reader.read()).done);
  reader.releaseLock()
  await socket.close()
}

async function readHead(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<{ head: string; rest: Buffer }> {
  let seen = Buffer.alloc(0)
  for (;;) {
    const end = seen.indexOf('\r\n\r\n')
    if (end >= 0) return { head: seen.toString('latin1', 0, end), rest: seen.subarray(end + 4) }
    const { value, done } = await reader.read()
    if (done || seen.length > HEAD_MAX) throw new Error('That was no request.')
    seen = Buffer.concat([seen, value])
  }
}

async function hashOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: Uint8Array,
  length: number,
): Promise<string> {
  const hash = createHash('sha256').update(first)
  for (let got = first.length; got < length; ) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`The body ended after ${got} of ${length} bytes.`)
    hash.update(value)
    got += value.length
  }
  return hash.digest('hex')
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words)
