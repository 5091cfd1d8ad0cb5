import { describe, expect, test } from 'vitest'
import { runScript } from '../conformance/run.ts'
import { parseScript } from '../conformance/script.ts'
import type { Plan } from './plan.ts'
import { Recorder } from './recorder.ts'
import { scriptOf, transcriptOf } from './transcript.ts'
import { run } from './world.ts'

const HOST = { profile: 'full', memory: 65536, ipv6: false, rate: 10_000, skew: 0 } as const
const WEATHER = {
  delay: 1,
  loss: 0.05,
  burst: 0,
  burstLasts: 0,
  late: 0.1,
  lateBy: 20,
  twice: 0,
  corrupt: 0.02,
}
const PLAN: Plan = {
  seed: 7,
  hosts: [HOST, { ...HOST, skew: 1_000_000, rate: 1 }],
  incidents: [
    { at: 0, kind: 'weather', weather: WEATHER },
    {
      at: 0,
      kind: 'stream',
      id: 1,
      from: 0,
      to: 1,
      ipv6: false,
      bytes: 20_000,
      back: 3_000,
      piece: 900,
      pause: 1,
      ending: 'order',
    },
  ],
}

/** What a host of the plan met until all was said. */
function recorded(host: number): Recorder {
  const recorders = PLAN.hosts.map(() => new Recorder())
  expect(run(PLAN, index => recorders[index]).failure).toBeUndefined()
  return recorders[host] as Recorder
}

/** A segment of the peer's with text. */
const SAYS = / < @.* \d+:\d+\([1-9]\d*\)/

describe('what a host has met in a storm, as a packet script', () => {
  test.each([0, 1])('goes well when it is played: host %i', host => {
    const lines = transcriptOf(recorded(host), 'A record')
    expect(lines.filter(line => SAYS.test(line)).length).toBeGreaterThan(2)
    expect(() => runScript(parseScript(lines.join('\n')))).not.toThrow()
  })

  test('fails where another host would have found that something is wrong', () => {
    const lines = transcriptOf(recorded(1), 'A record')
    const at = lines.findIndex(line => SAYS.test(line))
    // The peer says something else than it said.
    const wrong = lines.with(at, `${lines[at]} data 00`)
    expect(() => runScript(parseScript(wrong.join('\n')))).toThrow('is not what the peer sent')
  })

  test('is none where nothing fails', () => {
    expect(scriptOf(recorded(0), 'A record', [{ kind: 'itself' }])).toBeUndefined()
  })
})
