/** Who is who on the segment: a MAC address, the host behind it, and on which page that host runs. */
import type { HostSnapshot, PeerId, PeerSnapshot } from '../host/protocol.ts'

export interface Station {
  readonly mac: string
  readonly name: string
  /** Undefined while it is looking for one, or when nobody has said. */
  readonly address: string | undefined
  readonly where:
    | { readonly kind: 'here' }
    | { readonly kind: 'peer'; readonly peer: PeerId }
    /** Seen in frames, announced by nobody. */
    | { readonly kind: 'unknown' }
}

/** What a page tells of a host that it runs. */
export interface ToldHost {
  readonly name: string
  readonly address: string | undefined
  readonly mac: string
}

/** Of so many stations the names are kept. */
const MOST_KNOWN = 128

/** Pages draw names by themselves: one that is taken is told apart by the end of its MAC. */
const unlike = (name: string, mac: string, others: readonly Station[]): string =>
  others.some(other => other.name === name) ? `${name}-${mac.slice(-2)}` : name

export class Stations {
  readonly all: readonly Station[]
  readonly #byMac = new Map<string, Station>()
  readonly #byAddress = new Map<string, Station>()
  /** All that were ever here, as they were last known. */
  readonly #known: Map<string, Station>

  /**
   * A told host counts only for the MAC that its page announced on the wire (LLDP). `before`: whoever was there
   * earlier keeps a name, for their frames are still in the log.
   */
  constructor(
    hosts: readonly HostSnapshot[],
    peers: readonly PeerSnapshot[],
    told: ReadonlyMap<PeerId, readonly ToldHost[]>,
    before: Stations | undefined = undefined,
  ) {
    const all: Station[] = hosts.map(({ mac, name, address }) => ({
      mac,
      name,
      address,
      where: { kind: 'here' },
    }))
    for (const { peer, name, macs } of peers) {
      const where = { kind: 'peer', peer } as const
      const hostsThere = told.get(peer) ?? []
      for (const mac of macs) {
        const host = hostsThere.find(each => each.mac === mac)
        all.push({ mac, name: unlike(host?.name ?? name, mac, all), address: host?.address, where })
      }
    }
    this.all = all
    this.#known = new Map(before ? before.#known : [])
    for (const station of all)
      if (station.address !== undefined || !this.#known.has(station.mac))
        this.#known.set(station.mac, station)
    for (const mac of this.#known.keys()) {
      if (this.#known.size <= MOST_KNOWN) break
      this.#known.delete(mac)
    }
    for (const station of all) {
      if (!this.#byMac.has(station.mac)) this.#byMac.set(station.mac, station)
      if (station.address !== undefined && !this.#byAddress.has(station.address))
        this.#byAddress.set(station.address, station)
    }
  }

  byMac(mac: string): Station | undefined {
    return this.#byMac.get(mac) ?? this.#known.get(mac)
  }

  byAddress(address: string): Station | undefined {
    return (
      this.#byAddress.get(address) ?? [...this.#known.values()].find(station => station.address === address)
    )
  }

  /** A host's name if one is known, 'broadcast', or the address as it is. */
  nameOf(mac: string): string {
    if (mac === 'ff:ff:ff:ff:ff:ff') return 'broadcast'
    return this.byMac(mac)?.name ?? mac
  }

  nameOfAddress(address: string): string {
    return this.byAddress(address)?.name ?? address
  }
}
