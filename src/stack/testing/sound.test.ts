/** Each thing that is asked for is broken once: it is found, and said. */
import { describe, expect, test } from 'vitest'
import { Arena, PAGE_NEXT } from '../memory/arena.ts'
import * as layout from '../memory/layout.ts'
import { TIMER_AT } from '../memory/wheel.ts'
import { LOCAL_PORT } from '../socket/record.ts'
import { addressOf } from '../socket/socket.ts'
import { AGAIN, flightOf } from '../tcp/flight.ts'
import * as tcb from '../tcp/tcb.ts'
import { type Edges, expectSound } from './invariants.ts'
import { connectPair, Simulation } from './simulation.ts'

/** A connection with text on its way, and text that waits to be read. */
function conversation() {
  const sim = new Simulation()
  const [alice, bob] = ['alice', 'bob'].map(name => sim.add(name))
  if (alice === undefined || bob === undefined) throw new Error('There are two hosts.')
  sim.start()
  const { near, far } = connectPair(sim, alice, bob)
  bob.stack.send(far, new Uint8Array(100))
  sim.run(100)
  sim.fault = () => 'lose'
  alice.stack.send(near, new Uint8Array(3_000))
  sim.run(1)
  const m = new Arena(alice.stack.arena)
  return { stack: alice.stack, m, t: addressOf(near) as tcb.Tcb }
}

type Broken = ReturnType<typeof conversation>

const BREAKS: readonly (readonly [said: RegExp, by: (of: Broken) => void])[] = [
  [/SND.UNA =< SND.NXT/, ({ m, t }) => m.add32(t + tcb.SND_NXT, -20_000)],
  [/more is in flight than is kept/, ({ m, t }) => m.add32(t + tcb.SND_MAX, 10_000)],
  [/cwnd is less than a segment/, ({ m, t }) => m.put32(t + tcb.CWND, 10)],
  [/an ACK is owed/, ({ m, t }) => m.put8(t + tcb.ACKS_OWED, 1)],
  [/not one of its state/, ({ m, t }) => m.put8(t + tcb.CLOCK, tcb.CLOCK_TIME_WAIT)],
  [/no clock runs/, ({ m, t }) => m.put8(t + tcb.CLOCK, tcb.CLOCK_NONE)],
  [/fires behind the clock/, ({ m, t }) => m.put32(t + TIMER_AT, m.get32(t + tcb.CLOCK_AT) + 50)],
  [/wider than the share/, ({ m, t }) => m.add32(t + tcb.RCV_EDGE, 1 << 20)],
  [/bytes to be read/, ({ m, t }) => m.add32(t + tcb.RECV_QUEUED, -1)],
  [/bytes to send/, ({ m, t }) => m.put32(m.get32(t + tcb.SEND_HEAD) + PAGE_NEXT, 0)],
  [/sent again/, ({ m, t }) => m.add32(flightOf(m, t) + AGAIN, 1)],
  [/not found by its numbers/, ({ m, t }) => m.put16(t + LOCAL_PORT, 1)],
  [/count of free pages/, ({ m }) => m.add32(layout.FREE_COUNT, -1)],
  [/free pages/, ({ m }) => m.put32(layout.FREE_HEAD, m.get32(m.get32(layout.FREE_HEAD)))],
  [/never ends/, ({ m }) => m.put32(m.get32(layout.FREE_HEAD), m.get32(layout.FREE_HEAD))],
  [/pages of pool/, ({ m }) => m.put32(layout.POOLS_AT + layout.POOL_SEND * layout.POOL_STRIDE, 0)],
  [/senders/, ({ m, t }) => m.put32(layout.SENDERS_HEAD, t)],
  [/TIME-WAIT/, ({ m, t }) => m.put32(layout.WAITING_HEAD, t)],
  [/count of frames/, ({ m }) => m.add32(layout.FRAMES_COUNT, 1)],
]

describe('an arena that was broken', () => {
  test.each(BREAKS)('says %s', (said, by) => {
    const of = conversation()
    expectSound(of.stack)
    by(of)
    expect(() => expectSound(of.stack)).toThrow(said)
  })

  test('is found out where a window has moved left since the last look', () => {
    const { stack, m, t } = conversation()
    const edges: Edges = new Map()
    expectSound(stack, edges)
    expectSound(stack, edges)
    m.add32(t + tcb.RCV_EDGE, -1)
    expect(() => expectSound(stack, edges)).toThrow(/moved left/)
  })
})
