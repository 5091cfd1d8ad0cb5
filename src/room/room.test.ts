import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'
import { type Broker, createBroker } from '../serve/broker.ts'
import { newInvitation } from './invitation.ts'
import { joinRoom } from './room.ts'

let broker: Broker
let url: string
let server: ReturnType<typeof createServer>
beforeEach(async () => {
  broker = await createBroker()
  server = createServer()
  server.on('upgrade', (q, s, h) => broker.accept(q, s, h))
  await new Promise<void>(r => server.listen(0, '127.0.0.1', r))
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`
})
afterEach(async () => {
  await broker.close()
  server.close()
})
test('x', async () => {
  const invitation = newInvitation()
  const join = (name: string) =>
    joinRoom({
      invitation,
      name,
      config: { brokerUrl: url, iceServers: [] },
      openSocket: (u, p) => new NodeWebSocket(u, p) as unknown as WebSocket,
      negotiate: (initiator, _i, events) => {
        console.log(name, 'negotiate', initiator)
        return { signal: s => console.log(s), send: () => true, close() {}, path: async () => 'direct' }
      },
      events: {
        onChannel() {},
        onLost() {},
        onTold() {},
        onChange() {
          console.log(name, JSON.stringify(room.state), JSON.stringify(room.members))
        },
      },
    })
  const room = join('a')
  await new Promise(r => setTimeout(r, 300))
  const b = join('b')
  await new Promise(r => setTimeout(r, 500))
  console.log(b.refused, room.refused)
  expect(1).toBe(1)
})
