/** What programs may ask of a socket: what all kinds have, and behind it each kind's own. */
import { type Core, KIND_CONNECTION, KIND_UDP } from '../core.ts'
import { EINVAL, ENOPROTOOPT, type Errno } from '../errno.ts'
import type { Address } from '../memory/arena.ts'
import { Option } from '../stack.ts'
import type { Tcb } from '../tcp/tcb.ts'
import { setTcpOption } from '../tcp/user.ts'
import { setUdpOption } from '../udp/options.ts'
import { familyOf } from './family.ts'
import { TTL } from './record.ts'
import { kindOf } from './socket.ts'

/** EINVAL for a value out of range, ENOPROTOOPT for an option that this socket, or this profile, lacks; see Option. */
export function setSocketOption(s: Core, socket: Address, option: Option, value: number): 0 | Errno {
  if (option === Option.Ttl) {
    if (!(Number.isInteger(value) && value >= 1 && value <= 255)) return EINVAL
    s.m.put8(socket + TTL, value)
    return 0
  }
  switch (kindOf(s.m, socket)) {
    case KIND_CONNECTION:
      return setTcpOption(s, socket as Tcb, option, value)
    case KIND_UDP:
      return setUdpOption(s, socket, option, value)
    default:
      return (s.features.sockets && familyOf(s, socket))?.setOption?.(s, socket, option, value) ?? ENOPROTOOPT
  }
}
