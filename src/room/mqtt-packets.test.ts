import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_PACKET, MqttPackets } from './mqtt-packets.ts'

/** A PUBLISH packet's frame around `body` bytes. */
const packet = (body: number): Uint8Array =>
  Uint8Array.from([
    0x30,
    ...(body < 128 ? [body] : [(body & 0x7f) | 0x80, body >> 7]),
    ...new Uint8Array(body).fill(body & 0xff),
  ])

test('whatever way the stream is cut, the packets come out whole and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (bodies, cuts) => {
        const packets = bodies.map(packet)
        const stream = Uint8Array.from(packets.flatMap(bytes => [...bytes]))
        const out: Uint8Array[] = []
        const assembly = new MqttPackets()
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length] ?? 1
          assembly.add(stream.subarray(at, at + size), whole => out.push(whole))
          at += size
        }
        expect(out).toEqual(packets)
      },
    ),
  )
})

test('a packet longer than the bound is refused before it has arrived', () => {
  const length = [0x80 | (MAX_PACKET & 0x7f), 0x80 | ((MAX_PACKET >> 7) & 0x7f), MAX_PACKET >> 14]
  expect(() => new MqttPackets().add(Uint8Array.from([0x30, ...length]), () => {})).toThrow(RangeError)
})

test('a length of more than four bytes is refused', () => {
  expect(() => new MqttPackets().add(Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0xff]), () => {})).toThrow(
    RangeError,
  )
})
