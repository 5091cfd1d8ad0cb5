import { expect, test, vi } from 'vitest'
import { parseIpv4 } from '../../stack/ip/addresses.ts'
import { addressOf, Cable, SOON } from '../testing/cable.ts'
import { ECHO_PORT, runEcho } from './echo.ts'

test.each([
  ['comes from where no route leads', '8.8.8.8', 53],
  ['wants no answer (port 0, RFC 768)', '169.254.77.77', 0],
])('a datagram that %s gets none, and the next one does', async (_what, address, port) => {
  const cable = new Cable()
  const alice = cable.add('alice')
  const bob = cable.add('bob')
  await addressOf(alice)
  const bobsAddress = await addressOf(bob)
  runEcho(bob).catch(() => undefined)
  const { readable, writable } = await new alice.sockets.UDPSocket({ localPort: 5000 }).opened
  const writer = writable.getWriter()
  const say = (word: string) =>
    writer.write({ data: new TextEncoder().encode(word), remoteAddress: bobsAddress, remotePort: ECHO_PORT })
  let forged = false
  const real = bob.stack.recvFrom
  bob.stack.recvFrom = (socket, into, from) => {
    const length = real.call(bob.stack, socket, into, from)
    if (!forged && from.port === 5000) {
      forged = true
      Object.assign(from, { address: parseIpv4(address), port })
    }
    return length
  }
  await say('forged')
  await vi.waitFor(() => expect(forged).toBe(true), SOON)
  await new Promise(resolve => setTimeout(resolve, 50))
  await say('honest')
  const { value } = await readable.getReader().read()
  expect(new TextDecoder().decode(value?.data)).toBe('honest')
  cable.end()
})
