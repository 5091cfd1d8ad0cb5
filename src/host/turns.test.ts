import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Stepper, Turns } from './turns.ts'

/** Takes `work` steps, and one more at each of its deadlines. */
class Worker implements Stepper {
  work = 0
  at = Number.POSITIVE_INFINITY
  readonly steps: number[] = []
  onStep: () => void = () => undefined

  get wants(): boolean {
    return this.work > 0
  }
  deadline(): number {
    return this.at
  }
  step(now: number): void {
    this.steps.push(now)
    if (this.work > 0) this.work--
    if (now >= this.at) this.at = Number.POSITIVE_INFINITY
    this.onStep()
  }
}

let turns: Turns
let ends: number
let now: () => number

beforeEach(() => {
  ends = 0
  now = () => performance.now()
  turns = new Turns(
    () => now(),
    () => ends++,
  )
})
afterEach(() => turns.end())

describe('turns', () => {
  test('all that wants steps gets them in one turn, and its end is told once', () => {
    const a = new Worker()
    const b = new Worker()
    a.work = 3
    b.work = 1
    turns.add(a)
    turns.add(b)
    turns.run()
    expect([a.steps.length, b.steps.length, ends]).toEqual([3, 1, 1])
  })

  test('endless work leaves room for messages between turns', async () => {
    const busy = new Worker()
    busy.work = Number.POSITIVE_INFINITY
    turns.add(busy)
    const { port1, port2 } = new MessageChannel()
    const heard = new Promise(resolve => {
      port1.onmessage = resolve
    })
    turns.run()
    port2.postMessage(0)
    await heard
    expect(busy.steps.length).toBeGreaterThan(1)
    port1.close()
  })

  test('a deadline brings a step, not earlier than it', async () => {
    const sleeper = new Worker()
    const at = performance.now() + 30
    sleeper.at = at
    turns.add(sleeper)
    await vi.waitFor(() => expect(sleeper.steps.length).toBe(1))
    expect(sleeper.steps[0]).toBeGreaterThanOrEqual(at)
  })

  test('an earlier deadline takes the place of a later one', async () => {
    const sleeper = new Worker()
    sleeper.at = performance.now() + 50_000
    turns.add(sleeper)
    turns.run()
    sleeper.at = performance.now() + 10
    turns.run()
    await vi.waitFor(() => expect(sleeper.steps.length).toBe(1))
  })

  test('waking from within a step is one turn, not a turn inside a turn', () => {
    const worker = new Worker()
    worker.work = 2
    worker.onStep = () => {
      turns.wake()
      turns.run()
    }
    turns.add(worker)
    turns.run()
    expect([worker.steps.length, ends]).toEqual([2, 1])
  })

  test('who was removed takes no more steps', () => {
    const worker = new Worker()
    worker.work = 5
    turns.add(worker)
    turns.remove(worker)
    turns.run()
    expect(worker.steps).toEqual([])
  })

  test('one that throws ends its turn, and no other turn', () => {
    const bad = new Worker()
    const good = new Worker()
    bad.work = 1
    bad.onStep = () => {
      throw new Error('a bug')
    }
    turns.add(bad)
    turns.add(good)
    expect(() => turns.run()).toThrow('a bug')
    good.work = 1
    turns.run()
    expect(good.steps).toHaveLength(1)
  })
})
