/** What a congestion control is asked, by the rules of RFC 5681. Windows in bytes, all arithmetic in integers. */
import type { Core } from '../core.ts'
import type { Tcb } from './tcb.ts'

export interface Congestion {
  /** New data was acknowledged outside of recovery; `bytes` of it. */
  acked(s: Core, t: Tcb, bytes: number): void
  /** A loss: what ssthresh becomes, given the flight size at that time (RFC 5681, equation 4). */
  threshold(s: Core, t: Tcb, flight: number): number
}
