/**
 * Lists that are filled at the end and emptied at the front: pages of data, frames, sockets with news, connections with
 * something to send. Two words hold a list, its head and behind it its tail, both 0 while it is empty; each member has its
 * link at the same offset. Where members are taken out of the middle often, they know the one before them as well, and
 * leave without a walk.
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

/** Puts a chain of members, the last one's link 0, at the end of the list. Returns how many they are. */
export function appendChain(m: Arena, list: Address, head: Address, link: number): number {
  const tail = m.get32(list + TAIL)
  m.put32(tail === 0 ? list : tail + link, head)
  let members = 0
  for (let at = head; at !== 0; at = m.get32(at + link)) {
    m.put32(list + TAIL, at)
    members++
  }
  return members
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
  removeBehind(m, list, previous, member, link)
}

/** Takes out the member that stands behind `previous`, or first in the list where that is 0. */
export function removeBehind(
  m: Arena,
  list: Address,
  previous: Address,
  member: Address,
  link: number,
): void {
  const next = m.get32(member + link)
  m.put32(previous === 0 ? list : previous + link, next)
  if (next === 0) m.put32(list + TAIL, previous)
}

/** Forgets all members. */
export function clear(m: Arena, list: Address): void {
  m.put32(list, 0)
  m.put32(list + TAIL, 0)
}

/** `append` for members that know the one before them too. */
export function appendBoth(m: Arena, list: Address, member: Address, link: number, back: number): void {
  m.put32(member + back, m.get32(list + TAIL))
  append(m, list, member, link)
}

/** `remove` for them, without a walk. */
export function removeBoth(m: Arena, list: Address, member: Address, link: number, back: number): void {
  const previous = m.get32(member + back)
  const next = m.get32(member + link)
  removeBehind(m, list, previous, member, link)
  if (next !== 0) m.put32(next + back, previous)
}
