/**
 * FIB_LIST: the routes in one list, the longest prefixes first, of equal ones the smallest metric: the first that matches
 * is the one. A look-up costs as many steps as there are routes before it.
 */
import type { Address, Arena } from '../memory/arena.ts'
import { ROUTES } from '../memory/layout.ts'
import {
  type Fib,
  freeRoute,
  ROUTE_LENGTH,
  ROUTE_MASK,
  ROUTE_METRIC,
  ROUTE_NEXT,
  ROUTE_PREFIX,
} from './routes.ts'

const isTo = (m: Arena, route: Address, prefix: number, length: number): boolean =>
  m.get8(route + ROUTE_LENGTH) === length && m.get32(route + ROUTE_PREFIX) === prefix

/** The feature FIB_LIST. */
export const fibList: Fib = {
  find(m, destination) {
    let route = m.get32(ROUTES)
    while (route !== 0 && (destination & m.get32(route + ROUTE_MASK)) !== m.get32(route + ROUTE_PREFIX))
      route = m.get32(route + ROUTE_NEXT)
    return route
  },

  exact(m, prefix, length) {
    let route = m.get32(ROUTES)
    while (route !== 0 && !isTo(m, route, prefix, length)) route = m.get32(route + ROUTE_NEXT)
    return route
  },

  behind(m, route) {
    let next = m.get32(route + ROUTE_NEXT)
    while (next !== 0 && !isTo(m, next, m.get32(route + ROUTE_PREFIX), m.get8(route + ROUTE_LENGTH)))
      next = m.get32(next + ROUTE_NEXT)
    return next
  },

  insert(m, route) {
    let link = ROUTES
    for (let at = m.get32(link); at !== 0 && !comesBefore(m, route, at); at = m.get32(link))
      link = at + ROUTE_NEXT
    m.put32(route + ROUTE_NEXT, m.get32(link))
    m.put32(link, route)
    return true
  },

  remove(m, route) {
    let link = ROUTES
    while (m.get32(link) !== route) link = m.get32(link) + ROUTE_NEXT
    m.put32(link, m.get32(route + ROUTE_NEXT))
    freeRoute(m, route)
  },

  visit(m, visit) {
    for (let route = m.get32(ROUTES); route !== 0; ) {
      const next = m.get32(route + ROUTE_NEXT)
      visit(route)
      route = next
    }
  },
}

function comesBefore(m: Arena, route: Address, other: Address): boolean {
  const longer = m.get8(route + ROUTE_LENGTH) - m.get8(other + ROUTE_LENGTH)
  return (
    longer > 0 || (longer === 0 && m.get32(route + ROUTE_METRIC) >>> 0 < m.get32(other + ROUTE_METRIC) >>> 0)
  )
}
