import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EAGAIN, EINVAL, EISCONN, ENOPROTOOPT, EOPNOTSUPP } from '../errno.ts'
import { createStack as client } from '../profiles/client.ts'
import { Option, type Socket } from '../stack.ts'
import { Dialogue, PEER } from '../testing/dialogue.ts'

const COOKIE = [11, 12, 13, 14, 15, 16, 17, 18]
/** The Fast Open option without a cookie, and with one. */
const REQUEST = [1, 1, 34, 2]
const withCookie = (cookie: number[]): number[] => [1, 1, 34, 2 + cookie.length, ...cookie]
const MSS = [2, 4, 3, 232]

/** Connects with as many bytes. Its SYN is left to be heard. */
function open(d: Dialogue, bytes: number): Dialogue {
  d.speakFrom(80)
  d.socket = d.open()
  const data = Uint8Array.from({ length: bytes }, (_, i) => i & 255)
  expect(d.stack.sendTo(d.socket, data, PEER, 80)).toBe(bytes)
  return d.wait(0)
}

/** A host that the peer has given a cookie, on a connection that is closed again. */
function acquainted(mss = MSS): Dialogue {
  const d = open(new Dialogue(), 0)
  expect(d.lastOptions).toEqual(expect.arrayContaining(REQUEST))
  d.out('SYN 0:0')
  d.in('SYN,ACK 0:0 ack 1', { options: [...mss, ...withCookie(COOKIE)] })
  d.out('ACK 1:1 ack 1')
  d.stack.abort(d.socket)
  d.wait(0).out('RST 1:1')
  return d
}

describe('a connection that begins with text', () => {
  test('asks for a cookie, and its text waits for the handshake', () => {
    const d = open(new Dialogue(), 100)
    expect(d.lastOptions.slice(-4)).toEqual(REQUEST)
    d.out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1 mss 1000')
    d.out('PSH,ACK 1:101 ack 1').quiet()
  })

  test('has it in the SYN once it has a cookie', () => {
    const d = open(acquainted(), 100)
    expect(d.lastOptions.slice(-12)).toEqual(withCookie(COOKIE))
    d.out('SYN 0:100')
    d.in('SYN,ACK 0:0 ack 101 mss 1000')
    d.out('ACK 101:101 ack 1').quiet()
    expect(d.connection.sendQueued).toBe(0)
    d.send(10)
    d.out('PSH,ACK 101:111 ack 1')
  })

  test('has no more in it than the server’s MSS less the options; the rest follows', () => {
    const d = open(acquainted(), 3000)
    const options = d.lastOptions.length
    d.out(`SYN 0:${1000 - options}`)
    d.in(`SYN,ACK 0:0 ack ${1001 - options} mss 1000`)
    d.out(`ACK ${1001 - options}:${2001 - options} ack 1`)
    d.out(`ACK ${2001 - options}:${3001 - options} ack 1`)
    d.in(`ACK 1:1 ack ${3001 - options}`)
    d.out(`PSH,ACK ${3001 - options}:3001 ack 1`)
  })

  test('has no more in it than our own link carries, whatever the server’s MSS', () => {
    const d = open(acquainted([2, 4, 0xff, 0xff]), 5000)
    const options = d.lastOptions.length
    d.out(`SYN 0:${1460 - options}`)
    d.in(`SYN,ACK 0:0 ack ${1461 - options} mss 1460`)
    d.out(`ACK ${1461 - options}:${2921 - options} ack 1`)
    d.skip()
  })

  test('sends it again at once when the server has not taken it', () => {
    const d = open(acquainted(), 100)
    d.out('SYN 0:100')
    d.in('SYN,ACK 0:0 ack 1 mss 1000')
    d.out('PSH,ACK 1:101 ack 1').quiet()
    d.in('ACK 1:1 ack 101')
    d.wait(10_000).quiet()
  })

  test('tries without when nobody answers, and does not use the cookie again', () => {
    const d = open(acquainted(), 100)
    d.out('SYN 0:100')
    d.wait(1000)
    expect(d.lastOptions).not.toContain(34)
    d.out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1 mss 1000')
    d.out('PSH,ACK 1:101 ack 1')
    d.in('ACK 1:1 ack 101')
    expect(d.connection.sendQueued).toBe(0)
    open(d, 100)
    expect(d.lastOptions.slice(-4)).toEqual(REQUEST)
    d.out('SYN 0:0')
  })

  test('waits with its text when two SYNs cross', () => {
    const d = open(acquainted(), 100)
    d.out('SYN 0:100')
    d.in('SYN 0:0 mss 1000')
    d.out('SYN,ACK 0:0 ack 1').quiet()
    d.in('ACK 1:1 ack 1')
    d.out('PSH,ACK 1:101 ack 1')
  })

  test('ignores a cookie of a length that none has', () => {
    const d = open(new Dialogue(), 0)
    d.out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1', { options: [...MSS, 34, 5, 1, 2, 3] })
    d.out('ACK 1:1 ack 1')
    open(d, 10)
    d.out('SYN 0:0')
  })

  test('is EISCONN on a socket that has one, EOPNOTSUPP where the profile lacks it', () => {
    const d = open(new Dialogue(), 10)
    expect(d.stack.sendTo(d.socket, new Uint8Array(1), PEER, 80)).toBe(EISCONN)
    d.skip()
    const e = new Dialogue({}, client)
    expect(e.stack.sendTo(e.open(), new Uint8Array(1), PEER, 80)).toBe(EOPNOTSUPP)
    expect(e.stack.setOption(e.open(), Option.FastOpen, 1)).toBe(ENOPROTOOPT)
  })
})

/** A listener that takes text from SYNs, and the cookie that it has given the peer. */
function server(queue = 2): { d: Dialogue; listener: Socket; cookie: number[] } {
  const d = new Dialogue()
  const listener = d.listen()
  expect(d.stack.setOption(listener, Option.FastOpen, queue)).toBe(0)
  d.in('SYN 0:0', { options: REQUEST })
  const options = d.lastOptions
  d.out('SYN,ACK 0:0 ack 1')
  d.in('RST 1:1')
  const at = options.indexOf(34)
  return { d: d.speakFrom(4001), listener, cookie: options.slice(at + 2, at + 10) }
}

describe('a listener for Fast Open', () => {
  test('gives each who asks a cookie', () => {
    expect(server().cookie.length).toBe(8)
    expect(new Set(server().cookie).size).toBeGreaterThan(1)
  })

  test('lets the program have the text of a SYN with its cookie, and answer, before the handshake is done', () => {
    const { d, listener, cookie } = server()
    expect(d.in('SYN 0:10', { options: withCookie(cookie) })).toBe(Drop.None)
    d.out('SYN,ACK 0:0 ack 11')
    d.accept(listener)
    expect(d.state).toBe('SYN-RECEIVED')
    expect(d.recv()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(d.send(20)).toBe(20)
    d.out('PSH,ACK 1:21 ack 11').quiet()
    d.in('ACK 11:11 ack 21')
    expect(d.state).toBe('ESTABLISHED')
    expect(d.connection.sendQueued).toBe(0)
    d.wait(10_000).quiet()
  })

  test('has its FIN acknowledged by the ACK that ends the handshake', () => {
    const { d, listener, cookie } = server()
    d.in('SYN 0:10', { options: withCookie(cookie) })
    d.out('SYN,ACK 0:0 ack 11').accept(listener).recv()
    expect(d.stack.send(d.socket, new Uint8Array(20))).toBe(20)
    d.shutdown().out('FIN,PSH,ACK 1:21 ack 11').quiet()
    d.in('FIN,ACK 11:11 ack 22')
    d.out('ACK 22:22 ack 12').quiet()
    expect(d.state).toBe('TIME-WAIT')
  })

  test('sends SYN,ACK and answer again when they are lost', () => {
    const { d, listener, cookie } = server()
    d.in('SYN 0:10', { options: withCookie(cookie) })
    d.accept(listener).send(20)
    d.out('SYN,ACK 0:0 ack 11').out('PSH,ACK 1:21 ack 11')
    d.wait(1000).out('SYN,ACK 0:0 ack 11').out('PSH,ACK 1:21 ack 11').quiet()
    d.in('ACK 11:11 ack 21')
    expect(d.state).toBe('ESTABLISHED')
  })

  test.each([
    ['a false cookie', (cookie: number[]) => cookie.map(byte => byte ^ 1)],
    ['one that is too short', (cookie: number[]) => cookie.slice(0, 6)],
  ])('leaves the text of a SYN with %s to come again, and gives a good one', (_what, forge) => {
    const { d, listener, cookie } = server()
    d.in('SYN 0:10', { options: withCookie(forge(cookie)) })
    expect(d.lastOptions.slice(-8)).toEqual(cookie)
    d.out('SYN,ACK 0:0 ack 1')
    expect(d.stack.accept(listener)).toBe(EAGAIN)
    d.in('PSH,ACK 1:11 ack 1')
    expect((d.accept(listener).recv() as number[]).length).toBe(10)
    d.wait(40).skip()
  })

  test('takes text from no more SYNs at once than its queue has room for', () => {
    const { d, cookie } = server(2)
    const options = { options: withCookie(cookie) }
    const acked = [4001, 4002, 4003].map(port => {
      d.speakFrom(port).in('SYN 0:10', options)
      const { heard } = d as unknown as { heard: { segment: { ack: number } }[] }
      const ack = (heard.at(-1)?.segment.ack ?? 0) - 0xfffff000
      d.skip()
      return ack
    })
    expect(acked).toEqual([11, 11, 1])
    // The third one's peer gives up; then the second one is done, and there is room for one more.
    d.in('RST 1:1')
    d.speakFrom(4004).in('SYN 0:10', options)
    d.out('SYN,ACK 0:0 ack 1')
    d.in('RST 1:1')
  })

  test('has room again when a handshake is done, reset or given up', () => {
    const { d, listener, cookie } = server(1)
    const options = { options: withCookie(cookie) }
    d.in('SYN 0:10', options)
    d.out('SYN,ACK 0:0 ack 11')
    d.in('ACK 11:11 ack 1')
    d.speakFrom(4002).in('SYN 0:10', options)
    d.out('SYN,ACK 0:0 ack 11')
    d.in('RST 11:11')
    d.speakFrom(4003).in('SYN 0:10', options)
    d.out('SYN,ACK 0:0 ack 11')
    d.wait(60_000).skip()
    d.speakFrom(4005).in('SYN 0:10', options)
    d.out('SYN,ACK 0:0 ack 11')
    d.in('RST 11:11')
    d.accept(listener)
    expect(d.state).toBe('ESTABLISHED')
    expect(d.stack.accept(listener)).toBe(EAGAIN)
  })

  test('takes a cookie for a day, and not for two', () => {
    const { d, cookie } = server()
    const options = { options: withCookie(cookie) }
    d.wait(2 ** 26).in('SYN 0:10', options)
    d.out('SYN,ACK 0:0 ack 11')
    d.in('RST 11:11')
    d.wait(2 ** 26)
      .speakFrom(4002)
      .in('SYN 0:10', options)
    d.out('SYN,ACK 0:0 ack 1')
    d.in('RST 1:1')
  })

  test('is one only when it is told so', () => {
    const d = new Dialogue()
    const listener = d.listen()
    d.in('SYN 0:10', { options: REQUEST })
    expect(d.lastOptions).not.toContain(34)
    d.out('SYN,ACK 0:0 ack 1')
    expect(d.stack.setOption(listener, Option.FastOpen, -1)).toBe(EINVAL)
    expect(d.stack.setOption(listener, Option.FastOpen, 65_536)).toBe(EINVAL)
  })
})
