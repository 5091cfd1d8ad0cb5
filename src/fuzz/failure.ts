/** What a run did, what was wrong with it, and as few frames as still do it. */

/** A frame, and when it was sent (ms of virtual time); alone, where the seed says when, `at` is 0. */
export interface Sent {
  readonly at: number
  readonly bytes: Uint8Array
}

/** All that is needed to play a failure again. */
export interface Failure {
  readonly what: string
  readonly form: 'alone' | 'blind' | 'aimed' | 'everything'
  readonly seed: number
  /** Of the settled hosts, or segments. */
  readonly host: number
  readonly profile: string
  readonly frames: readonly Sent[]
}

export interface Run {
  /** Frames of the saboteur's, and how many of them among conversations. */
  readonly frames: number
  readonly live: number
  readonly failure?: Failure
  readonly worst: { readonly turns: number; readonly frame: string }
}

/** What is wrong, in a sentence; undefined when nothing was thrown. */
export function faultOf(work: () => string | undefined): string | undefined {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Error)) return String(error)
    const at = (error.stack ?? '')
      .split('\n')
      .filter(line => line.trimStart().startsWith('at '))
      .slice(0, 8)
    return `${error.name}: ${error.message.split('\n', 1)[0]} ${at.map(line => line.trim().split(' (')[0]).join(' ')}`
  }
}

/** So many letters of a fault say which it is. */
const SAME = 30

/** As few of the frames, in order, as still do it. */
export function shrunk(
  frames: readonly Sent[],
  what: string,
  fault: (fewer: readonly Sent[]) => string | undefined,
): readonly Sent[] {
  const kind = what.slice(0, SAME)
  let least = frames
  for (let size = frames.length >> 1; size > 0; size >>= 1)
    for (let at = 0; at < least.length; ) {
      const fewer = [...least.slice(0, at), ...least.slice(at + size)]
      if (fault(fewer)?.startsWith(kind)) least = fewer
      else at += size
    }
  return least
}
