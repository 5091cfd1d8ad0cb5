/**
 * The settings of a running host, under the names that they have in Linux's /proc/sys, dots for slashes: those that the
 * code honours. Their values, 16 bits each, stand in the arena behind the counters, so a copied host keeps them. Whoever honours one
 * asks `s.features.procFs` for it and has the default beside it, for profiles that have no settings.
 */
import type { Core } from '../core.ts'
import { COUNTERS_AT } from '../memory/layout.ts'
import { COUNTER_COUNT } from '../mib.ts'

/** Indexes of the settings, in the order of SYSCTLS. */
export const TCP_FIN_TIMEOUT = 0
export const TCP_RETRIES2 = 1
export const TCP_SYNACK_RETRIES = 2
export const TCP_INVALID_RATELIMIT = 3
export const ICMP_MSGS_PER_SEC = 4
export const ICMP_MSGS_BURST = 5
export const ICMP_ECHO_IGNORE_ALL = 6
export const IPFRAG_TIME = 7
export const BASE_REACHABLE_TIME_MS = 8
export const RETRANS_TIME_MS = 9
export const MCAST_SOLICIT = 10
export const IP_TTL_DEFAULT = 11
export const TCP_SYNCOOKIES = 12
export const TCP_ECN = 13
export const SYSCTL_COUNT = 14
/** What they take of the arena, bytes. */
export const SYSCTL_SIZE = SYSCTL_COUNT * 2

type Sysctl = readonly [name: string, initial: number, least: number, most: number]

/** In the order of their indexes; in Linux's units: seconds, or milliseconds where the name says so. */
export const SYSCTLS: readonly Sysctl[] = [
  ['net.ipv4.tcp_fin_timeout', 60, 1, 600],
  ['net.ipv4.tcp_retries2', 8, 1, 15],
  ['net.ipv4.tcp_synack_retries', 5, 1, 15],
  ['net.ipv4.tcp_invalid_ratelimit', 500, 0, 60_000],
  ['net.ipv4.icmp_msgs_per_sec', 50, 0, 1000],
  ['net.ipv4.icmp_msgs_burst', 20, 1, 255],
  ['net.ipv4.icmp_echo_ignore_all', 0, 0, 1],
  ['net.ipv4.ipfrag_time', 60, 1, 3600],
  ['net.ipv4.neigh.default.base_reachable_time_ms', 60_000, 1000, 65_000],
  ['net.ipv4.neigh.default.retrans_time_ms', 1000, 10, 60_000],
  ['net.ipv4.neigh.default.mcast_solicit', 3, 1, 20],
  ['net.ipv4.ip_default_ttl', 64, 1, 255],
  ['net.ipv4.tcp_syncookies', 1, 0, 1],
  ['net.ipv4.tcp_ecn', 2, 0, 2],
]

const valueAt = ({ m }: Core, index: number): number => m.get32(COUNTERS_AT) + COUNTER_COUNT * 4 + index * 2

/** In its own unit, see SYSCTLS: 0 … 65,535. */
export const readSysctl = (s: Core, index: number): number => s.m.get16(valueAt(s, index))

/** All have their initial values. */
export function layOutSysctls(s: Core): void {
  for (const [i, [, initial]] of SYSCTLS.entries()) s.m.put16(valueAt(s, i), initial)
}

const indexOf = (name: string): number => SYSCTLS.findIndex(([known]) => known === name)

/** The setting of this name; undefined when there is none. */
export function sysctlNamed(s: Core, name: string): number | undefined {
  const index = indexOf(name)
  return index < 0 ? undefined : readSysctl(s, index)
}

/** Throws a RangeError of one sentence when there is no such setting, or its range does not have the value. */
export function setSysctl(s: Core, name: string, value: number): 0 {
  const index = indexOf(name)
  const known = SYSCTLS[index]
  if (known === undefined) throw new RangeError(`There is no setting ${name}.`)
  const [, , least, most] = known
  if (!(Number.isInteger(value) && value >= least && value <= most))
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}; ${value} is not.`)
  s.m.put16(valueAt(s, index), value)
  return 0
}
