/** What programs may ask of a UDP socket. */
import type { Core } from '../core.ts'
import { EINVAL, ENOPROTOOPT, type Errno } from '../errno.ts'
import type { Address } from '../memory/arena.ts'
import { LINK_COUNT } from '../memory/layout.ts'
import {
  FLAG_BROADCAST,
  FLAG_NO_LOOP,
  FLAG_SHARED,
  MULTICAST_LINK,
  MULTICAST_TTL,
} from '../socket/datagrams.ts'
import { clearFlag, setFlag } from '../socket/record.ts'
import { Option } from '../stack.ts'

export function setUdpOption(s: Core, socket: Address, option: Option, value: number): 0 | Errno {
  const { m } = s
  const within = (most: number) => Number.isInteger(value) && value >= 0 && value <= most
  const flag = (bit: number, set: boolean): 0 | Errno => {
    if (!within(1)) return EINVAL
    if (set) setFlag(m, socket, bit)
    else clearFlag(m, socket, bit)
    return 0
  }
  const byte = (at: Address, most: number): 0 | Errno => {
    if (!within(most)) return EINVAL
    m.put8(at, value)
    return 0
  }
  switch (option) {
    case Option.Broadcast:
      return flag(FLAG_BROADCAST, value === 1)
    case Option.ReuseAddress:
      return flag(FLAG_SHARED, value === 1)
    case Option.MulticastLoop:
      return flag(FLAG_NO_LOOP, value === 0)
    case Option.MulticastTtl:
      return byte(socket + MULTICAST_TTL, 255)
    case Option.MulticastLink:
      return byte(socket + MULTICAST_LINK, m.get8(LINK_COUNT) - 1)
    default:
      return ENOPROTOOPT
  }
}
