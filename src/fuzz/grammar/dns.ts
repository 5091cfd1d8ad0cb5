/** DNS, RFC 1035, and mDNS, RFC 6762: names with pointers that go back, ahead, to themselves and out of the message. */
import type { Knowledge } from '../knowledge.ts'
import type { Pen } from '../pen.ts'

const NAMES = [
  'target.local',
  'target-2.local',
  'a.example',
  'b.example',
  '1.0.0.10.in-addr.arpa',
  'x.local',
  '',
]

export function putDns(pen: Pen, known: Knowledge): void {
  const { dice } = pen
  const from = pen.at
  const counts = [dice.below(3), dice.below(5), dice.below(3), dice.below(3)]
  pen.u16(dice.one([0, ...known.ids])).u16(dice.one([0, 0x8400, 0x8180, 0x8183, 0x8380, dice.below(65_536)]))
  for (const count of counts) pen.u16(count)
  for (let n = counts[0] ?? 0; n > 0; n--) {
    putName(pen, from)
    pen.u16(typeOf(pen)).u16(dice.one([1, 1, 0x8001, 255]))
  }
  putRecords(
    pen,
    from,
    counts.slice(1).reduce((sum, count) => sum + count),
  )
}

const typeOf = ({ dice }: Pen): number =>
  dice.one([1, 1, 5, 5, 6, 12, 28, 33, 16, 47, 255, 41, dice.below(65_536)])

/** The answer to a question that was heard: its identifier and its question, and whatever else. RFC 1035, 4.1. */
export function putAnswer(pen: Pen, question: Uint8Array): void {
  const { dice } = pen
  const from = pen.at
  let end = 12
  while (end < question.length && (question[end] ?? 0) !== 0) end += 1 + (question[end] ?? 0)
  const counts = [dice.below(4), dice.below(3), dice.below(2)]
  pen.copy(question.subarray(0, 2)).u16(dice.one([0x8180, 0x8180, 0x8180, 0x8183, 0x8182, 0x8380, 0x8580]))
  pen.u16(1)
  for (const count of counts) pen.u16(count)
  pen.copy(question.subarray(12, end + 5))
  putRecords(
    pen,
    from,
    counts.reduce((sum, count) => sum + count),
  )
}

/** Records, most of them about the name that was asked for, or that an alias before them stands for. */
function putRecords(pen: Pen, from: number, count: number): void {
  const { dice } = pen
  let alias = 12
  for (let n = count; n > 0; n--) {
    if (dice.chance(0.5)) pen.u16(0xc000 | alias)
    else putName(pen, from)
    const kind = typeOf(pen)
    pen
      .u16(kind)
      .u16(dice.one([1, 1, 0x8001]))
      .u32(dice.one([0, 1, 120, 4_500, 0xffffffff]))
      .u16(0)
    const at = pen.at
    if (kind === 1) pen.u32(dice.one([0x0a000001, 0x0a000007, dice.word()]))
    else if (kind === 5 || kind === 12) {
      if (kind === 5) alias = (pen.at - from) & 0x3fff
      putName(pen, from)
    } else if (kind === 6) {
      putName(pen, from)
      putName(pen, from)
      for (let i = 0; i < 5; i++) pen.u32(dice.one([0, 60, 3_600, 0xffffffff]))
    } else if (kind === 28) pen.noise(16)
    else if (kind === 33) {
      pen.u16(0).u16(0).u16(80)
      putName(pen, from)
    } else pen.noise(dice.below(40))
    pen.patch16(at - 2, pen.at - at)
  }
}

function putName(pen: Pen, message: number): void {
  const { dice } = pen
  const how = dice.below(10)
  if (how < 5) {
    for (const label of dice
      .one(NAMES)
      .split('.')
      .filter(text => text !== '')) {
      pen.u8(label.length)
      pen.copy([...label].map(letter => letter.charCodeAt(0) ^ (dice.below(20) === 0 ? 0x20 : 0)))
    }
  } else if (how === 5) for (let n = dice.below(130); n > 0; n--) pen.u8(1).u8(97)
  else if (how === 6)
    pen
      .u8(63)
      .noise(63)
      .u8(dice.one([64, 128, 63]))
      .noise(dice.below(64))
  const here = pen.at - message
  const pointer = dice.one([12, 12, here, here - 2, here + 2, dice.below(600), 0x3fff, 0])
  if (how > 6 || dice.below(4) === 0) pen.u16(0xc000 | (Math.max(0, pointer) & 0x3fff))
  else pen.u8(0)
}
