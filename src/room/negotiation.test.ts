/** What a hostile page may do to the connection itself; that it connects at all is tested in a browser. */
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type NegotiationEvents, negotiate } from './negotiation.ts'

class Connection {
  ondatachannel: ((event: { channel: Channel }) => void) | null = null
}
const peers: FakePeer[] = []
class FakePeer extends EventEmitter {
  connected = true
  destroyed = false
  bufferSize = 0
  readonly taken: Channel[] = []
  readonly sent: string[] = []
  constructor({ wrtc }: { wrtc: { RTCPeerConnection: new () => Connection } }) {
    super()
    new wrtc.RTCPeerConnection().ondatachannel = ({ channel }) => this.taken.push(channel)
    peers.push(this)
  }
  send(text: string) {
    this.sent.push(text)
  }
  destroy() {}
}
vi.mock('simple-peer/simplepeer.min.js', () => ({
  default: class {
    constructor(options: ConstructorParameters<typeof FakePeer>[0]) {
      // biome-ignore lint/correctness/noConstructorReturn: the mock is hoisted above the class that it stands for.
      return new FakePeer(options)
    }
  },
}))

interface Channel {
  readonly label: string
  close(): void
}
let connection: Connection
beforeEach(() => {
  connection = new Connection()
  vi.stubGlobal('RTCPeerConnection', function FakeConnection() {
    return connection
  })
  vi.stubGlobal('RTCSessionDescription', class {})
  vi.stubGlobal('RTCIceCandidate', class {})
})
afterEach(() => vi.unstubAllGlobals())

const answering = () => {
  const channels: unknown[] = []
  const events: NegotiationEvents = {
    onSignal() {},
    onWay() {},
    onConnect: channel => channels.push(channel),
    onControl() {},
    onDoubt() {},
    onEnd() {},
  }
  const negotiation = negotiate(false, [], events)
  const peer = peers.at(-1)
  if (peer === undefined) throw new Error('no peer was made')
  return { negotiation, peer, channels }
}

test('one control channel and one frame channel are taken; all others are closed', () => {
  const { peer, channels } = answering()
  const closed: string[] = []
  const arrive = (label: string, n: number) =>
    connection.ondatachannel?.({ channel: { label, close: () => closed.push(`${label} ${n}`) } })
  for (const n of [1, 2]) arrive('control', n)
  for (const n of [1, 2]) arrive('frames', n)
  expect(peer.taken).toHaveLength(1)
  expect(channels).toHaveLength(1)
  expect(closed).toEqual(['control 2', 'frames 2'])
})

test('a page that takes no answers gets none: what waits for it is bounded', () => {
  const { peer, negotiation } = answering()
  expect(negotiation.send('pong')).toBe(true)
  peer.bufferSize = 2_000_000
  expect(negotiation.send('pong')).toBe(false)
  expect(peer.sent).toEqual(['pong'])
})
