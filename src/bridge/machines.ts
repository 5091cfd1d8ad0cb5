/**
 * Who is behind the TAP device: the kernel whose device it is, and, when the device is part of a bridge of the kernel's, the
 * machines on that network. A station is learned by the frames that it sends (IEEE 802.1Q, 8.7), its IPv4 address by its
 * ARP; it is forgotten after the ageing time. There are as many as LLDP announces, since pages take no other's frames.
 */

import { macHighAt, macLowAt } from '../link/mac.ts'
import { AGEING } from '../link/switch.ts'
import { formatIpv4 } from '../stack/ip/addresses.ts'
import type { Ms } from '../stack/stack.ts'
import { ARP_LENGTH, ARP_SENDER_IP, ARP_SENDER_MAC } from '../stack/wire/arp.ts'
import { ETH_HEADER, ETH_SOURCE, ETH_TYPE, ETHERTYPE_ARP } from '../stack/wire/ethernet.ts'
import { LLDP_MAX_HOSTS } from '../stack/wire/lldp.ts'

export interface Machine {
  readonly mac: Uint8Array
  /** Dotted decimal, once it has been heard of. */
  readonly address: string | undefined
}

interface Known {
  readonly mac: Uint8Array
  address: string | undefined
  heardAt: Ms
}

/** A MAC address as one number, exact in a double. */
export const macKey = (bytes: Uint8Array, at: number): number =>
  macHighAt(bytes, at) * 2 ** 32 + (macLowAt(bytes, at) >>> 0)

export class Machines {
  #own: Machine | undefined
  readonly #known = new Map<number, Known>()
  readonly #onChange: () => void

  /** `onChange` is told when the list has become another. */
  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** The kernel's own first. */
  get all(): readonly Machine[] {
    const own = this.#own
    if (own === undefined) return [...this.#known.values()]
    const key = macKey(own.mac, 0)
    const others = [...this.#known].filter(([other]) => other !== key).map(([, machine]) => machine)
    const heard = this.#known.get(key)?.address
    return [{ mac: own.mac, address: own.address ?? heard }, ...others.slice(0, LLDP_MAX_HOSTS - 1)]
  }

  /** The device's own station; undefined while it is a port of a bridge, and no station. */
  setOwn(own: Machine | undefined): void {
    const text = (machine: Machine | undefined) => `${machine?.mac} ${machine?.address}`
    if (text(own) === text(this.#own)) return
    this.#own = own
    this.#onChange()
  }

  /** A frame comes from the device. False: there are too many machines already, and this is another one. */
  hear(frame: Uint8Array, now: Ms): boolean {
    const key = macKey(frame, ETH_SOURCE)
    const known = this.#known.get(key)
    if (known === undefined) return this.#learn(key, frame, now)
    known.heardAt = now
    const address = arpSender(frame)
    if (address !== undefined && address !== known.address) {
      known.address = address
      this.#onChange()
    }
    return true
  }

  #learn(key: number, frame: Uint8Array, now: Ms): boolean {
    const isOwn = this.#own !== undefined && macKey(this.#own.mac, 0) === key
    if (!isOwn && this.all.length >= LLDP_MAX_HOSTS) return false
    const mac = frame.slice(ETH_SOURCE, ETH_SOURCE + 6)
    this.#known.set(key, { mac, address: arpSender(frame), heardAt: now })
    this.#onChange()
    return true
  }

  /** Forgets whoever was silent for the ageing time. */
  age(now: Ms): void {
    const silent = [...this.#known].filter(([, { heardAt }]) => heardAt < now - AGEING)
    for (const [key] of silent) this.#known.delete(key)
    if (silent.length > 0) this.#onChange()
  }
}

/** Whom an ARP packet is from, if the frame is one and says so: a probe does not (RFC 5227, 1.1). */
function arpSender(frame: Uint8Array): string | undefined {
  if (frame.length < ETH_HEADER + ARP_LENGTH) return undefined
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  if (view.getUint16(ETH_TYPE) !== ETHERTYPE_ARP) return undefined
  if (macKey(frame, ETH_HEADER + ARP_SENDER_MAC) !== macKey(frame, ETH_SOURCE)) return undefined
  const address = view.getUint32(ETH_HEADER + ARP_SENDER_IP)
  return address === 0 ? undefined : formatIpv4(address)
}
