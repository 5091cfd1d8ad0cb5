import { sha256 } from '@noble/hashes/sha2.js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Host } from '../host.ts'
import { addressOf, Cable, SOON } from '../testing/cable.ts'
import { decodeHeader, encodeHeader, FILE_PORT } from './file.ts'

const header = (name: string, size: number): Uint8Array => {
  const made = encodeHeader({ name, size })
  if (typeof made === 'string') throw new Error(made)
  return made
}

describe('the header of a file', () => {
  const decode = (bytes: Uint8Array) => {
    let rest = bytes
    return decodeHeader(async length => {
      const taken = rest.subarray(0, length)
      rest = rest.subarray(length)
      return taken
    })
  }

  test('what was put is read', async () => {
    expect(await decode(header('naïve.txt', 2 ** 40 + 3))).toEqual({ name: 'naïve.txt', size: 2 ** 40 + 3 })
  })
  test('a name too long or empty is refused', () => {
    expect(encodeHeader({ name: 'é'.repeat(128), size: 0 })).toBe("A file's name has 1 to 255 bytes.")
    expect(encodeHeader({ name: '', size: 0 })).toBe("A file's name has 1 to 255 bytes.")
  })
  test('what is no transfer is refused', async () => {
    await expect(decode(new Uint8Array(20))).rejects.toThrow('What came is not a file transfer.')
  })
  test('a size that no file has is refused', async () => {
    const bad = header('x', 0)
    bad.fill(0xff, 6, 14)
    await expect(decode(bad)).rejects.toThrow('The size of the file cannot be.')
  })
  test('control characters in a name are shown as what they are: wrong', async () => {
    expect((await decode(header('a\u001bb', 0))).name).toBe('a\ufffdb')
  })
})

describe('the file program', () => {
  let cable: Cable
  let alice: Host
  let bob: Host
  let bobsAddress: string
  const data = Uint8Array.from({ length: 5000 }, (_, i) => i)

  beforeEach(async () => {
    cable = new Cable()
    alice = cable.add('alice')
    bob = cable.add('bob')
    await addressOf(alice)
    bobsAddress = await addressOf(bob)
  })
  afterEach(() => cable.end())

  /** Bob receives; alice sends these bytes by hand and reads the answer. */
  const byHand = async (...parts: Uint8Array[]) => {
    void bob.files.run()
    const { readable, writable } = await new alice.sockets.TCPSocket(bobsAddress, FILE_PORT).opened
    const writer = writable.getWriter()
    for (const part of parts) await writer.write(part)
    await writer.close()
    return readable.getReader()
  }

  test('receives an empty file', async () => {
    void bob.files.run()
    expect(await alice.files.send(bobsAddress, 'empty', new Blob([]))).toMatchObject({ bytes: 0 })
    await vi.waitFor(() => expect(bob.files.transfers[0]?.sha256).toMatch(/^e3b0c44298fc/), SOON)
  })

  test('a receiver whose hash differs answers its own and says so', async () => {
    const answer = await byHand(header('changed', data.length), data, new Uint8Array(32))
    expect((await answer.read()).value).toEqual(sha256(data))
    await vi.waitFor(
      () => expect(bob.files.transfers[0]?.failed).toContain('SHA-256 of both sides differs'),
      SOON,
    )
    expect(bob.files.transfers[0]?.sha256).toBeUndefined()
  })

  test('a sender whose receiver answers another hash says so', async () => {
    const { readable } = await new bob.sockets.TCPServerSocket('0.0.0.0', { localPort: FILE_PORT }).opened
    const sending = alice.files.send(bobsAddress, 'changed', new Blob([data]))
    sending.catch(() => undefined)
    const { value: socket } = await readable.getReader().read()
    if (socket === undefined) throw new Error('no connection')
    const { writable } = await socket.opened
    await writable.getWriter().write(new Uint8Array(32))
    await expect(sending).rejects.toThrow('The SHA-256 of both sides differs: bytes were changed on the way.')
    expect(alice.files.transfers[0]?.failed).toContain('differs')
  })

  test('a transfer that ends too early fails with what had come', async () => {
    await byHand(header('cut', data.length), data.subarray(0, 1000))
    await vi.waitFor(
      () =>
        expect(bob.files.transfers[0]).toMatchObject({
          done: 1000,
          failed: 'The connection was closed before the transfer was complete.',
        }),
      SOON,
    )
  })

  test('what is no transfer is refused, told, and the next one is taken', async () => {
    await byHand(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'))
    await vi.waitFor(
      () =>
        expect(cable.records).toContainEqual(
          expect.objectContaining({ text: expect.stringContaining('not a file') }),
        ),
      SOON,
    )
    expect(bob.files.transfers).toEqual([])
    expect(await alice.files.send(bobsAddress, 'next', new Blob([data]))).toMatchObject({ bytes: 5000 })
  })
})
