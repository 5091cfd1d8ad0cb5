/** What programs may ask of a UDP socket. */
import type { Core } from '../core.ts'
import { ENOPROTOOPT, type Errno } from '../errno.ts'
import type { Address } from '../memory/arena.ts'
import { FLAG_BROADCAST } from '../socket/datagrams.ts'
import { changeFlag } from '../socket/record.ts'
import { Option } from '../stack.ts'

/** EINVAL for a value out of range, ENOPROTOOPT for an option that UDP, or this profile, does not have. */
export function setUdpOption(s: Core, socket: Address, option: Option, value: number): 0 | Errno {
  return option === Option.Broadcast
    ? changeFlag(s.m, socket, FLAG_BROADCAST, value)
    : (s.features.multicast?.setOption(s.m, socket, option, value) ?? ENOPROTOOPT)
}
