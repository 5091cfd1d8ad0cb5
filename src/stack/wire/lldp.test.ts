import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LLDP_MAX_HOSTS, parseLldp, putLldp, readLldp } from './lldp.ts'

const ALICE = Uint8Array.of(2, 0, 0, 0, 0, 0x0a)
const BOB = Uint8Array.of(2, 0, 0, 0, 0, 0x0b)
const SPARE = Uint8Array.of(2, 0, 0, 0, 0, 1)
const announcement = { name: 'alice', macs: [ALICE, BOB], maxFrame: 1514, ttl: 120 }

describe('LLDP', () => {
  test('what was put is parsed', () => {
    expect(parseLldp(putLldp(announcement, SPARE))).toEqual(announcement)
  })

  test('is sent from the first host to the nearest bridge', () => {
    const frame = putLldp(announcement, SPARE)
    expect([...frame.subarray(0, 14)]).toEqual([0x01, 0x80, 0xc2, 0, 0, 0x0e, ...ALICE, 0x88, 0xcc])
  })

  test('a page without hosts announces none, from its spare address', () => {
    const frame = putLldp({ ...announcement, macs: [] }, SPARE)
    expect([...frame.subarray(6, 12)]).toEqual([...SPARE])
    expect(parseLldp(frame)).toMatchObject({ macs: [] })
  })

  test('a name outside printable ASCII is sent with question marks', () => {
    expect(parseLldp(putLldp({ ...announcement, name: 'Zoë\n' }, SPARE))).toMatchObject({ name: 'Zo??' })
  })

  test('more hosts than fit are refused', () => {
    const macs = Array.from({ length: LLDP_MAX_HOSTS + 1 }, () => ALICE)
    expect(() => putLldp({ ...announcement, macs }, SPARE)).toThrow('32 hosts at most, not 33')
  })

  test('a frame without its End is refused', () => {
    const frame = putLldp(announcement, SPARE)
    expect(parseLldp(frame.subarray(0, frame.length - 2))).toContain('End is missing')
  })

  test('a TLV longer than the frame is refused', () => {
    const frame = putLldp(announcement, SPARE)
    frame[15] = 0xff
    expect(parseLldp(frame)).toBe('A TLV of type 1 is longer than the frame.')
  })

  test('a frame that does not begin with Chassis ID is refused', () => {
    const frame = putLldp(announcement, SPARE)
    frame[14] = 5 << 1
    expect(parseLldp(frame)).toContain('must come first')
  })

  test('a group address is refused as a host', () => {
    expect(
      parseLldp(putLldp({ ...announcement, macs: [ALICE, Uint8Array.of(3, 0, 0, 0, 0, 1)] }, SPARE)),
    ).toBe('A group address is announced as a host.')
  })

  test('no bytes make it throw', () => {
    const good = putLldp(announcement, SPARE)
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, octet, length) => {
        const frame = good.slice(0, length)
        if (at < length) frame[at] = octet
        parseLldp(frame)
        if (length >= 14) readLldp(frame)
      }),
      { numRuns: 2000 },
    )
  })

  test('its readable form names every TLV and covers every byte but End', () => {
    const frame = putLldp(announcement, SPARE)
    const layer = readLldp(frame)
    expect(layer.summary).toBe('LLDP alice has 02:00:00:00:00:0a, 02:00:00:00:00:0b')
    expect(layer.fields.map(field => field.name)).toEqual([
      'Chassis ID',
      'Port ID',
      'Time To Live',
      'System Name',
      'Management Address',
      'Management Address',
      'Maximum Frame Size',
    ])
    expect(layer.fields.reduce((sum, field) => sum + field.length, 0)).toBe(frame.length - 14 - 2)
  })

  test('a malformed frame says in its readable form what is wrong', () => {
    const frame = putLldp(announcement, SPARE)
    expect(readLldp(frame.subarray(0, frame.length - 2)).fields.at(-1)?.wrong).toContain('End is missing')
  })
})
