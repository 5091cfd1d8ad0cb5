/**
 * Connections in LAST-ACK and CLOSING whose user has gone: all that is left of them is our FIN's acknowledgment. When
 * memory is short they are given up, LAST-ACK before CLOSING, the oldest first; so those in either state stand in a list.
 * Their peer's FIN was taken and nobody reads: the words of RECV_HEAD and RECV_TAIL hold the place in it.
 */
import type { Address, Arena } from '../memory/arena.ts'
import { appendBoth, removeBoth } from '../memory/fifo.ts'
import { CLOSING_HEAD, LAST_ACK_HEAD } from '../memory/layout.ts'
import { clearFlag, FLAG_ORPHAN, hasFlag, setFlag } from '../socket/record.ts'
import { CLOSING, FLAG_LAST_WORDS, LAST_ACK, RECV_HEAD, RECV_TAIL, stateOf, type Tcb } from './tcb.ts'

/** Offset in the TCB, valid while FLAG_LAST_WORDS is set. */
export const LAST_WORDS_NEXT = RECV_HEAD
const LAST_WORDS_PREVIOUS = RECV_TAIL

const listOf = (m: Arena, t: Tcb): Address => (stateOf(m, t) === CLOSING ? CLOSING_HEAD : LAST_ACK_HEAD)

/** The connection has entered its state, or its user has gone: into the list, if both are so. */
export function noteLastWords(m: Arena, t: Tcb): void {
  const state = stateOf(m, t)
  if ((state !== LAST_ACK && state !== CLOSING) || !hasFlag(m, t, FLAG_ORPHAN)) return
  setFlag(m, t, FLAG_LAST_WORDS)
  appendBoth(m, listOf(m, t), t, LAST_WORDS_NEXT, LAST_WORDS_PREVIOUS)
}

/** The connection leaves its state. */
export function leaveLastWords(m: Arena, t: Tcb): void {
  if (!hasFlag(m, t, FLAG_LAST_WORDS)) return
  clearFlag(m, t, FLAG_LAST_WORDS)
  removeBoth(m, listOf(m, t), t, LAST_WORDS_NEXT, LAST_WORDS_PREVIOUS)
  m.put32(t + LAST_WORDS_NEXT, 0)
}

/** The one to give up; 0 if there is none. */
export const oldestLastWords = (m: Arena): Tcb => (m.get32(LAST_ACK_HEAD) || m.get32(CLOSING_HEAD)) as Tcb
