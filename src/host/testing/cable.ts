/** Two hosts on one cable in real time, for tests of what runs on them. */
import { expect, vi } from 'vitest'
import { createStack } from '../../stack/profiles/full.ts'
import { formatIpv6 } from '../../stack/wire/address6.ts'
import type { Way } from '../clock.ts'
import { Host, type HostSegment } from '../host.ts'
import type { NoticeRecord, StateRecord } from '../protocol.ts'
import { Turns } from '../turns.ts'

export const SOON = { timeout: 8000, interval: 5 }
export const MEMORY = 256 * 1024

/** A cable with a host at each end. */
export class Cable implements HostSegment {
  readonly hosts: Host[] = []
  readonly records: (StateRecord | NoticeRecord)[] = []
  lastFrame = 0
  /** Who sent, one letter a frame. */
  senders = ''
  #connections = 0
  readonly #turns = new Turns(
    () => performance.now(),
    () => undefined,
  )

  add(name: string, localName?: string, ipv6 = false): Host {
    const mac = `02:00:00:00:00:0${this.hosts.length + 1}`
    const host = new Host(
      { name, profile: 'full', memory: MEMORY, mac, ipv6, ...(localName && { localName }) },
      createStack,
      this,
    )
    this.hosts.push(host)
    this.#turns.add(host)
    return host
  }
  now(): number {
    return performance.now()
  }
  transmit(from: Host, frame: Uint8Array, now: number): Way {
    const to = this.hosts.find(host => host !== from)
    if (to === undefined) return 'taken'
    if (!to.ready) return 'wait'
    this.senders += from.name[0]
    to.send(frame, ++this.lastFrame, now)
    to.settle(this.lastFrame)
    return 'taken'
  }
  wake(): void {
    this.#turns.wake()
  }
  newConnection(): number {
    return ++this.#connections
  }
  log(record: StateRecord | NoticeRecord): void {
    this.records.push(record)
  }
  changed(): void {}
  end(): void {
    this.#turns.end()
  }
}

export const addressOf = async (host: Host) => {
  await vi.waitFor(() => expect(host.snapshot().address).toBeDefined(), SOON)
  return host.snapshot().address as string
}

/** Its link-local IPv6 address, once it may be used. */
export const address6Of = async (host: Host) => {
  const preferred = () => host.stack.ipv6?.addresses.find(({ state }) => state === 'preferred')
  await vi.waitFor(() => expect(preferred()).toBeDefined(), SOON)
  return formatIpv6(preferred()?.address ?? [])
}
