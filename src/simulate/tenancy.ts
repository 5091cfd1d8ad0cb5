/**
 * No address is held by two hosts of a wire at once, beyond what the RFCs let happen. Looked at from outside, host beside host.
 *
 * - What a DHCP server lends is one host's (RFC 2131, 2.2: "A guarantee that any specific network address will not be in use by more
 *   than one DHCP client at a time"), through loss and partitions: whoever cannot renew gives it up before the server lends it
 *   again (4.4.5). That needs a server that remembers (3.1, "persistent storage") and clocks that run (3.3): where a lender
 *   has lost its power, or a machine slept while its clock stood still, it may come to it.
 * - Two may take one link-local address when they did not hear each other (RFC 3927, 2.5, "at any time"): where nothing was lost or
 *   late, they did hear each other.
 */
import type { Machine } from './machine.ts'
import type { Incident, Plan } from './plan.ts'

const isLinkLocal = (address: number): boolean => address >>> 16 === 0xa9fe

/** Throws an Error that names the address. */
export function expectAddresses(plan: Plan, machines: readonly Machine[]): void {
  const held = new Map<string, Machine>()
  for (const machine of machines) {
    const { address } = machine.stack
    if (!machine.runs || address === 0) continue
    const place = `${machine.wires[0]} ${address}`
    const other = held.get(place)
    held.set(place, machine)
    if (other === undefined || mayShare(plan, address, [other, machine])) continue
    const text = [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join('.')
    throw new Error(`hosts ${other.index} and ${machine.index} both have ${text}`)
  }
}

function mayShare({ hosts, incidents }: Plan, address: number, two: readonly Machine[]): boolean {
  if (isLinkLocal(address)) return incidents.some(separates)
  return incidents.some(
    incident =>
      (incident.kind === 'restart' && hosts[incident.host]?.lease !== undefined) ||
      (incident.kind === 'sleep' && !incident.clockRuns) ||
      (incident.kind === 'renumber' && two.some(({ index }) => index === incident.host)),
  )
}

function separates(incident: Incident): boolean {
  if (incident.kind === 'weather') {
    const { delay, loss, burst, late, corrupt } = incident.weather
    return delay > 1 || loss + burst + late + corrupt > 0
  }
  return ['partition', 'sleep', 'refuse', 'restart'].includes(incident.kind)
}
