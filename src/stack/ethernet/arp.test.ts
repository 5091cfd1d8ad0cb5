import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EHOSTUNREACH } from '../errno.ts'
import { inspectNeighbours } from '../inspect/inspect.ts'
import { createStack } from '../profiles/full.ts'
import { Event, Protocol, type Socket } from '../stack.ts'
import {
  arp,
  BROADCAST_MAC,
  ethernet,
  HOST_IP,
  HOST_MAC,
  ipv4,
  PEER_IP,
  PEER_MAC,
  readArp,
  udp,
} from '../testing/raw.ts'
import { environment } from '../testing/simulation.ts'

/** A host that has its address, and every frame that it sends. */
function host() {
  const stack = createStack(
    { memory: 64 * 1024, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/24' },
    environment(1),
  )
  const frames: Uint8Array[] = []
  let now = 0
  const events = new Map<Socket, number>()
  const wait = (ms: number) => {
    const until = now + ms
    const pump = () => {
      stack.output(frame => {
        frames.push(frame.slice())
        return true
      })
      stack.events((socket, bits) => events.set(socket, (events.get(socket) ?? 0) | bits))
    }
    for (pump(); stack.pollAt() <= until; pump()) {
      now = Math.max(now, stack.pollAt())
      stack.poll(now)
    }
    now = until
    stack.poll(now)
    pump()
    return frames.splice(0)
  }
  wait(10_000)
  const hear = (frame: Uint8Array) => {
    const drop = stack.input(frame, now)
    return { drop, answers: wait(0) }
  }
  return { stack, wait, hear, events }
}

const NOBODY = [0, 0, 0, 0, 0, 0]
const request = (senderIp = PEER_IP, targetIp = HOST_IP) =>
  ethernet(
    BROADCAST_MAC,
    PEER_MAC,
    0x0806,
    arp({ operation: 1, senderMac: PEER_MAC, senderIp, targetMac: NOBODY, targetIp }),
  )
const reply = () =>
  ethernet(
    HOST_MAC,
    PEER_MAC,
    0x0806,
    arp({ operation: 2, senderMac: PEER_MAC, senderIp: PEER_IP, targetMac: HOST_MAC, targetIp: HOST_IP }),
  )
const sendUdp = (h: ReturnType<typeof host>, byte: number) => {
  const socket = h.stack.socket(Protocol.Udp) as Socket
  h.stack.sendTo(socket, Uint8Array.of(byte), 0x0a000002, 9)
  return socket
}

describe('being asked', () => {
  test('a request for our address is answered, and who asked is remembered', () => {
    const h = host()
    const { drop, answers } = h.hear(request())
    expect(drop).toBe(Drop.None)
    expect(answers.map(readArp)).toEqual([
      { operation: 2, senderMac: HOST_MAC, senderIp: HOST_IP, targetMac: PEER_MAC, targetIp: PEER_IP },
    ])
    expect([...(answers[0]?.slice(0, 6) ?? [])]).toEqual(PEER_MAC)
    expect(inspectNeighbours(h.stack.arena)).toEqual([
      { address: '10.0.0.2', mac: '02:00:00:00:00:02', state: 'reachable' },
    ])
  })

  test('a request for another’s address is not, and nothing is remembered', () => {
    const h = host()
    expect(h.hear(request(PEER_IP, [10, 0, 0, 9])).answers).toEqual([])
    expect(inspectNeighbours(h.stack.arena)).toEqual([])
  })

  test('a probe for our address is answered: it is taken', () => {
    const h = host()
    const { answers } = h.hear(request([0, 0, 0, 0]))
    expect(answers.map(a => readArp(a)?.operation)).toEqual([2])
    expect(inspectNeighbours(h.stack.arena)).toEqual([])
  })

  test('ARP for other hardware, too short, or from a group address is dropped', () => {
    const h = host()
    const bad = request()
    bad[15] = 6
    expect(h.hear(bad).drop).toBe(Drop.BadArp)
    expect(h.hear(request().slice(0, 30)).drop).toBe(Drop.BadArp)
    const group = request()
    group[22] = 1
    expect(h.hear(group).drop).toBe(Drop.BadArp)
  })
})

describe('asking', () => {
  test('the newest packet waits for the answer and goes out with it', () => {
    const h = host()
    sendUdp(h, 1)
    sendUdp(h, 2)
    const asked = h.wait(0)
    expect(asked.map(a => readArp(a)?.targetIp)).toEqual([PEER_IP])
    const { answers } = h.hear(reply())
    expect(answers.length).toBe(1)
    expect([...(answers[0]?.slice(0, 6) ?? [])]).toEqual(PEER_MAC)
    expect(answers[0]?.at(-1)).toBe(2)
  })

  test('is repeated each second, three times in all, then whoever connects is told EHOSTUNREACH', () => {
    const h = host()
    const before = h.stack.memory.used
    const socket = h.stack.socket(Protocol.Tcp) as Socket
    h.stack.connect(socket, 0x0a000002, 80)
    expect(h.wait(0).length).toBe(1)
    expect(h.wait(999).length).toBe(0)
    expect(h.wait(1).filter(f => readArp(f)).length).toBe(1)
    expect(h.wait(1000).filter(f => readArp(f)).length).toBe(1)
    expect((h.events.get(socket) ?? 0) & Event.Closed).toBe(0)
    h.wait(1000)
    expect((h.events.get(socket) ?? 0) & Event.Closed).toBe(Event.Closed)
    expect(h.stack.error(socket)).toBe(EHOSTUNREACH)
    h.stack.close(socket)
    h.wait(10_000)
    expect(h.stack.memory.used).toBe(before)
  })

  test('a neighbour that nobody uses is forgotten after a minute', () => {
    const h = host()
    h.hear(request())
    h.wait(59_999)
    expect(inspectNeighbours(h.stack.arena).length).toBe(1)
    h.wait(1)
    expect(inspectNeighbours(h.stack.arena).length).toBe(0)
  })

  test('a neighbour in use is asked again after 65 seconds, and gone when it stays silent', () => {
    const h = host()
    h.hear(request())
    sendUdp(h, 1)
    h.wait(0)
    expect(h.wait(65_000).filter(f => readArp(f)).length).toBe(1)
    expect(inspectNeighbours(h.stack.arena)[0]?.state).toBe('stale')
    h.wait(3_000)
    expect(inspectNeighbours(h.stack.arena)).toEqual([])
  })

  test('strangers that announce themselves to us fill a sixteenth of the pages, no more', () => {
    const h = host()
    const before = h.stack.memory.used
    for (let i = 0; i < 5000; i++)
      h.hear(request([10, 0, i >> 8, i & 255].map((x, j) => (j === 3 ? x || 3 : x))))
    expect(h.stack.memory.used - before).toBeLessThanOrEqual(64 * 1024 * 0.1)
  })

  test('a frame for another station is not ours', () => {
    const h = host()
    const other = ethernet([2, 0, 0, 0, 0, 9], PEER_MAC, 0x0800, ipv4(17, udp(1, 2, [])))
    expect(h.hear(other).drop).toBe(Drop.NotForUs)
  })
})
