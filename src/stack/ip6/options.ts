/** Options in hop-by-hop and destination headers, RFC 8200, 4.2. We know padding and the router alert. */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { sendParameterProblem } from '../icmp6/errors.ts'
import type { Address } from '../memory/arena.ts'
import { PARAMETER_OPTION } from '../wire/icmp6.ts'
import { IP6_DESTINATION, OPTION_PAD_1, OPTION_PAD_N, OPTION_ROUTER_ALERT } from '../wire/ipv6.ts'
import { isMulticast6 } from './kinds.ts'

/** What the two highest bits of an unknown option's type ask for. */
const SKIP = 0
const DISCARD = 1
const REPORT_ALWAYS = 2

/** The options of the header at `at` that ends at `behind`, in the packet from `ip` to `end`. */
export function takeOptions(
  s: Core,
  ip: Address,
  at: Address,
  behind: Address,
  end: Address,
  toAll: boolean,
): Drop {
  const { m } = s
  for (let option = at + 2; option < behind; ) {
    const type = m.get8(option)
    if (type === OPTION_PAD_1) {
      option++
      continue
    }
    const size = option + 1 < behind ? 2 + m.get8(option + 1) : 0
    if (size === 0 || option + size > behind) return dropped(s, Drop.BadExtension)
    const action = type >> 6
    if (type !== OPTION_PAD_N && type !== OPTION_ROUTER_ALERT && action !== SKIP) {
      // "10" reports it even to whoever sent it to a group, "11" only where it was for one host.
      const toGroup = isMulticast6(m, ip + IP6_DESTINATION)
      if (action !== DISCARD && (action === REPORT_ALWAYS || !toGroup))
        sendParameterProblem(s, ip, end, PARAMETER_OPTION, option - ip, action !== REPORT_ALWAYS && toAll)
      return dropped(s, Drop.BadExtension)
    }
    option += size
  }
  return Drop.None
}
