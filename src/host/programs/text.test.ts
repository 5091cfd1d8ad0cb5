import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Host } from '../host.ts'
import { addressOf, Cable, SOON } from '../testing/cable.ts'
import { ACCEPTED_AT_ONCE, TEXT_PORT } from './text.ts'

let cable: Cable
let alice: Host
let bob: Host
let bobsAddress: string

beforeEach(async () => {
  cable = new Cable()
  alice = cable.add('alice')
  bob = cable.add('bob')
  await addressOf(alice)
  bobsAddress = await addressOf(bob)
  bob.text.run().catch(() => undefined)
})
afterEach(() => cable.end())

test('who says much is heard to the end, and what is kept of it is bounded', async () => {
  const { writable } = await new alice.sockets.TCPSocket(bobsAddress, TEXT_PORT).opened
  const writer = writable.getWriter()
  await writer.write(new TextEncoder().encode(`${'x'.repeat(4000)}\n`.repeat(50)))
  await writer.write(new TextEncoder().encode('last\n'))
  await vi.waitFor(() => expect(bob.text.conversations[0]?.lines.at(-1)?.text).toBe('last'), SOON)
  const kept = bob.text.conversations[0]?.lines.map(({ text }) => text.length) ?? []
  expect(kept.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(16_384)
  expect(kept).toHaveLength(5)
})

test('more conversations at once than anybody reads are refused, and room is made by one that ends', async () => {
  const open = () => {
    const socket = new alice.sockets.TCPSocket(bobsAddress, TEXT_PORT)
    socket.closed.catch(() => undefined)
    return socket
  }
  const sockets = [open()]
  for (; sockets.length < ACCEPTED_AT_ONCE; sockets.push(open())) await sockets.at(-1)?.opened
  await vi.waitFor(() => expect(bob.text.conversations).toHaveLength(ACCEPTED_AT_ONCE), SOON)
  await expect(open().closed).rejects.toMatchObject({ code: 'ECONNRESET' })
  sockets[0]?.abort()
  await vi.waitFor(() => expect(bob.text.conversations[0]?.ended).toBeDefined(), SOON)
  await open().opened
  await vi.waitFor(() => expect(bob.text.conversations).toHaveLength(ACCEPTED_AT_ONCE + 1), SOON)
})
