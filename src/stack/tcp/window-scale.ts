/**
 * TCP_WSCALE, RFC 7323, 2: windows of more than 64 KiB. Each side says in its SYN by how many bits its later windows are
 * shifted; only if both say so does either shift (2.2: "both sides MUST send Window Scale options in their <SYN>
 * segments to enable window scaling in either direction").
 */
import type { Core } from '../core.ts'
import { hasFlag, setFlag } from '../socket/record.ts'
import { ACK, OPTION_NOP, OPTION_WINDOW_SCALE, SYN } from '../wire/tcp.ts'
import type { TcpOption } from './options.ts'
import { FLAG_SCALING, RCV_SCALE, SND_SCALE, type Tcb } from './tcb.ts'
import { bufferShare } from './window.ts'

/** 2.3: "The maximum scale exponent is limited to 14"; a larger one MUST be taken as 14. */
const SHIFT_MAX = 14
const LENGTH = 3

/** The least shift under which the whole buffer can be offered. */
export function shiftFor(s: Core): number {
  let shift = 0
  while (bufferShare(s.m) >> shift > 0xffff) shift++
  return shift
}

/** In a SYN it is offered, in a SYN,ACK only when it was. */
const belongs = (s: Core, t: Tcb, flags: number): boolean =>
  (flags & SYN) !== 0 && ((flags & ACK) === 0 || hasFlag(s.m, t, FLAG_SCALING))

/** The feature TCP_WSCALE. */
export const windowScale: TcpOption = {
  kind: OPTION_WINDOW_SCALE,

  read(s, at, length) {
    if (length !== LENGTH) return false
    s.segment.shift = Math.min(SHIFT_MAX, s.m.get8(at + 2))
    return true
  },

  negotiate(s, t) {
    if (s.segment.shift < 0) return
    setFlag(s.m, t, FLAG_SCALING)
    s.m.put8(t + SND_SCALE, s.segment.shift)
    s.m.put8(t + RCV_SCALE, shiftFor(s))
  },

  size: (s, t, flags) => (belongs(s, t, flags) ? 4 : 0),

  write(s, _t, _flags, at) {
    s.m.put8(at, OPTION_NOP)
    s.m.put8(at + 1, OPTION_WINDOW_SCALE)
    s.m.put8(at + 2, LENGTH)
    s.m.put8(at + 3, shiftFor(s))
  },
}
