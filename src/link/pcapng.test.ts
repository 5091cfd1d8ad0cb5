import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { putLldp } from '../stack/wire/lldp.ts'
import { type PcapngFile, readPcapng, writePcapng } from './pcapng.ts'

const file: PcapngFile = {
  interfaces: ['alice', 'bob'],
  packets: [
    { interface: 0, time: 1_795_000_000_123_456, bytes: Uint8Array.of(1, 2, 3), comment: undefined },
    { interface: 1, time: 1_795_000_000_123_457, bytes: Uint8Array.of(4), comment: 'Dropped at bob: naïve.' },
  ],
}
const bytes = (of: PcapngFile) => new Uint8Array(writePcapng(of))
const refused = (change: (made: Uint8Array) => Uint8Array | undefined) => () => {
  const made = bytes(file)
  return readPcapng(change(made) ?? made)
}

describe('pcapng', () => {
  test('what was written is read', () => {
    expect(readPcapng(bytes(file))).toEqual(file)
  })

  test('any frames, times and comments survive', () => {
    const packet = fc.record({
      interface: fc.constant(0),
      time: fc.integer({ min: 0, max: 2 ** 51 }),
      bytes: fc.uint8Array({ maxLength: 1514 }),
      comment: fc.option(fc.string({ minLength: 1, unit: 'grapheme' }), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(packet), packets => {
        expect(readPcapng(bytes({ interfaces: ['wire'], packets }))).toEqual({
          interfaces: ['wire'],
          packets,
        })
      }),
    )
  })

  test('a comment may be empty, and begin with a mark of the byte order', () => {
    const packets = ['', '\ufeffmarked'].map(comment => ({
      interface: 0,
      time: 0,
      bytes: Uint8Array.of(1),
      comment,
    }))
    const named = { interfaces: ['\ufeffalice'], packets }
    expect(readPcapng(bytes(named))).toEqual(named)
  })

  test('a comment that no option can hold is not written', () => {
    const packet = { interface: 0, time: 0, bytes: Uint8Array.of(1), comment: 'x'.repeat(65536) }
    expect(() => writePcapng({ interfaces: ['wire'], packets: [packet] })).toThrow('65535 bytes at most')
  })

  test('a frame of 3.7 GB in a block of 36 bytes is refused', () => {
    const packet = { interface: 0, time: 0, bytes: Uint8Array.of(1, 2, 3), comment: undefined }
    const made = bytes({ interfaces: ['wire'], packets: [packet] })
    const view = new DataView(made.buffer)
    for (const length of [20, 24]) view.setUint32(made.length - 36 + length, 0xde9a35b3, true)
    expect(() => readPcapng(made)).toThrow('is too short for what it holds')
  })

  test('a time that is no number of microseconds is refused', () => {
    const packet = { interface: 0, time: 2 ** 64 - 2 ** 32, bytes: Uint8Array.of(1), comment: undefined }
    expect(() => readPcapng(bytes({ interfaces: ['wire'], packets: [packet] }))).toThrow(
      'a time that cannot be',
    )
  })

  test('a file that is something else is refused', () => {
    expect(() => readPcapng(new Uint8Array(100))).toThrow('does not begin with a Section Header Block')
  })

  test('a file that is cut short is refused', () => {
    expect(refused(made => made.subarray(0, made.length - 4))).toThrow('which cannot be')
  })

  test('two different lengths of one block are refused', () => {
    expect(
      refused(made => {
        made[24] = 99
        return made
      }),
    ).toThrow('The block at byte 0 gives two different lengths.')
  })

  test('another link type than Ethernet is refused', () => {
    expect(
      refused(made => {
        made[28 + 8] = 113
        return made
      }),
    ).toThrow('link type 113; only Ethernet')
  })

  test('a frame of an interface that was not described is refused', () => {
    const made = bytes({ interfaces: ['a'], packets: file.packets.slice(0, 1) })
    const at = made.length - 36
    made[at + 8] = 7
    expect(() => readPcapng(made)).toThrow('names interface 7')
  })

  test('no bytes make it throw anything but a sentence', () => {
    const good = bytes(file)
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, octet) => {
        const bad = good.slice()
        bad[at] = octet
        try {
          readPcapng(bad)
        } catch (error) {
          expect((error as Error).name).toBe('PcapngError')
        }
      }),
      { numRuns: 2000 },
    )
  })

  const tshark = spawnSync('tshark', ['--version']).status === 0
  test.skipIf(!tshark)(
    tshark
      ? 'tshark reads it: times, interfaces, comments, LLDP without a fault'
      : 'skipped: tshark is not installed',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'lanlet-'))
      try {
        const frame = putLldp(
          {
            name: 'alice',
            macs: [Uint8Array.of(2, 0, 0, 0, 0, 10), Uint8Array.of(2, 0, 0, 0, 0, 11)],
            maxFrame: 1514,
            ttl: 121,
          },
          new Uint8Array(6),
        )
        const path = join(folder, 'capture.pcapng')
        writeFileSync(
          path,
          bytes({
            interfaces: ['alice', 'bob'],
            packets: [{ interface: 1, time: 1_795_000_000_123_456, bytes: frame, comment: 'for the switch' }],
          }),
        )
        const fields = [
          'frame.time_epoch',
          'frame.interface_name',
          'frame.comment',
          'lldp.tlv.system.name',
          'lldp.time_to_live',
          'lldp.ieee.802_3.max_frame_size',
          '_ws.malformed',
        ]
        const line = execFileSync(
          'tshark',
          ['-r', path, '-T', 'fields', ...fields.flatMap(field => ['-e', field])],
          {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
          },
        )
        expect(line.trimEnd().split('\t')).toEqual([
          '1795000000.123456000',
          'bob',
          'for the switch',
          'alice',
          '121',
          '1518',
        ])
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  )
})
