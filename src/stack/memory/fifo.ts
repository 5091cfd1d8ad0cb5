/**
 * Lists that are filled at the end and emptied at the front: pages of data, frames, sockets with news, connections with
 * something to send. Two words hold a list, its head and behind it its tail, both 0 while it is empty; each member has its
 * link at the same offset.
 */
import type { Address, Arena } from './arena.ts'

const TAIL = 4

/** Puts a member at the end of the list at `list`. */
export function append(m: Arena, list: Address, member: Address, link: number): void {
  m.put32(member + link, 0)
  const tail = m.get32(list + TAIL)
  m.put32(tail === 0 ? list : tail + link, member)
  m.put32(list + TAIL, member)
}

/** Takes the first member off a list that is not empty, and returns the one behind it. */
export function dropFirst(m: Arena, list: Address, link: number): Address {
  const next = m.get32(m.get32(list) + link)
  m.put32(list, next)
  if (next === 0) m.put32(list + TAIL, 0)
  return next
}

/** Takes out a member that is in the list, wherever it stands. */
export function remove(m: Arena, list: Address, member: Address, link: number): void {
  let previous = 0
  for (let at = m.get32(list); at !== member; at = m.get32(at + link)) previous = at
  const next = m.get32(member + link)
  m.put32(previous === 0 ? list : previous + link, next)
  if (next === 0) m.put32(list + TAIL, previous)
}

/** Forgets all members. */
export function clear(m: Arena, list: Address): void {
  m.put32(list, 0)
  m.put32(list + TAIL, 0)
}
