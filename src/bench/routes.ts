/**
 * What a routing table costs a router: nanoseconds for each datagram that it forwards, in at one link and out at another, to
 * destinations all over a table of so many routes. Beside it the same router with the list in the place of the trie.
 */
import { compose } from '../stack/create.ts'
import { fibList } from '../stack/ip/fib-list.ts'
import { fibTrie } from '../stack/ip/fib-trie.ts'
import { ipForward } from '../stack/ip/forward.ts'
import type { Fib } from '../stack/ip/routes.ts'
import { rtnetlink } from '../stack/ip/tables.ts'
import type { Stack } from '../stack/stack.ts'
import { reno } from '../stack/tcp/reno.ts'
import { arp, ethernet, ipv4 } from '../stack/testing/raw.ts'
import { environment, seededRandom } from '../stack/testing/simulation.ts'

const NEAR_MAC = [2, 0, 0, 0, 0, 1]
const FAR_MAC = [2, 0, 0, 0, 0, 2]
const ROUTER_MAC = [2, 0, 0, 0, 0, 9]
/** The router on the far link, and how many destinations are cycled through. */
const NEXT = [10, 0, 1, 2]
const DESTINATIONS = 1024

const octets = (address: number): number[] => [24, 16, 8, 0].map(shift => (address >>> shift) & 255)

/** A router whose routes, /24 networks at random, all lead to the next one; and frames to networks among them. */
function router(fib: Fib, routes: number): { stack: Stack; frames: Uint8Array[] } {
  const features = { congestion: reno, fib, tables: rtnetlink, forwarding: ipForward }
  const stack = compose(
    {
      memory: 4 * 1024 * 1024,
      mac: Uint8Array.from(NEAR_MAC),
      address: '10.0.0.1/24',
      forward: true,
      links: [{ mac: Uint8Array.from(FAR_MAC), address: '10.0.1.1/24' }],
    },
    environment(1),
    features,
  )
  for (let now = 0; stack.address === 0; now += 10) stack.poll(now)
  const answer = {
    operation: 2,
    senderMac: ROUTER_MAC,
    senderIp: NEXT,
    targetMac: FAR_MAC,
    targetIp: [10, 0, 1, 1],
  }
  const asked = { ...answer, operation: 1 }
  stack.input(ethernet(FAR_MAC, ROUTER_MAC, 0x0806, arp(asked)), 1_000, 1)
  stack.output(() => true)
  const random = seededRandom(routes)
  const networks: number[] = []
  while (networks.length < routes) {
    // 32.0.0.0 to 95.255.255.0: no martian among them.
    const destination = (0x20000000 + (random() % 0x40000000)) & ~255
    const gateway = 0x0a000102
    if (stack.addRoute({ destination, prefixLength: 24, gateway, link: 1, metric: 0 }) === 0)
      networks.push(destination)
  }
  const frames = Array.from({ length: DESTINATIONS }, () => {
    const to = octets((networks[random() % routes] ?? 0) + 7)
    return ethernet(NEAR_MAC, ROUTER_MAC, 0x0800, ipv4(17, Array(64).fill(0), { from: [10, 0, 0, 9], to }))
  })
  return { stack, frames }
}

/** Nanoseconds a datagram, the median of some runs. */
export function forwardingCost(kind: 'trie' | 'list', routes: number, count: number): number {
  const { stack, frames } = router(kind === 'trie' ? fibTrie : fibList, routes)
  let out = 0
  const emit = (_: Uint8Array, link: number) => {
    out += link
    return true
  }
  const run = () => {
    const start = process.hrtime.bigint()
    for (let i = 0; i < count; i++) {
      stack.input(frames[i % DESTINATIONS] as Uint8Array, 2_000, 0)
      stack.output(emit)
    }
    return Number(process.hrtime.bigint() - start) / count
  }
  run()
  const samples = Array.from({ length: 5 }, run).sort((a, b) => a - b)
  if (out !== 6 * count) throw new Error(`Of ${6 * count} datagrams ${out} were forwarded.`)
  return samples[2] ?? 0
}
