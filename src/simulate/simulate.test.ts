import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createStack } from '../stack/profiles/full.ts'
import { environment } from '../stack/testing/simulation.ts'
import { planOf } from './draw.ts'
import { CALM, type Plan } from './plan.ts'
import { Recorder } from './recorder.ts'
import { shrink } from './shrink.ts'
import { run } from './world.ts'

/** Plans that failed once, or under a rule that was broken on purpose, shrunk. */
const CASES = new URL('./cases/', import.meta.url)
const cases = readdirSync(CASES).filter(file => file.endsWith('.json'))

describe('a storm', () => {
  test.each(cases)('that failed once goes well: %s', file => {
    const plan = JSON.parse(readFileSync(new URL(file, CASES), 'utf8')) as Plan
    expect(run(plan).failure).toBeUndefined()
  })

  test('is the same, byte for byte, each time its seed is run', () => {
    expect(run(planOf(5)).digest).toBe(run(planOf(5)).digest)
    expect(run(planOf(5)).digest).not.toBe(run(planOf(6)).digest)
  })

  test('carries all that was said, without weather', () => {
    const host = { profile: 'full', memory: 65536, ipv6: true, rate: 10, skew: 0 } as const
    const stream = { kind: 'stream', id: 1, from: 0, to: 1, ipv6: true, pause: 0, ending: 'order' } as const
    const plan: Plan = {
      seed: 1,
      hosts: [host, { ...host, profile: 'minimal' }],
      incidents: [{ at: 0, ...stream, bytes: 50_000, back: 70_000, piece: 1_000 }],
    }
    const { failure, endings } = run(plan)
    expect(failure).toBeUndefined()
    expect([...endings]).toEqual([['complete', 2]])
  })

  test('that loses all frames excuses no stream that is not told to be cut off', () => {
    const host = { profile: 'full', memory: 65536, ipv6: false, rate: 10, skew: 0 } as const
    const incidents = [{ at: 0, kind: 'weather', weather: { ...CALM, loss: 1 } } as const]
    const stream = { kind: 'stream', id: 1, from: 0, to: 1, ipv6: false, pause: 0, piece: 100 } as const
    const plan: Plan = {
      seed: 1,
      hosts: [host, host],
      incidents: [...incidents, { at: 1, ...stream, bytes: 10, back: 10, ending: 'order' }],
    }
    expect(run(plan).failure).toContain('has no excuse')
  })
})

describe('a storm of every kind', () => {
  const host = {
    profile: 'full',
    memory: 131072,
    ipv6: true,
    rate: 10_000,
    skew: 0,
    named: true,
    sysctls: { 'net.ipv4.tcp_ecn': 1 },
  } as const
  const stream = {
    kind: 'stream',
    from: 0,
    to: 1,
    ipv6: false,
    pause: 1,
    piece: 1_000,
    bytes: 20_000,
  } as const
  const plan: Plan = {
    seed: 1,
    wires: [{ mtu: 1500, told: true, router6: 1400 }],
    hosts: [{ ...host, lease: 60 }, { ...host, address: 'dhcp' }, host],
    incidents: [
      { at: 0, kind: 'weather', weather: { ...CALM, urgent: 0.5, marks: 0.1 } },
      { at: 10, ...stream, id: 1, back: 10, ending: 'order', opening: 'text', noDelay: true, nap: 100 },
      { at: 20, ...stream, ipv6: true, id: 6, from: 2, to: 0, back: 0, ending: 'deaf' },
      { at: 20, ...stream, id: 2, back: 20_000, ending: 'reset', opening: 'cross', reno: true },
      { at: 30, ...stream, id: 3, back: 0, ending: 'linger', opening: 'call', userTimeout: 60_000 },
      {
        at: 40,
        kind: 'datagrams',
        id: 4,
        from: 0,
        to: 2,
        count: 3,
        bytes: 3_000,
        pause: 1,
        group: true,
        ttl: 2,
      },
      { at: 50, kind: 'ping', id: 5, from: 2, to: 0, count: 3, bytes: 100, pause: 1 },
      { at: 60, kind: 'question', from: 0, to: 2, asks: 'A' },
      { at: 70, kind: 'watcher', host: 2, lasts: 5_000, ring: true, filter: true },
      { at: 80, kind: 'errand', host: 2, lasts: 9_000 },
      { at: 9_000, kind: 'hush', host: 1, lasts: 1_000 },
      { at: 10_000, kind: 'linkUp', host: 0 },
      { at: 11_000, kind: 'transplant', host: 2 },
      { at: 12_000, kind: 'gone', host: 2 },
      { at: 13_000, kind: 'renumber', host: 2 },
      { at: 20_000, kind: 'partition', hosts: [1], lasts: 1_000 },
      { at: 30_000, kind: 'sleep', host: 0, lasts: 1_000, clockRuns: true },
      { at: 40_000, kind: 'restart', host: 1, lasts: 1_000 },
    ],
  }

  test('calls all that a stack can be asked', () => {
    const recorders = plan.hosts.map(() => new Recorder())
    expect(run(plan, index => recorders[index]).failure).toBeUndefined()
    const called = new Set(recorders.flatMap(recorder => [...recorder.called]))
    const stack = createStack({ memory: 65536, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }, environment(1))
    const calls = Object.entries(stack).flatMap(([name, of]) => (typeof of === 'function' ? [name] : []))
    expect(calls.length).toBeGreaterThan(40)
    expect(calls.filter(name => !called.has(name))).toEqual([])
  })
})

describe('a plan that fails', () => {
  test('is shrunk to what it fails by, in its mildest form', () => {
    const plan = planOf(10)
    const isToBlame = ({ incidents }: Plan) =>
      incidents.some(each => each.kind === 'stream' && each.bytes > 2)
    expect(isToBlame(plan)).toBe(true)
    const least = shrink(plan, tried => ({ failure: isToBlame(tried) ? 'too much is said' : undefined }))
    expect(least.incidents).toHaveLength(1)
    expect(least.incidents[0]).toMatchObject({ kind: 'stream' })
    const [only] = least.incidents
    expect(only?.kind === 'stream' && only.bytes).toBeLessThan(6)
  })
})
