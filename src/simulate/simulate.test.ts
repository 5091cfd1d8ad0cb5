import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { planOf } from './draw.ts'
import { CALM, type Plan } from './plan.ts'
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
    const stream = planOf(1).incidents.find(({ kind }) => kind === 'stream')
    const host = { profile: 'full', memory: 65536, ipv6: false, rate: 10, skew: 0 } as const
    const incidents = [{ at: 0, kind: 'weather', weather: { ...CALM, loss: 1 } } as const]
    if (stream?.kind !== 'stream') throw new Error('The first plan has a stream.')
    const plan: Plan = {
      seed: 1,
      hosts: [host, host],
      incidents: [...incidents, { ...stream, from: 0, to: 1, ending: 'order' }],
    }
    expect(run(plan).failure).toContain('has no excuse')
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
