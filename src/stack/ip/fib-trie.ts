/**
 * FIB_TRIE: the routes in a binary trie whose paths are compressed.
 *
 *     0.0.0.0/0 --0--> 10.0.0.0/8 --0--> 10.1.0.0/16
 *         |                   +----1--> 10.200.0.0/16
 *         +-----1--> fork 192.168.0.0/22 --> …
 *
 * Each node stands for a prefix and tells by the next bit on which side longer ones stand. A look-up goes down as long as
 * nodes match, and the last route that it passed is the longest: no more than 33 steps, about as many as the logarithm of
 * the number of routes. A node is a route's own record; only where two branch off at a prefix that is no route stands
 * a fork, a record of the same kind. A route that is removed where two branch off stays behind as such a fork, so that
 * removing needs no memory.
 */
import type { Address, Arena } from '../memory/arena.ts'
import { ROUTES } from '../memory/layout.ts'
import { maskOf } from './addresses.ts'
import {
  type Fib,
  freeRoute,
  ROUTE_FORK,
  ROUTE_LEFT,
  ROUTE_LENGTH,
  ROUTE_MASK,
  ROUTE_METRIC,
  ROUTE_NEXT,
  ROUTE_PREFIX,
  ROUTE_RIGHT,
  takeRoute,
} from './routes.ts'

/** ROUTE_FORK's byte in the word at ROUTE_LENGTH. */
const FORK = 1 << ((ROUTE_FORK - ROUTE_LENGTH) * 8)

/** The child's link inside a node: the bit of `prefix` behind the first `length`. A node of 32 bits has none. */
const side = (prefix: number, length: number): number => (prefix << length < 0 ? ROUTE_RIGHT : ROUTE_LEFT)

const lengthOf = (m: Arena, node: Address): number => m.get8(node + ROUTE_LENGTH)
const isFork = (m: Arena, node: Address): boolean => m.get8(node + ROUTE_FORK) !== 0

/** The word that points to the node of exactly this prefix, or where it would stand. */
function linkTo(m: Arena, prefix: number, length: number): Address {
  let link = ROUTES
  for (let node = m.get32(link); node !== 0; node = m.get32(link)) {
    const own = lengthOf(m, node)
    if (own >= length || (prefix & m.get32(node + ROUTE_MASK)) !== m.get32(node + ROUTE_PREFIX)) break
    link = node + side(prefix, own)
  }
  return link
}

const isTo = (m: Arena, node: Address, prefix: number, length: number): boolean =>
  node !== 0 && lengthOf(m, node) === length && m.get32(node + ROUTE_PREFIX) === prefix

/** `node` takes the place of another with the same prefix. */
function takePlace(m: Arena, link: Address, node: Address, other: Address): void {
  m.put32(node + ROUTE_LEFT, m.get32(other + ROUTE_LEFT))
  m.put32(node + ROUTE_RIGHT, m.get32(other + ROUTE_RIGHT))
  m.put32(link, node)
}

/** Puts a route among those to the same network, by metric. */
function joinSame(m: Arena, link: Address, first: Address, route: Address): void {
  const metric = m.get32(route + ROUTE_METRIC) >>> 0
  if (metric < m.get32(first + ROUTE_METRIC) >>> 0) {
    m.put32(route + ROUTE_NEXT, first)
    takePlace(m, link, route, first)
    return
  }
  let at = first
  for (let next = m.get32(at + ROUTE_NEXT); next !== 0; next = m.get32(at + ROUTE_NEXT)) {
    if (metric < m.get32(next + ROUTE_METRIC) >>> 0) break
    at = next
  }
  m.put32(route + ROUTE_NEXT, m.get32(at + ROUTE_NEXT))
  m.put32(at + ROUTE_NEXT, route)
}

/** A fork for two prefixes that part behind `length` bits; 0: memory is full. */
function makeFork(m: Arena, prefix: number, length: number): Address {
  const fork = takeRoute(m, false)
  if (fork === 0) return 0
  m.put32(fork + ROUTE_PREFIX, prefix & maskOf(length))
  m.put32(fork + ROUTE_MASK, maskOf(length))
  m.put8(fork + ROUTE_LENGTH, length)
  m.put8(fork + ROUTE_FORK, 1)
  return fork
}

/** A fork, or a route that is gone, with fewer than two children is not needed any more. */
function collapse(m: Arena, link: Address): void {
  const node = m.get32(link)
  const left = m.get32(node + ROUTE_LEFT)
  const right = m.get32(node + ROUTE_RIGHT)
  if (left !== 0 && right !== 0) return
  m.put32(link, left === 0 ? right : left)
  freeRoute(m, node)
}

/** The feature FIB_TRIE. */
export const fibTrie: Fib = {
  find(m, destination) {
    let best = 0
    for (let node = m.get32(ROUTES); node !== 0; ) {
      if ((destination & m.get32(node + ROUTE_MASK)) !== m.get32(node + ROUTE_PREFIX)) break
      // One word: the length below, by the lower five bits of which a shift goes, and whether it is a fork above.
      const word = m.get32(node + ROUTE_LENGTH)
      if (word < FORK) best = node
      node = m.get32(node + side(destination, word))
    }
    return best
  },

  exact(m, prefix, length) {
    const node = m.get32(linkTo(m, prefix, length))
    return isTo(m, node, prefix, length) && !isFork(m, node) ? node : 0
  },

  behind: (m, route) => m.get32(route + ROUTE_NEXT),

  insert(m, route) {
    const prefix = m.get32(route + ROUTE_PREFIX)
    const length = lengthOf(m, route)
    const link = linkTo(m, prefix, length)
    const node = m.get32(link)
    if (node === 0) {
      m.put32(link, route)
    } else if (isTo(m, node, prefix, length)) {
      if (!isFork(m, node)) joinSame(m, link, node, route)
      else {
        takePlace(m, link, route, node)
        freeRoute(m, node)
      }
    } else {
      const other = m.get32(node + ROUTE_PREFIX)
      const common = Math.min(length, lengthOf(m, node), Math.clz32(prefix ^ other))
      const above = common === length ? route : makeFork(m, prefix, common)
      if (above === 0) return false
      m.put32(above + side(other, common), node)
      if (above !== route) m.put32(above + side(prefix, common), route)
      m.put32(link, above)
    }
    return true
  },

  remove(m, route) {
    const prefix = m.get32(route + ROUTE_PREFIX)
    const length = lengthOf(m, route)
    const link = linkTo(m, prefix, length)
    const first = m.get32(link)
    const next = m.get32(route + ROUTE_NEXT)
    if (first !== route) {
      let at = first
      while (m.get32(at + ROUTE_NEXT) !== route) at = m.get32(at + ROUTE_NEXT)
      m.put32(at + ROUTE_NEXT, next)
      return freeRoute(m, route)
    }
    if (next !== 0) {
      takePlace(m, link, next, route)
      return freeRoute(m, route)
    }
    m.put8(route + ROUTE_FORK, 1)
    collapse(m, link)
    // The fork above may have lost one of its two.
    const above = linkAbove(m, link, prefix)
    if (above !== 0 && isFork(m, m.get32(above))) collapse(m, above)
  },

  visit(m, visit) {
    const below = (node: Address): void => {
      if (node === 0) return
      const [left, right] = [m.get32(node + ROUTE_LEFT), m.get32(node + ROUTE_RIGHT)]
      for (let at = isFork(m, node) ? 0 : node; at !== 0; ) {
        const next = m.get32(at + ROUTE_NEXT)
        visit(at)
        at = next
      }
      below(left)
      below(right)
    }
    below(m.get32(ROUTES))
  },
}

/** The word that points to the node which points to its child at `link`, on the way to `prefix`; 0 above the root. */
function linkAbove(m: Arena, link: Address, prefix: number): Address {
  let above = 0
  for (let at = ROUTES; at !== link; ) {
    above = at
    const node = m.get32(at)
    at = node + side(prefix, lengthOf(m, node))
  }
  return above
}
