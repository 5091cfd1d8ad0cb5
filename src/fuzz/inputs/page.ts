/**
 * What the page makes of frames that others sent: taken apart field by field, in the table, in the ladder, and beside the states
 * that another page tells of them. A piece is a frame, from the same grammar as those that stacks get, whole or cut short.
 *
 * Right is: nothing thrown; every field lies within its frame; every arrow points to a frame; text is text.
 */
import type { Update } from '../../host/protocol.ts'
import { Lab } from '../../lab/lab.ts'
import { packetOf } from '../../lab/packet.ts'
import type { SegmentLink } from '../../lab/segment-link.ts'
import { fingerprint } from '../../lab/told.ts'
import type { Dice } from '../../simulate/dice.ts'
import { TCP_STATES } from '../../stack/inspect/inspect.ts'
import { dissect, type Field, summarise } from '../../stack/wire/dissect.ts'
import { frame } from '../grammar/ethernet.ts'
import { HOSTS, Knowledge } from '../knowledge.ts'
import { mended, mutated } from '../mutate.ts'
import { Pen } from '../pen.ts'
import { times } from './bytes.ts'
import { hexOf, type Input, step } from './input.ts'

export const page: Input<Uint8Array> = {
  name: 'page',
  round: 40,

  draw(dice) {
    const known = new Knowledge(HOSTS, true)
    const pen = new Pen(dice)
    if (dice.below(6) === 0) return bulk(dice)
    return times(dice.between(1, 40), () => {
      const made = frame(pen, known)
      known.hear(made)
      return dice.chance(0.7) ? made : changedFrame(dice, known)
    })
  },

  fault(frames) {
    for (const bytes of frames) {
      const wrong = step(() => wrongFields(bytes))
      if (wrong !== undefined) return wrong
    }
    return wrongInLab(frames)
  },

  show: frames => frames.map(bytes => hexOf([...bytes])).join(' '),
}

/** One connection whose segments are long: those of which another page may tell are many. */
function bulk(dice: Dice): Uint8Array[] {
  const head = [
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 5, 0xa0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0,
    0, 2,
  ]
  const tcp = [0xc0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 16, 255, 255, 0, 0, 0, 0]
  return times(40, () =>
    mended(Uint8Array.from([...head, ...tcp, ...times(1_400, () => 7), dice.below(256)])),
  )
}

function changedFrame(dice: Dice, known: Knowledge): Uint8Array {
  const made = mutated(dice, () => dice.one(known.frames))
  if (dice.chance(0.3)) return made.slice(0, dice.below(made.length + 1))
  return dice.chance(0.5) ? mended(made) : made
}

/** Words that only a mistake writes. */
const isText = (text: string): boolean => text.length > 0 && !/undefined|NaN|\[object/.test(text)

function wrongFields(bytes: Uint8Array): string | undefined {
  const relative = { sequence: 0xffffffff, acknowledgment: 1, windowShift: 14 }
  const layers = [...dissect(bytes), ...dissect(bytes, relative)]
  for (const { name, summary, offset, length, fields } of layers) {
    if (!isText(name) || !isText(summary)) return `the layer is called '${name}', in short '${summary}'`
    if (offset < 0 || length < 0 || offset + length > Math.max(bytes.length, offset + 1))
      return `${name} stands at ${offset}, ${length} bytes of ${bytes.length}`
    for (const field of fields) {
      const wrong = wrongField(field, bytes.length)
      if (wrong !== undefined) return `${name}: ${wrong}`
    }
  }
  for (const { protocol, info } of [summarise(bytes), summarise(bytes, relative)])
    if (!isText(protocol) || !isText(info)) return `in short it is '${protocol}', '${info}'`
  return undefined
}

function wrongField({ name, value, note, wrong, offset, length }: Field, end: number): string | undefined {
  if (!isText(name) || /undefined|NaN|\[object/.test(`${value}${note}${wrong ?? '.'}`))
    return `the field ${name} is '${value}': ${wrong}`
  return offset >= 0 && length >= 0 && (offset + length <= end || length <= 1)
    ? undefined
    : `the field ${name} stands at ${offset}, ${length} bytes of ${end}`
}

/** A lab to which nothing is told but what is put into it. */
function labOf(): { lab: Lab; tell: (update: Update) => void } {
  let tell: (update: Update) => void = () => {}
  const link: SegmentLink = {
    request: () => Promise.reject(new Error('There is no worker.')),
    addPeer: () => Promise.resolve(),
    onUpdate: take => {
      tell = take
    },
    onRestart: () => {},
    onFailure: () => {},
  }
  const identity = (i: number) => ({ name: ['alice', 'bob'][i] ?? '', mac: macText(i) })
  const lab = new Lab(link, { own: identity(0), neighbour: identity(1), withNeighbour: false })
  return { lab, tell: update => tell(update) }
}

const macText = (i: number): string => `02:00:00:00:00:0${i + 1}`

function wrongInLab(frames: readonly Uint8Array[]): string | undefined {
  const { lab, tell } = labOf()
  const peers = [1, 2].map(i => ({
    peer: `${i}`.repeat(32),
    name: 'bob',
    macs: [macText(i)],
    maxFrame: 1514,
    open: true,
    carrier: 'worker' as const,
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    refused: 0,
    queueDrops: 0,
    buffered: 0,
  }))
  const log = frames.flatMap((bytes, i): Update['log'] => [
    { kind: 'frame', no: i + 1, time: i, from: 'alice', bytes },
    { kind: 'arrival', no: i + 1, time: i, at: 'bob', fate: { kind: 'delivered' } },
  ])
  for (let at = 0; at < log.length; at += 40) {
    const counted = { frames: frames.length, connections: 0, timeOrigin: 0 }
    step(() =>
      tell({ kind: 'update', now: at, counted, log: log.slice(at, at + 40), leftOut: 0, hosts: [], peers }),
    )
    for (const bytes of frames.slice(at / 2, at / 2 + 20)) step(() => tellState(lab, bytes))
  }
  for (const { no } of lab.log.frames) {
    const wrong = step(() => wrongWithFrame(lab, no))
    if (wrong !== undefined) return wrong
  }
  return undefined
}

/** Its row in the table, and the ladder in which it is brought into sight. */
function wrongWithFrame(lab: Lab, no: number): string | undefined {
  lab.select(no)
  const { selected, subject } = lab
  if (selected === undefined) return `frame ${no} is not in the log`
  const { info, from, to } = packetOf(selected, lab.stations)
  const isNamed = selected.bytes.length < 14 || (isText(from) && isText(to))
  if (!isText(info) || !isNamed) return `the table says '${from}' '${to}' '${info}'`
  if (subject === undefined) return undefined
  const text = JSON.stringify(lab.picture(subject, new Set([no])), (key, value: unknown) => {
    // Flows lead to frames, which lead to flows.
    if (key === 'frame' || key === 'flow' || key === 'segment') return null
    return typeof value === 'number' && !Number.isFinite(value) ? 'no number' : value
  })
  return text.includes('"no number"') ? 'something in the ladder has no place' : undefined
}

/** Another page tells a state of a connection that the frame may belong to. */
function tellState(lab: Lab, bytes: Uint8Array): void {
  if (bytes.length < 38) return
  const i = bytes.at(-1) ?? 0
  const address = (at: number) => [...bytes.subarray(at, at + 4)].join('.')
  const port = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  lab.hearState(
    {
      localAddress: address(26),
      localPort: port(34),
      remoteAddress: address(30),
      remotePort: port(36),
      state: TCP_STATES[i % TCP_STATES.length] ?? 'CLOSED',
      frame: [undefined, fingerprint(bytes), 'ffffffff'][i % 3],
    },
    'bob',
  )
}
