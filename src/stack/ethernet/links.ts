/**
 * Links: where frames go out and come in. A host has one to four, known by their numbers; each has a MAC address, an MTU and
 * addresses of its own.
 */
import type { Address, Arena } from '../memory/arena.ts'
import { LINK_0, LINK_COUNT, LINK_SIZE, LINKS_AT } from '../memory/layout.ts'

/** Numbers are 0 … 3. */
export const LINKS_MAX = 4

/** A link's record. */
export const linkAt = (m: Arena, link: number): Address =>
  link === 0 ? LINK_0 : m.get32(LINKS_AT) + (link - 1) * LINK_SIZE

/** Whether the host has a link of this number. */
export const isLink = (m: Arena, link: number): boolean =>
  Number.isInteger(link) && link >= 0 && link < m.get8(LINK_COUNT)
