import { describe, expect, test } from 'vitest'
import type { HostSnapshot, LogRecord } from '../host/protocol.ts'
import { Drop } from '../stack/drop.ts'
import { ACK, PSH, SYN } from '../stack/wire/tcp.ts'
import { FrameLog } from './frame-log.ts'
import { type LadderView, layLadder, type Side, WHOLE } from './ladder.ts'
import { Stations } from './stations.ts'
import { followFor, MOST_DRAWN, SubjectFrames, subjectOf } from './subject.ts'
import { ALICE, arp, arrival, BOB, frame, state, type TestHost, tcp } from './wire.fixture.ts'

const snapshot = (host: TestHost): HostSnapshot => ({
  ...host,
  profile: 'full',
  ipv6: false,
  memory: { size: 0, used: 0, peak: 0, failures: 0, pools: [] },
  connections: [],
  neighbours: [],
  counters: {},
  drops: [],
  conversations: [],
  transfers: [],
})
const STATIONS = new Stations([snapshot(ALICE), snapshot(BOB)], [], new Map())
const A = [ALICE, 49152] as const
const B = [BOB, 23] as const
const OUT = [49152, 23] as const
const BACK = [23, 49152] as const

const HANDSHAKE: readonly LogRecord[] = [
  frame(1, 0, 'alice', arp(1, ALICE, BOB)),
  arrival(1, 0, 'bob'),
  frame(2, 0, 'bob', arp(2, BOB, ALICE)),
  arrival(2, 0, 'alice'),
  frame(3, 1, 'alice', tcp(ALICE, BOB, { ports: OUT, seq: 9, flags: SYN, mss: 1460 })),
  state(1, A, B, 'SYN-SENT', 3),
  arrival(3, 1, 'bob'),
  state(1, B, A, 'SYN-RECEIVED', 3),
  frame(4, 1, 'bob', tcp(BOB, ALICE, { ports: BACK, seq: 70, ack: 10, flags: SYN | ACK, mss: 1460 })),
  arrival(4, 1, 'alice'),
  state(1, A, B, 'ESTABLISHED', 4),
  frame(5, 2, 'alice', tcp(ALICE, BOB, { ports: OUT, seq: 10, ack: 71, flags: ACK })),
  arrival(5, 2, 'bob'),
  state(2, B, A, 'ESTABLISHED', 5),
]

function ladderOf(records: readonly LogRecord[], listening?: Side, view: Partial<LadderView> = {}) {
  const log = new FrameLog()
  log.append(records)
  const subject = subjectOf({ kind: 'newest' }, log, STATIONS)
  if (!subject) throw new Error('There are two stations.')
  const frames = new SubjectFrames()
  frames.read(subject, log)
  const { earlier, later } = frames
  return layLadder(subject, frames.frames, log.states, STATIONS, {
    ...WHOLE,
    earlier,
    later,
    listening,
    ...view,
  })
}

describe('the ladder', () => {
  test('shows ARP and the handshake in order, each by its words', () => {
    expect(ladderOf(HANDSHAKE).arrows.map(({ from, label, meaning }) => [from, label, meaning])).toEqual([
      ['left', 'Who has 169.254.9.2? Tell 169.254.7.31', 'near'],
      ['right', '169.254.9.2 is at 02:00:00:00:00:0b', 'near'],
      ['left', 'SYN Seq=0 MSS=1460', 'syn'],
      ['right', 'SYN, ACK Seq=0 Ack=1 MSS=1460', 'syn'],
      ['left', 'ACK Seq=1 Ack=1', 'ack'],
    ])
  })

  test('of all that passes between two shows the states of their newest connection', () => {
    const log = new FrameLog()
    const newer = tcp(ALICE, BOB, { ports: [50_000, 23], seq: 5, flags: SYN })
    log.append([
      ...HANDSHAKE,
      frame(6, 900, 'alice', newer),
      state(900, [ALICE, 50_000], B, 'SYN-SENT', 6),
      arrival(6, 900, 'bob'),
    ])
    const pair = subjectOf({ kind: 'pair', left: ALICE.mac, right: BOB.mac }, log, STATIONS)
    if (!pair) throw new Error('There are two stations.')
    const { arrows, states } = layLadder(pair, log.frames, log.states, STATIONS, {
      ...WHOLE,
      listening: 'right',
    })
    expect(arrows).toHaveLength(6)
    expect(states.map(({ side, state, y }) => [side, state, y])).toEqual([
      ['right', 'LISTEN', arrows[5]?.top],
      ['left', 'SYN-SENT', arrows[5]?.top],
    ])
  })

  test('what is sent after an arrival stands below it', () => {
    const { arrows } = ladderOf(HANDSHAKE)
    for (const [i, arrow] of arrows.entries()) expect(arrow.top).toBeGreaterThan(arrows[i - 1]?.bottom ?? 0)
  })

  test('what is under way at the same time stands closer than that', () => {
    const two: LogRecord[] = [6, 7].map(no =>
      frame(no, 3, 'alice', tcp(ALICE, BOB, { ports: OUT, seq: 4 + no, ack: 71, flags: ACK, text: 'x' })),
    )
    const [first, second] = ladderOf([
      ...HANDSHAKE,
      ...two,
      arrival(6, 4, 'bob'),
      arrival(7, 4, 'bob'),
    ]).arrows.slice(-2)
    expect(second?.top).toBeLessThan(first?.bottom ?? 0)
  })

  test('each state stands at the frame with which it came: sent above, taken below', () => {
    const { arrows, states } = ladderOf(HANDSHAKE)
    const y = (no: number, end: 'top' | 'bottom') => arrows.find(arrow => arrow.no === no)?.[end]
    expect(states.map(mark => [mark.side, mark.state, mark.y, mark.now])).toEqual([
      ['left', 'SYN-SENT', y(3, 'top'), false],
      ['right', 'SYN-RECEIVED', y(3, 'bottom'), false],
      ['left', 'ESTABLISHED', y(4, 'bottom'), true],
      ['right', 'ESTABLISHED', y(5, 'bottom'), true],
    ])
  })

  test('a SYN-SENT that another page tells of stands where its SYN was sent, though word of it came later', () => {
    const log = new FrameLog()
    log.append(HANDSHAKE.filter(({ kind }) => kind !== 'state'))
    log.addState(state(3, A, B, 'SYN-SENT'), 'alice')
    const subject = subjectOf({ kind: 'newest' }, log, STATIONS)
    if (!subject) throw new Error('There are two stations.')
    const { arrows, states } = layLadder(subject, log.frames, log.states, STATIONS)
    expect(states).toMatchObject([
      { state: 'SYN-SENT', toldBy: 'alice', y: arrows.find(({ no }) => no === 3)?.top },
    ])
  })

  test('a listener stands level with the SYN, above what became of it', () => {
    const right = ladderOf(HANDSHAKE, 'right').states.filter(({ side }) => side === 'right')
    expect(right.map(mark => mark.state)).toEqual(['LISTEN', 'SYN-RECEIVED', 'ESTABLISHED'])
    expect(right.map(mark => mark.y).toSorted((a, b) => a - b)).toEqual(right.map(mark => mark.y))
  })

  test('ARP for a third host does not belong to the two', () => {
    const carol: TestHost = { name: 'carol', mac: '02:00:00:00:00:0c', address: '169.254.1.1' }
    expect(ladderOf([...HANDSHAKE, frame(6, 3, 'alice', arp(1, ALICE, carol))]).arrows.length).toBe(5)
  })

  test('a loss says its reason, and what was sent again says why and after how long', () => {
    const data = (no: number, time: number) =>
      frame(
        no,
        time,
        'alice',
        tcp(ALICE, BOB, { ports: OUT, seq: 10, ack: 71, flags: PSH | ACK, text: 'world\n' }),
      )
    const dropped = { kind: 'dropped', drop: Drop.NoMemory } as const
    const { arrows, gaps } = ladderOf([
      ...HANDSHAKE,
      data(6, 211),
      arrival(6, 211, 'bob', dropped),
      data(7, 411),
    ])
    expect(arrows.at(-2)).toMatchObject({ meaning: 'bad', lost: 'The memory budget is used up.' })
    expect(arrows.at(-1)).toMatchObject({
      meaning: 'again',
      again: true,
      label: 'PSH, ACK Seq=1 Ack=1 Len=6 again',
    })
    expect(gaps).toMatchObject([
      { side: 'left', label: 'RTO 200 ms', top: arrows.at(-2)?.top, bottom: arrows.at(-1)?.top },
    ])
  })

  test('a station that ignores what a switch floods has lost nothing', () => {
    const ignored = { kind: 'dropped', drop: Drop.NotForUs } as const
    const { arrows } = ladderOf([...HANDSHAKE, arrival(5, 2, 'carol', ignored)])
    expect(arrows.at(-1)?.meaning).toBe('ack')
  })

  test('ten thousand frames leave a ladder of bounded length, and it says how many came before', () => {
    const many: LogRecord[] = Array.from({ length: 10_000 }, (_, i) =>
      frame(
        6 + i,
        3 + i,
        'alice',
        tcp(ALICE, BOB, { ports: OUT, seq: 10 + i, ack: 71, flags: ACK, text: 'x' }),
      ),
    )
    const { arrows, earlier } = ladderOf([...HANDSHAKE, ...many])
    expect(arrows.length).toBe(MOST_DRAWN)
    expect(arrows.length + earlier).toBe(10_005)
    expect(arrows.at(-1)?.no).toBe(10_005)
  })

  const chatter = (no: number): LogRecord[] => {
    const probe = arp(1, { ...ALICE, address: '0.0.0.0' }, ALICE)
    const claim = arp(1, ALICE, ALICE)
    return [frame(no, no, 'alice', probe), arrival(no, no, 'bob'), frame(no + 1, no + 1, 'alice', claim)]
  }
  const later = HANDSHAKE.map(record => ('no' in record ? { ...record, no: record.no + 10 } : record))

  test('a run of address chatter is one quiet line above the handshake', () => {
    const { arrows, folds } = ladderOf([...chatter(1), ...chatter(3), ...later])
    expect(folds).toMatchObject([
      { first: 1, last: 4, frames: 4, label: 'address probing and claiming', open: false },
    ])
    expect(arrows[0]?.label).toBe('Who has 169.254.9.2? Tell 169.254.7.31')
    expect(arrows[0]?.top).toBeGreaterThan(folds[0]?.y ?? Number.POSITIVE_INFINITY)
  })

  test('an opened run shows its frames below its line', () => {
    const { arrows, folds } = ladderOf([...chatter(1), ...later], undefined, { opened: new Set([2]) })
    expect(folds).toMatchObject([{ open: true }])
    expect(arrows.slice(0, 3).map(({ label }) => label)).toEqual([
      'Who has 169.254.7.31? (probe)',
      'Announcement: 169.254.7.31 is mine',
      'Who has 169.254.9.2? Tell 169.254.7.31',
    ])
  })

  test('a probe that was lost is not folded away, and keeps its own label', () => {
    const lost = { kind: 'lost', why: 'The queue to this peer is full.' } as const
    const [probe] = chatter(1)
    const { arrows, folds } = ladderOf([...(probe ? [probe] : []), arrival(1, 1, 'bob', lost), ...later])
    expect(folds).toEqual([])
    expect(arrows[0]).toMatchObject({
      label: 'Who has 169.254.7.31? (probe)',
      lost: 'The queue to this peer is full.',
      meaning: 'bad',
    })
  })

  test('what was said to all while nobody was there is no loss', () => {
    const alone = [frame(1, 0, 'alice', arp(1, ALICE, BOB)), arrival(1, 0, 'switch', { kind: 'unheard' })]
    expect(ladderOf([...alone, ...later]).arrows[0]).toMatchObject({
      label: 'Who has 169.254.9.2? Tell 169.254.7.31',
      lost: undefined,
      remark: 'nobody else on the segment',
      meaning: 'near',
    })
  })

  test('a state that came before anything was sent stands at the first frame', () => {
    const waiting: LogRecord[] = [state(0, A, B, 'SYN-SENT'), ...HANDSHAKE.filter((_, i) => i !== 5)]
    const { arrows, states } = ladderOf(waiting)
    expect(states[0]).toMatchObject({ state: 'SYN-SENT', y: arrows[0]?.top })
  })

  test('a label stands below its line where another frame crosses it', () => {
    const { arrows } = ladderOf([
      ...HANDSHAKE,
      frame(6, 3, 'alice', tcp(ALICE, BOB, { ports: OUT, seq: 10, ack: 71, flags: ACK, text: 'x' })),
      frame(7, 3, 'bob', tcp(BOB, ALICE, { ports: BACK, seq: 71, ack: 10, flags: ACK, text: 'y' })),
    ])
    expect(arrows.slice(-2).map(({ labelSide }) => labelSide)).toEqual(['above', 'below'])
  })

  test('an old frame that is selected is drawn, and the picture says what lies before and behind', () => {
    const log = new FrameLog()
    log.append(HANDSHAKE)
    const data = (no: number) => tcp(ALICE, BOB, { ports: OUT, seq: no, ack: 71, flags: ACK, text: 'x' })
    log.append(Array.from({ length: 2000 }, (_, i) => frame(6 + i, 3 + i, 'alice', data(4 + i))))
    const subject = subjectOf({ kind: 'newest' }, log, STATIONS)
    if (!subject) throw new Error('There are two stations.')
    const frames = new SubjectFrames()
    frames.read(subject, log, log.byNo(600))
    expect(frames.frames.map(({ no }) => no)).toContain(600)
    expect(frames.frames.length).toBe(MOST_DRAWN)
    expect(frames.earlier + MOST_DRAWN + frames.later).toBe(2005)
    frames.read(subject, log)
    expect([frames.frames.at(-1)?.no, frames.later]).toEqual([2005, 0])
  })

  test('a frame of another connection is followed there; one in sight changes nothing', () => {
    const log = new FrameLog()
    const other = tcp(ALICE, BOB, { ports: [50000, 23], seq: 1, flags: SYN })
    log.append([frame(1, 0, 'alice', other), ...later])
    const [first, last] = [log.byNo(1), log.byNo(15)]
    const subject = subjectOf({ kind: 'newest' }, log, STATIONS)
    expect(first && followFor(first, subject, STATIONS)).toEqual({
      kind: 'flow',
      id: first?.segment?.flow.id,
    })
    expect(last && followFor(last, subject, STATIONS)).toBeUndefined()
  })
})
