/** A connection's state and variables as a script names them, read from the arena. */
import { type ConnectionRecord, inspectConnection, inspectConnections } from '../stack/inspect/inspect.ts'
import type { Socket } from '../stack/stack.ts'
import { NotationError } from './notation.ts'

/** A socket, or whoever speaks with that peer. */
export type LookedAt = Socket | { readonly address: string; readonly port: number }

function find(arena: ArrayBuffer, at: LookedAt): ConnectionRecord | undefined {
  if (typeof at === 'number') return inspectConnection(arena, at)
  return inspectConnections(arena).find(one => one.remoteAddress === at.address && one.remotePort === at.port)
}

/** RFC 9293, 3.3.2; CLOSED also for what is gone. */
export const stateOfSubject = (arena: ArrayBuffer, at: LookedAt): string => find(arena, at)?.state ?? 'CLOSED'

/** Sequence numbers count from their ISS, times are seconds of the script. */
export function readVariable(arena: ArrayBuffer, at: LookedAt, variable: string, zero: number): string {
  const record = find(arena, at)
  if (record === undefined) throw new NotationError('There is no such connection.')
  const value = (record as unknown as Readonly<Record<string, unknown>>)[variable]
  switch (variable) {
    case 'sndUna':
    case 'sndNxt':
      return String(((value as number) - record.iss) | 0)
    case 'rcvNxt':
      return String(((value as number) - record.irs) | 0)
    case 'timerAt':
    case 'delayedAckAt':
      return value === undefined ? 'none' : String(((value as number) - zero) / 1000)
  }
  if (value === undefined && !(variable in record))
    throw new NotationError(`There is no variable '${variable}'.`)
  return value === undefined ? 'none' : value === Number.POSITIVE_INFINITY ? 'infinite' : String(value)
}
