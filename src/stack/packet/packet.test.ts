import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EAGAIN, EBADF, EINVAL, EMSGSIZE, ENOBUFS, EOPNOTSUPP } from '../errno.ts'
import { type Captured, Option, PacketType, Protocol, type Socket } from '../stack.ts'
import { assemble } from '../testing/bpf.ts'
import { Dialogue, established } from '../testing/dialogue.ts'
import { expectSound } from '../testing/invariants.ts'
import { BROADCAST_MAC, ethernet, HOST_MAC, icmp, ipv4, PEER_MAC, udp } from '../testing/raw.ts'

const packetSocket = (d: Dialogue, etherType = 0) => d.stack.socket(Protocol.Packet, etherType) as Socket
const echo = ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(1, icmp(8, 0, [0, 1, 0, 1, 9])))
const strange = ethernet(HOST_MAC, PEER_MAC, 0x9000, [1, 2, 3])
const from = { address: 0, port: 0 }
const blank = (): Captured => ({ type: -1, link: -1, etherType: -1, length: -1, at: -1 })

/** All frames that wait, as their type and bytes. */
function readAll(d: Dialogue, socket: Socket): [type: number, frame: number[]][] {
  const frames: [number, number[]][] = []
  const into = new Uint8Array(2000)
  for (;;) {
    const length = d.stack.recvFrom(socket, into, from)
    if (length < 0) {
      expect(length).toBe(EAGAIN)
      return frames
    }
    frames.push([from.address, [...into.subarray(0, length)]])
  }
}

describe('a packet socket', () => {
  test('gets each frame that comes and each that goes, byte for byte', () => {
    const d = new Dialogue()
    d.inFrame(echo)
    d.others.length = 0
    const socket = packetSocket(d)
    d.inFrame(echo)
    const [reply] = d.others
    expect(readAll(d, socket)).toEqual([
      [PacketType.Host, [...echo]],
      [PacketType.Outgoing, [...(reply ?? [])]],
    ])
    d.stack.close(socket)
  })

  test('sees segments of TCP, which wait in no queue of frames', () => {
    const d = established()
    const socket = packetSocket(d)
    d.send(100)
    d.out('PSH,ACK 1:101 ack 1')
    const [[type, frame] = [-1, []]] = readAll(d, socket)
    expect([type, frame.length, frame.slice(-3)]).toEqual([
      PacketType.Outgoing,
      14 + 20 + 20 + 100,
      [97, 98, 99],
    ])
    d.stack.close(socket)
  })

  test('sees no frame that the link would not take', () => {
    const d = new Dialogue()
    d.inFrame(echo)
    const socket = packetSocket(d)
    d.hold(true)
    d.inFrame(echo)
    expect(readAll(d, socket).map(([type]) => type)).toEqual([PacketType.Host])
    d.hold(false)
    expect(readAll(d, socket).map(([type]) => type)).toEqual([PacketType.Outgoing])
    d.stack.close(socket)
  })

  test('is told whom a frame was for, also when it was for others', () => {
    const d = new Dialogue()
    const socket = packetSocket(d)
    const to = (mac: number[]) => d.inFrame(ethernet(mac, PEER_MAC, 0x9000, [1]))
    expect(to(HOST_MAC)).toBe(Drop.UnknownEtherType)
    to(BROADCAST_MAC)
    to([1, 0, 0x5e, 0, 0, 1])
    expect(to([2, 0, 0, 0, 0, 9])).toBe(Drop.NotForUs)
    const { Host, Broadcast, Multicast, OtherHost } = PacketType
    expect(readAll(d, socket).map(([type]) => type)).toEqual([Host, Broadcast, Multicast, OtherHost])
    d.stack.close(socket)
  })

  test('of one EtherType gets no other, and takes what nobody else speaks', () => {
    const d = new Dialogue()
    const socket = packetSocket(d, 0x9000)
    d.inFrame(echo)
    expect(d.inFrame(strange)).toBe(Drop.None)
    expect(readAll(d, socket)).toEqual([[PacketType.Host, [...strange]]])
    expect(from.port).toBe(0x9000)
    d.stack.close(socket)
    expect(d.inFrame(strange)).toBe(Drop.UnknownEtherType)
  })

  test('sends whole frames, which others see and it does not', () => {
    const d = new Dialogue()
    const [sender, watcher] = [packetSocket(d), packetSocket(d)]
    const frame = ethernet(PEER_MAC, HOST_MAC, 0x9000, [4, 5, 6])
    expect(d.stack.sendTo(sender, frame, 0, 0)).toBe(17)
    d.wait(1)
    expect([...(d.others.shift() ?? [])]).toEqual([...frame])
    expect(readAll(d, sender)).toEqual([])
    expect(readAll(d, watcher)).toEqual([[PacketType.Outgoing, [...frame]]])
    expect(d.stack.sendTo(sender, frame.subarray(0, 13), 0, 0)).toBe(EINVAL)
    expect(d.stack.sendTo(sender, new Uint8Array(1515), 0, 0)).toBe(EMSGSIZE)
    for (const socket of [sender, watcher]) d.stack.close(socket)
  })

  test('keeps as much of a frame as its filter says, and tells how long it was and when it came', () => {
    const d = new Dialogue()
    const socket = packetSocket(d)
    d.stack.attachFilter(socket, assemble('ldh [12]; jeq #0x9000, y, n; y: ret #15; n: ret #0'))
    d.inFrame(echo)
    const at = d.now
    d.inFrame(strange)
    d.wait(50)
    const seen = blank()
    expect([...(d.stack.peek(socket, seen) as Uint8Array)]).toEqual([...strange.subarray(0, 15)])
    expect(seen).toEqual({ type: PacketType.Host, link: 0, etherType: 0x9000, length: 17, at })
    d.stack.close(socket)
  })
})

describe('a capture ring', () => {
  const ring = (d: Dialogue, slots: number) => {
    const socket = packetSocket(d)
    expect(d.stack.setOption(socket, Option.PacketRing, slots)).toBe(0)
    return socket
  }

  test('takes its pages when it is asked for, none for a frame, and gives them back', () => {
    const d = new Dialogue()
    const before = d.stack.memory.used
    const socket = ring(d, 4)
    const held = d.stack.memory.used
    expect(held).toBe(before + 5 * 1600)
    for (let i = 0; i < 10; i++) d.inFrame(strange)
    expect(d.stack.memory.used).toBe(held)
    expectSound(d.stack)
    d.stack.close(socket)
    expect(d.stack.memory.used).toBe(before)
  })

  test('keeps the oldest frames in order; those that find it full are counted', () => {
    const d = new Dialogue()
    const socket = ring(d, 3)
    for (let i = 0; i < 5; i++) d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x9000, [i]))
    expect(readAll(d, socket).map(([, frame]) => frame[14])).toEqual([0, 1, 2])
    expect(d.stack.lost(socket)).toBe(2)
    for (let i = 5; i < 8; i++) d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x9000, [i]))
    expect(readAll(d, socket).map(([, frame]) => frame[14])).toEqual([5, 6, 7])
    expect(d.stack.lost(socket)).toBe(0)
    d.stack.close(socket)
  })

  test('is read without a copy: the view lies in the arena until the slot is given back', () => {
    const d = new Dialogue()
    const socket = ring(d, 2)
    d.inFrame(strange)
    d.inFrame(echo)
    const first = d.stack.peek(socket, blank()) as Uint8Array
    expect(first.buffer).toBe(d.stack.arena)
    expect([...first]).toEqual([...strange])
    expect(d.stack.recvFrom(socket, new Uint8Array(0), from)).toBe(0)
    expect([...(d.stack.peek(socket, blank()) as Uint8Array)]).toEqual([...echo])
    d.stack.recvFrom(socket, new Uint8Array(0), from)
    expect(d.stack.peek(socket, blank())).toBe(EAGAIN)
    d.stack.close(socket)
  })

  test('still captures when data has taken all the rest of the memory', () => {
    const d = new Dialogue({ memory: 32 * 1024 })
    const socket = ring(d, 2)
    const hoard = d.stack.socket(Protocol.Udp) as Socket
    d.stack.bind(hoard, 0, 53)
    const more: Socket[] = []
    for (let port = 54; port < 70; port++) {
      const socket = d.stack.socket(Protocol.Udp) as Socket
      d.stack.bind(socket, 0, port)
      more.push(socket)
      for (let i = 0; i < 9; i++)
        d.stack.input(ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(17, udp(1, port, [1]))), d.now)
    }
    expect(d.stack.memory.failures).toBeGreaterThan(0)
    readAll(d, socket)
    d.inFrame(strange)
    expect(readAll(d, socket)).toEqual([[PacketType.Host, [...strange]]])
    for (const one of [socket, hoard, ...more]) d.stack.close(one)
  })

  test('of more pages than there are is refused, and the last one stays', () => {
    const d = new Dialogue({ memory: 64 * 1024 })
    const socket = ring(d, 2)
    expect(d.stack.setOption(socket, Option.PacketRing, 1024)).toBe(ENOBUFS)
    expect(d.stack.setOption(socket, Option.PacketRing, 1025)).toBe(EINVAL)
    for (let i = 0; i < 3; i++) d.inFrame(strange)
    expect(readAll(d, socket)).toHaveLength(2)
    expect(d.stack.setOption(socket, Option.PacketRing, 0)).toBe(0)
    for (let i = 0; i < 3; i++) d.inFrame(strange)
    expect(readAll(d, socket)).toHaveLength(3)
    d.stack.close(socket)
  })
})

test('no other socket can be looked at, nor one that is closed', () => {
  const d = new Dialogue()
  const udpSocket = d.stack.socket(Protocol.Udp) as Socket
  expect(d.stack.peek(udpSocket, blank())).toBe(EOPNOTSUPP)
  expect(d.stack.peek(d.open(), blank())).toBe(EOPNOTSUPP)
  d.stack.close(udpSocket)
  expect(d.stack.peek(udpSocket, blank())).toBe(EBADF)
  expect(d.stack.lost(udpSocket)).toBe(EBADF)
})
