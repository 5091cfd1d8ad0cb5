import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { openNodeSocket } from '../serve/broker-on-a-port.fake.ts'
import { Signalling } from './signalling.ts'

test('a broker that sends text in the place of packets is left, in a sentence', async () => {
  const server = createServer()
  new WebSocketServer({ server }).on('connection', socket =>
    socket.on('message', () => socket.send('4000000000')),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`
  const why: string[] = []
  const will = () => ({ topic: 'x', payload: new Uint8Array() })
  const signalling = new Signalling({
    url,
    clientId: 'x',
    topics: ['x'],
    will,
    events: { onOnline() {}, onOffline: sentence => why.push(sentence), onLetter() {} },
    openSocket: openNodeSocket,
  })
  await vi.waitFor(() => expect(why[0]).toBe(`The broker at ${url} speaks no MQTT 3.1.1.`))
  signalling.leave(will())
  server.closeAllConnections()
  server.close()
})
