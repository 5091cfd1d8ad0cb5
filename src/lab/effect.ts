/** What a frame brought about: the states that were entered while it was being sent or taken, as the hosts told. */
import type { FrameLog, LoggedFrame, LoggedState } from './frame-log.ts'

export interface Effect {
  readonly host: string
  /** The state before; undefined when the connection began with this frame, or the log begins later. */
  readonly before: LoggedState['state'] | undefined
  readonly after: LoggedState['state']
  readonly toldBy: string | undefined
}

const sameEnd = (a: LoggedState, b: LoggedState): boolean =>
  a.localAddress === b.localAddress &&
  a.localPort === b.localPort &&
  a.remoteAddress === b.remoteAddress &&
  a.remotePort === b.remotePort

export function effectsOf({ no }: LoggedFrame, { states }: FrameLog): Effect[] {
  return states.flatMap((state, i) => {
    if (state.frame !== no) return []
    const last = states.slice(0, i).findLast(each => sameEnd(each, state))?.state
    const before = last === 'CLOSED' ? undefined : last
    return [{ host: state.host, before, after: state.state, toldBy: state.toldBy }]
  })
}
