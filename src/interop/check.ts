/** What a check is, and the smallest of them: a command that must say the right thing. */
import type { Linux, Outcome } from './namespace.ts'
import type { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'

/** undefined: it came true. A sentence: why it did not. */
export type Verdict = string | undefined

export interface Check {
  /** The sentence that must come true. */
  readonly name: string
  /** Programs that it cannot do without. */
  readonly needs: readonly string[]
  /** Left out of the short form. */
  readonly long?: boolean
  /** Rejecting is failing, too. */
  run(): Promise<Verdict>
}

/** Somebody else's stack, on the other end of our wire. */
export interface Peer {
  readonly title: string
  /** Programs and files without which there is nothing to check. */
  readonly needs: readonly string[]
  readonly long?: boolean
  /** Makes a bench with it, which `place` takes down. Rejects with a sentence where that cannot be. */
  meet(place: Place): Promise<Bench>
}

export interface Bench {
  /** Our host on it. */
  readonly host: NodeHost
  readonly checks: readonly Check[]
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Whether something comes true within so many seconds. */
export async function within(seconds: number, so: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const until = performance.now() + seconds * 1000; performance.now() < until; await pause(50))
    if (await so()) return true
  return so()
}

const oneLine = (text: string): string => text.trim().replaceAll('\n', ' | ').slice(-400)

export const failed = (what: string, { status, out, err }: Outcome): string =>
  `${what}: status ${status}: ${oneLine(`${out} ${err}`)}`

/** A command that must end with status 0 and print what matches. */
export async function expectRun(
  linux: Linux,
  command: string,
  args: readonly string[],
  prints: RegExp,
  seconds?: number,
): Promise<Verdict> {
  const outcome = await linux.run(command, args, seconds)
  return outcome.status === 0 && prints.test(outcome.out) ? undefined : failed(command, outcome)
}
