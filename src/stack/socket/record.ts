/** The head that the records of all sockets share, behind chain, timer node and kind (core.ts). */
import { EINVAL, type Errno } from '../errno.ts'
import type { Address, Arena } from '../memory/arena.ts'

/** Offsets. STATE: a TCB's alone. Addresses are words (ip6/word.ts): IPv4 in host order; ports in host order. */
export const STATE = 17
export const GENERATION = 18
export const LOCAL_ADDRESS = 20
export const REMOTE_ADDRESS = 24
export const LOCAL_PORT = 28
export const REMOTE_PORT = 30
export const FLAGS = 32
/** Bits of `Event` that have not been told yet. */
export const EVENTS = 36
/** A positive errno, 0 if none. */
export const ERROR = 37
/** What its datagrams begin with; 0: the default. */
export const TTL = 38
export const EVENTS_NEXT = 40
export const SOCKET_HEAD = 44

/** Flags that all kinds have. */
export const FLAG_IN_EVENTS = 1
/** The handle was given back: no call may reach the record any more. */
export const FLAG_ORPHAN = 2
/** The record stands in the hash table. */
export const FLAG_IN_TABLE = 4

/** Whether any of these flags is set. */
export const hasFlag = (m: Arena, socket: Address, flag: number): boolean =>
  (m.get32(socket + FLAGS) & flag) !== 0
/** One flag or several; the others stay. */
export const setFlag = (m: Arena, socket: Address, flag: number): void =>
  m.put32(socket + FLAGS, m.get32(socket + FLAGS) | flag)
/** One flag or several; the others stay. */
export const clearFlag = (m: Arena, socket: Address, flag: number): void =>
  m.put32(socket + FLAGS, m.get32(socket + FLAGS) & ~flag)

/** Sets or clears a flag as an option says: 1 or 0. */
export function changeFlag(m: Arena, socket: Address, flag: number, value: number): 0 | Errno {
  if (value !== 0 && value !== 1) return EINVAL
  if (value === 1) setFlag(m, socket, flag)
  else clearFlag(m, socket, flag)
  return 0
}
