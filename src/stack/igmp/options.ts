/** What programs may ask of a UDP socket that speaks to groups. */
import { EINVAL, ENOPROTOOPT, type Errno } from '../errno.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { LINK_COUNT } from '../memory/layout.ts'
import { FLAG_NO_LOOP, FLAG_SHARED, MULTICAST_LINK, MULTICAST_TTL } from '../socket/datagrams.ts'
import { changeFlag } from '../socket/record.ts'
import { Option } from '../stack.ts'

/** EINVAL for a value out of range, ENOPROTOOPT for an option that is none of these. */
export function setMulticastOption(m: Arena, socket: Address, option: Option, value: number): 0 | Errno {
  switch (option) {
    case Option.ReuseAddress:
      return changeFlag(m, socket, FLAG_SHARED, value)
    case Option.MulticastLoop:
      return changeFlag(m, socket, FLAG_NO_LOOP, 1 - value)
    case Option.MulticastTtl:
      return setByte(m, socket + MULTICAST_TTL, value, 255)
    case Option.MulticastLink:
      return setByte(m, socket + MULTICAST_LINK, value, m.get8(LINK_COUNT) - 1)
    default:
      return ENOPROTOOPT
  }
}

function setByte(m: Arena, at: Address, value: number, most: number): 0 | Errno {
  if (!(Number.isInteger(value) && value >= 0 && value <= most)) return EINVAL
  m.put8(at, value)
  return 0
}
