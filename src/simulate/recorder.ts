/**
 * What one host is asked, hears and says, in its order and by its own clock: from this a packet script is written (transcript.ts).
 * It stands between a machine and its stack.
 */
import type { Drop } from '../stack/drop.ts'
import type { Stack, StackConfig } from '../stack/stack.ts'
import type { HostPlan } from './plan.ts'

/** How the host began: a script's settings. */
export interface Birth {
  readonly plan: HostPlan
  readonly config: StackConfig
  /** Of its random source. */
  readonly seed: number
  /** The host's clock, ms. */
  readonly at: number
}

/** Times are of the host's clock, ms. */
export type Entry = { readonly at: number } & (
  | { readonly kind: 'in'; readonly frame: Uint8Array; readonly link: number; readonly drop: Drop }
  | { readonly kind: 'out'; readonly frame: Uint8Array; readonly link: number }
  | {
      readonly kind: 'call'
      readonly name: string
      readonly values: readonly unknown[]
      readonly result: unknown
    }
)

/** Not calls: what the machine does by itself, and what only looks. */
const SILENT = ['poll', 'pollAt', 'events', 'nextSocket', 'ethtool', 'urgent']

export class Recorder {
  birth: Birth | undefined
  entries: Entry[] = []
  /** The names of all that was called. */
  readonly called = new Set<string>()
  #now = 0

  /** The host's clock when it last did something. */
  get now(): number {
    return this.#now
  }

  /** The stack, overheard. A host that begins anew has a record of its own; an arena that goes on in another stack has not. */
  begin(stack: Stack, birth: Birth): Stack {
    if (typeof birth.config.memory === 'number') {
      this.birth = birth
      this.entries = []
      this.#now = birth.at
    }
    return new Proxy(stack, { get: (target, name) => this.#overhear(target, name as keyof Stack) })
  }

  #overhear(stack: Stack, name: keyof Stack): unknown {
    const found = stack[name]
    if (typeof found !== 'function') return found
    this.called.add(name)
    if (name === 'input') return this.#hear(stack)
    if (name === 'output') return this.#say(stack)
    return (...values: unknown[]) => {
      if (name === 'poll' || name === 'linkUp') this.#now = values[0] as number
      const result = (found as (...of: unknown[]) => unknown).apply(stack, values)
      const at = this.#now
      if (!SILENT.includes(name))
        this.entries.push({ at, kind: 'call', name, values: values.map(copied), result })
      return result
    }
  }

  #hear(stack: Stack): Stack['input'] {
    return (frame, now, link = 0) => {
      this.#now = now
      // What ends the run is on record.
      const entry = { at: now, kind: 'in' as const, frame: frame.slice(), link, drop: 0 as Drop }
      this.entries.push(entry)
      entry.drop = stack.input(frame, now, link)
      return entry.drop
    }
  }

  #say(stack: Stack): Stack['output'] {
    return emit =>
      stack.output((frame, link) => {
        const taken = emit(frame, link)
        if (taken) this.entries.push({ at: this.#now, kind: 'out', frame: frame.slice(), link })
        return taken
      })
  }
}

/** What a caller may write to afterwards. */
const copied = (value: unknown): unknown => (value instanceof Uint8Array ? value.slice() : value)
