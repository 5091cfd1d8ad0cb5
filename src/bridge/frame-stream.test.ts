import type { Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { FrameStream } from './frame-stream.ts'

/** A stream whose far end is `wire`; frames as texts, taken while `room` is above zero. */
function open(room = Number.POSITIVE_INFINITY, wire: Duplex = new PassThrough()) {
  const end = { frames: [] as string[], room, wrong: [] as (string | undefined)[] }
  const stream = new FrameStream(
    wire as unknown as Socket,
    frame => {
      if (end.room-- <= 0) return false
      end.frames.push(Buffer.from(frame).toString())
      return true
    },
    wrong => end.wrong.push(wrong),
  )
  return { wire, end, stream }
}

const framed = (text: string): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, Buffer.from(text)])
}

const settled = () => new Promise<void>(resolve => setImmediate(resolve))

test('frames are cut out of the stream wherever its pieces end', async () => {
  const { wire, end } = open()
  const bytes = Buffer.concat([framed('one'), framed(''), framed('three')])
  for (const byte of bytes) wire.write(Uint8Array.of(byte))
  await settled()
  expect(end.frames).toEqual(['one', '', 'three'])
})

test('a frame that cannot be taken comes again after resume, and those behind it in order', async () => {
  const { wire, end, stream } = open(1)
  wire.write(Buffer.concat([framed('one'), framed('two'), framed('three')]))
  await settled()
  wire.write(framed('four'))
  await settled()
  expect(end.frames).toEqual(['one'])
  end.room = 1
  stream.resume()
  expect(end.frames).toEqual(['one', 'two'])
  end.room = 9
  stream.resume()
  await settled()
  expect(end.frames).toEqual(['one', 'two', 'three', 'four'])
})

test('a length that is no frame’s ends the stream with a sentence', async () => {
  const { wire, end } = open()
  wire.write(Uint8Array.of(0, 1, 0, 14))
  await settled()
  expect(end.wrong).toEqual(['A frame of 65550 bytes; 65549 is the most.'])
  expect(wire.destroyed).toBe(true)
})

test('what stands behind such a length is no frame, and the end is told once', async () => {
  const wire = new Duplex({ read: () => undefined })
  const { end } = open(9, wire)
  wire.push(Buffer.concat([framed('one'), Uint8Array.of(0, 1, 0, 14), framed('two')]))
  for (const text of ['three', 'four']) wire.push(framed(text))
  wire.push(null)
  await settled()
  expect(end.frames).toEqual(['one'])
  expect(end.wrong).toEqual(['A frame of 65550 bytes; 65549 is the most.'])
})
