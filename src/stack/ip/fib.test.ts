import { describe, expect, test } from 'vitest'
import { compose } from '../create.ts'
import { EEXIST, ENETUNREACH, ENOBUFS, ESRCH } from '../errno.ts'
import { Arena } from '../memory/arena.ts'
import type { Route, Stack } from '../stack.ts'
import { reno } from '../tcp/reno.ts'
import { expectSound } from '../testing/invariants.ts'
import { HOST_MAC } from '../testing/raw.ts'
import { environment, seededRandom } from '../testing/simulation.ts'
import { maskOf } from './addresses.ts'
import { fibList } from './fib-list.ts'
import { fibTrie } from './fib-trie.ts'
import { type Fib, ROUTE_LENGTH, ROUTE_METRIC, ROUTE_PREFIX } from './routes.ts'
import { rtnetlink } from './tables.ts'

/** A host with 10.0.0.1/8, past the probing of its address. */
function host(fib: Fib, memory = 1024 * 1024): Stack {
  const stack = compose({ memory, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/8' }, environment(1), {
    congestion: reno,
    fib,
    tables: rtnetlink,
  })
  for (let now = 0; stack.address === 0; now++) stack.poll(now)
  stack.poll(20_000)
  stack.output(() => true)
  return stack
}

const net = (route: Route): string => `${route.destination}/${route.prefixLength} ${route.metric}`
const via = (destination: number, prefixLength: number, metric = 0): Route => ({
  destination,
  prefixLength,
  gateway: 0x0a000002,
  link: 0,
  metric,
})

/** The route that a look-up finds, as text; '' when there is none. */
function found(stack: Stack, fib: Fib, destination: number): string {
  const m = new Arena(stack.arena)
  const route = fib.find(m, destination)
  if (route === 0) return ''
  return `${m.get32(route + ROUTE_PREFIX) >>> 0}/${m.get8(route + ROUTE_LENGTH)} ${m.get32(route + ROUTE_METRIC)}`
}

/** What RFC 1812, 5.2.4.3 says, as it stands there. */
class Plain {
  readonly routes = new Map<string, Route>()

  find(destination: number): string {
    let best: Route | undefined
    for (const route of this.routes.values()) {
      if (((destination ^ route.destination) & maskOf(route.prefixLength)) !== 0) continue
      const longer = route.prefixLength - (best?.prefixLength ?? -1)
      if (longer > 0 || (longer === 0 && route.metric < (best?.metric ?? 0))) best = route
    }
    return best === undefined ? '' : net(best)
  }
}

/** A random network; many share their first bits, so that they nest and branch off everywhere. */
function randomRoute(random: () => number): Route {
  const prefixLength = random() % 33
  const nested = [0x0a000000, 0xac100000, 0xc0a80000, random()][random() % 4] ?? 0
  const destination = (nested ^ (random() >>> (8 + (random() % 20)))) & maskOf(prefixLength)
  return via(destination >>> 0, prefixLength, random() % 3)
}

describe.each([
  ['FIB_TRIE', fibTrie],
  ['FIB_LIST', fibList],
] as const)('%s', (_, fib) => {
  test('the longest prefix wins, of equal ones the smallest metric', () => {
    const stack = host(fib)
    for (const route of [
      via(0, 0),
      via(0xc0a80000, 16, 5),
      via(0xc0a80000, 16, 1),
      via(0xc0a80100, 24, 9),
      via(0xc0a80101, 32),
    ])
      expect(stack.addRoute(route)).toBe(0)
    expect(found(stack, fib, 0x08080808)).toBe(net(via(0, 0)))
    expect(found(stack, fib, 0xc0a80001)).toBe(net(via(0xc0a80000, 16, 1)))
    expect(found(stack, fib, 0xc0a80102)).toBe(net(via(0xc0a80100, 24, 9)))
    expect(found(stack, fib, 0xc0a80101)).toBe(net(via(0xc0a80101, 32)))
    expect(stack.removeRoute(0xc0a80000, 16, 1)).toBe(0)
    expect(found(stack, fib, 0xc0a80001)).toBe(net(via(0xc0a80000, 16, 5)))
    expect(stack.routes.map(net).sort()).toEqual(
      [via(0x0a000000, 8), via(0, 0), via(0xc0a80000, 16, 5), via(0xc0a80100, 24, 9), via(0xc0a80101, 32)]
        .map(net)
        .sort(),
    )
  })

  test('what cannot be is refused, with its name and range', () => {
    const stack = host(fib)
    expect(stack.addRoute(via(0xc0a80000, 16))).toBe(0)
    expect(stack.addRoute(via(0xc0a8ffff, 16))).toBe(EEXIST)
    expect(stack.addRoute({ ...via(0xc0a90000, 16), gateway: 0xc0a80001 })).toBe(ENETUNREACH)
    expect(stack.addRoute({ ...via(0xc0a90000, 16), gateway: 0x08080808 })).toBe(ENETUNREACH)
    expect(stack.removeRoute(0xc0a80000, 17, 0)).toBe(ESRCH)
    expect(stack.removeRoute(0xc0a80000, 16, 1)).toBe(ESRCH)
    expect(stack.removeRoute(0x0a000000, 8, 0)).toBe(ESRCH)
    expect(() => stack.addRoute(via(0, 33))).toThrow(
      'prefixLength must be a whole number from 0 to 32; 33 is not.',
    )
    expect(() => stack.addRoute(via(0, 8, -1))).toThrow(
      'metric must be a whole number from 0 to 4294967295; -1 is not.',
    )
    expect(() => stack.addRoute({ ...via(0, 8), link: 1 })).toThrow(
      'link must be a whole number from 0 to 0; 1 is not.',
    )
  })

  test('routes that come and go at random are found as the standard says, and leave no memory behind', () => {
    const random = seededRandom(7)
    const stack = host(fib)
    const baseline = stack.memory.used
    const plain = new Plain()
    const own = via(0x0a000000, 8)
    plain.routes.set(net(own), own)
    for (let step = 0; step < 6_000; step++) {
      const route = randomRoute(random)
      if (random() % 5 < (step < 3_000 ? 3 : 2)) {
        if (net(route) === net(own)) continue
        expect(stack.addRoute(route)).toBe(plain.routes.has(net(route)) ? EEXIST : 0)
        plain.routes.set(net(route), route)
      } else {
        const all = [...plain.routes.values()].filter(other => other !== own)
        const gone = all[random() % Math.max(1, all.length)]
        if (gone === undefined) continue
        expect(stack.removeRoute(gone.destination, gone.prefixLength, gone.metric)).toBe(0)
        plain.routes.delete(net(gone))
      }
      const destination = (random() % 2 === 0 ? route.destination ^ (random() & 3) : random()) >>> 0
      expect(found(stack, fib, destination)).toBe(plain.find(destination))
      if (step % 500 === 0) {
        expectSound(stack)
        expect(stack.routes.map(net).sort()).toEqual([...plain.routes.keys()].sort())
      }
    }
    for (const { destination, prefixLength, metric } of stack.routes.filter(r => net(r) !== net(own)))
      expect(stack.removeRoute(destination, prefixLength, metric)).toBe(0)
    expect(stack.memory.used).toBe(baseline)
    expect(stack.routes.map(net)).toEqual([net(own)])
  })

  test('a table that is full says so, and what is in it is still found', () => {
    const stack = host(fib, 24 * 1024)
    const random = seededRandom(3)
    let result: number = 0
    let last: Route | undefined
    for (let i = 0; i < 5_000 && result !== ENOBUFS; i++) {
      const route = via((random() & maskOf(24)) >>> 0, 24)
      result = stack.addRoute(route)
      if (result === 0) last = route
    }
    expect(result).toBe(ENOBUFS)
    expectSound(stack)
    expect(found(stack, fib, (last?.destination ?? 0) + 1)).toBe(net(last ?? via(0, 0)))
    expect(stack.memory.pools.find(({ name }) => name === 'routes')?.failures).toBeGreaterThan(0)
  })
})

test('trie and list give the same answers: a million look-ups in tables of up to 3,000 routes', () => {
  const random = seededRandom(11)
  let differing = 0
  for (const routes of [3, 30, 100, 300, 1_000, 3_000]) {
    const trie = host(fibTrie)
    const list = host(fibList)
    for (let i = 0; i < routes; i++) {
      const route = randomRoute(random)
      expect(trie.addRoute(route)).toBe(list.addRoute(route))
    }
    const [inTrie, inList] = [new Arena(trie.arena), new Arena(list.arena)]
    // Fewer in the larger ones: the list is slow there.
    const lookUps = { 3: 310_000, 30: 310_000, 100: 200_000, 300: 100_000, 1000: 60_000 }[routes] ?? 20_000
    for (let i = 0; i < lookUps; i++) {
      const nested = [0x0a000000, 0xac100000, 0xc0a80000, 0][i & 3] ?? 0
      const destination = nested ^ (random() >>> ((i >> 2) & 15))
      if (!isSame(inTrie, fibTrie.find(inTrie, destination), inList, fibList.find(inList, destination)))
        differing++
    }
  }
  expect(differing).toBe(0)
}, 60_000)

/** Whether two tables gave the same route, or both gave none. */
function isSame(m: Arena, a: number, n: Arena, b: number): boolean {
  if (a === 0 || b === 0) return a === b
  return (
    m.get32(a + ROUTE_PREFIX) === n.get32(b + ROUTE_PREFIX) &&
    m.get8(a + ROUTE_LENGTH) === n.get8(b + ROUTE_LENGTH) &&
    m.get32(a + ROUTE_METRIC) === n.get32(b + ROUTE_METRIC)
  )
}
