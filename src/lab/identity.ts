/** Who this page's hosts are: names and MAC addresses, drawn once and kept for as long as the tab lives. */

const NAMES: readonly string[] = `
  alice bob carol dave erin frank grace heidi ivan judy karl lena mia nina oscar peggy
  quinn rupert sybil trent uma victor wendy xenia yuri zoe ada amir anna bela boris cleo
  cora dana diego edith elif emil enzo fatima felix fiona gita greta hana hugo ida igor
  ines jan jonas kira kofi lars leo lina luca mara maya milo mona nadia nils noor
  olga omar otto paula pia ravi rosa sami selma tara timo tom vera vito walt yara
  yusuf
`
  .trim()
  .split(/\s+/)

export interface Identity {
  readonly name: string
  /** 'xx:xx:xx:xx:xx:xx', locally administered and unicast. */
  readonly mac: string
}

/** The page's own host, and the neighbour that it has until it stands in somebody's room. */
export interface Identities {
  readonly own: Identity
  readonly neighbour: Identity
  /** Whether the neighbour runs: not on a page that was opened by invitation. */
  readonly withNeighbour: boolean
}

/** A random integer from 0 to `below` - 1. */
export type Random = (below: number) => number

const isIdentity = (value: unknown): value is Identity => {
  if (typeof value !== 'object' || value === null) return false
  const { name, mac } = value as Record<string, unknown>
  return typeof name === 'string' && /^[a-z]{1,20}$/.test(name) && typeof mac === 'string' && isLocalMac(mac)
}

/** IEEE 802, 8.2.2: in the first octet bit 1 says 'locally administered', bit 0 'group'. */
export const isLocalMac = (mac: string): boolean =>
  /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) && (Number.parseInt(mac.slice(0, 2), 16) & 3) === 2

function drawMac(random: Random): string {
  const octets = Array.from({ length: 6 }, (_, i) => (i === 0 ? (random(256) & 0xfc) | 2 : random(256)))
  return octets.map(octet => octet.toString(16).padStart(2, '0')).join(':')
}

export function drawIdentities(random: Random, withNeighbour: boolean): Identities {
  const first = random(NAMES.length)
  const second = (first + 1 + random(NAMES.length - 1)) % NAMES.length
  const make = (index: number): Identity => ({ name: NAMES[index] ?? 'alice', mac: drawMac(random) })
  return { own: make(first), neighbour: make(second), withNeighbour }
}

const KEY = 'lanlet.identities'

/**
 * The same as before a reload; drawn anew where nothing usable is kept.
 *
 * A duplicated tab begins with a copy of the first one's storage, and two hosts must not share a MAC. So what is kept
 * counts only if the page that used it has let go of it (`release`), and is taken out while it is in use.
 */
export function takeIdentities(
  storage: Pick<Storage, 'getItem' | 'removeItem'> | undefined,
  random: Random,
  withNeighbour: boolean,
): Identities {
  const text = storage?.getItem(KEY)
  storage?.removeItem(KEY)
  try {
    const kept: unknown = JSON.parse(text ?? 'null')
    if (typeof kept === 'object' && kept !== null) {
      const { own, neighbour, withNeighbour: before } = kept as Record<string, unknown>
      if (
        isIdentity(own) &&
        isIdentity(neighbour) &&
        own.name !== neighbour.name &&
        typeof before === 'boolean'
      )
        return { own, neighbour, withNeighbour: before }
    }
  } catch {
    // What stands there is not ours; it is drawn anew.
  }
  return drawIdentities(random, withNeighbour)
}

/** For `pagehide`: whoever comes next in this tab is the same two hosts. */
export function releaseIdentities(
  storage: Pick<Storage, 'setItem'> | undefined,
  identities: Identities,
): void {
  storage?.setItem(KEY, JSON.stringify(identities))
}
