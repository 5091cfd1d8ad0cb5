/** What an administrator does on a running host: an address, a route, a group more, and back again. */
import type { Machine } from './machine.ts'

const NETWORK = 0x0a630000
const GROUP6 = Uint8Array.of(0xff, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7)
const ADDRESS6 = (index: number): Uint8Array =>
  Uint8Array.of(0xfd, 0, 0, 0, 0, 0x63, 0, 0, 0, 0, 0, 0, 0, 0, 0, index + 1)

const routeOf = (machine: Machine) => ({
  destination: NETWORK,
  prefixLength: 24,
  gateway: 0,
  link: 0,
  metric: machine.index,
})

/** The address that a host has for so long. */
export const errandAddress = (index: number): number => NETWORK + 0x100 + index + 1

export function runErrand(machine: Machine): void {
  const { stack, index } = machine
  stack.addAddress(0, errandAddress(index), 24)
  stack.addRoute(routeOf(machine))
  stack.addAddress6(ADDRESS6(index), 64)
  stack.joinGroup6(GROUP6)
}

/** Whatever of it was done, and has not gone with the power. */
export function undoErrand(machine: Machine): void {
  const { stack, index } = machine
  stack.removeAddress(errandAddress(index))
  stack.removeRoute(NETWORK, 24, index)
  stack.removeAddress6(ADDRESS6(index))
  stack.leaveGroup6(GROUP6)
}
