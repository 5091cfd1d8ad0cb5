/**
 * The counters, under the names of their RFCs: ip… (RFC 4293), icmp… (RFC 4293's group of MIB-II), tcp… (RFC 4022),
 * udp… (RFC 4113), ip6… and icmp6… as in Linux's snmp6; arp…, igmp… and loss recovery have names of our own. The first
 * DROP_COUNT counters are the drop reasons. A part counts by index; the names are the feature PROC_FS and absent where a
 * profile does not list it.
 */
import { DROP_COUNT, Drop } from './drop.ts'
import type { Address, Arena } from './memory/arena.ts'
import { visitConnections } from './tcp/connection.ts'
import { CLOSE_WAIT, ESTABLISHED, stateOf } from './tcp/tcb.ts'

/** Indexes of 32-bit counters, which wrap; each is an event, not bytes. */
export const ipInReceives = DROP_COUNT
export const ipInDelivers = DROP_COUNT + 1
export const ipOutRequests = DROP_COUNT + 2
export const icmpInEchos = DROP_COUNT + 3
export const icmpOutEchoReps = DROP_COUNT + 4
export const icmpOutDestUnreachs = DROP_COUNT + 5
export const icmpInDestUnreachs = DROP_COUNT + 6
export const udpInDatagrams = DROP_COUNT + 7
export const udpOutDatagrams = DROP_COUNT + 8
export const tcpActiveOpens = DROP_COUNT + 9
export const tcpPassiveOpens = DROP_COUNT + 10
export const tcpAttemptFails = DROP_COUNT + 11
export const tcpEstabResets = DROP_COUNT + 12
export const tcpInSegs = DROP_COUNT + 13
export const tcpOutSegs = DROP_COUNT + 14
export const tcpRetransSegs = DROP_COUNT + 15
export const tcpOutRsts = DROP_COUNT + 16
export const arpOutRequests = DROP_COUNT + 17
export const arpOutReplies = DROP_COUNT + 18
export const arpFailures = DROP_COUNT + 19
export const ipReasmReqds = DROP_COUNT + 20
export const ipReasmOKs = DROP_COUNT + 21
export const ipReasmFails = DROP_COUNT + 22
export const ipFragOKs = DROP_COUNT + 23
export const ipFragFails = DROP_COUNT + 24
export const ipFragCreates = DROP_COUNT + 25
export const icmpOutTimeExcds = DROP_COUNT + 26
export const igmpInQueries = DROP_COUNT + 27
export const igmpInReports = DROP_COUNT + 28
export const igmpOutReports = DROP_COUNT + 29
export const igmpOutLeaves = DROP_COUNT + 30
export const ipForwDatagrams = DROP_COUNT + 31
export const ipOutNoRoutes = DROP_COUNT + 32
export const icmpInTimeExcds = DROP_COUNT + 33
export const icmpInParmProbs = DROP_COUNT + 34
export const icmpInRedirects = DROP_COUNT + 35
export const icmpInTimestamps = DROP_COUNT + 36
export const icmpOutTimestampReps = DROP_COUNT + 37
export const icmpOutRedirects = DROP_COUNT + 38
export const icmpOutParmProbs = DROP_COUNT + 39
export const tcpDsacksIn = DROP_COUNT + 40
export const tcpSackRecoveries = DROP_COUNT + 41
export const tcpLossProbes = DROP_COUNT + 42
export const tcpEceReductions = DROP_COUNT + 43
export const icmpInMsgs = DROP_COUNT + 44
export const icmpOutMsgs = DROP_COUNT + 45
export const udpNoPorts = DROP_COUNT + 46
export const ip6InReceives = DROP_COUNT + 47
export const ip6InDelivers = DROP_COUNT + 48
export const ip6OutRequests = DROP_COUNT + 49
/** What was given up because memory was short: connections by their state, and times that data out of order was dropped. */
export const tcpReclaimedTimeWait = DROP_COUNT + 50
export const tcpReclaimedLastAck = DROP_COUNT + 51
export const tcpReclaimedClosing = DROP_COUNT + 52
export const tcpReclaimedOutOfOrder = DROP_COUNT + 53
export const icmpInEchoReps = DROP_COUNT + 54
export const icmp6InMsgs = DROP_COUNT + 55
export const icmp6OutMsgs = DROP_COUNT + 56
export const ipOutDiscards = DROP_COUNT + 57
export const COUNTER_COUNT = DROP_COUNT + 58

const MIB_NAMES = [
  'ipInReceives',
  'ipInDelivers',
  'ipOutRequests',
  'icmpInEchos',
  'icmpOutEchoReps',
  'icmpOutDestUnreachs',
  'icmpInDestUnreachs',
  'udpInDatagrams',
  'udpOutDatagrams',
  'tcpActiveOpens',
  'tcpPassiveOpens',
  'tcpAttemptFails',
  'tcpEstabResets',
  'tcpInSegs',
  'tcpOutSegs',
  'tcpRetransSegs',
  'tcpOutRsts',
  'arpOutRequests',
  'arpOutReplies',
  'arpFailures',
  'ipReasmReqds',
  'ipReasmOKs',
  'ipReasmFails',
  'ipFragOKs',
  'ipFragFails',
  'ipFragCreates',
  'icmpOutTimeExcds',
  'igmpInQueries',
  'igmpInReports',
  'igmpOutReports',
  'igmpOutLeaves',
  'ipForwDatagrams',
  'ipOutNoRoutes',
  'icmpInTimeExcds',
  'icmpInParmProbs',
  'icmpInRedirects',
  'icmpInTimestamps',
  'icmpOutTimestampReps',
  'icmpOutRedirects',
  'icmpOutParmProbs',
  'tcpDsacksIn',
  'tcpSackRecoveries',
  'tcpLossProbes',
  'tcpEceReductions',
  'icmpInMsgs',
  'icmpOutMsgs',
  'udpNoPorts',
  'ip6InReceives',
  'ip6InDelivers',
  'ip6OutRequests',
  'tcpReclaimedTimeWait',
  'tcpReclaimedLastAck',
  'tcpReclaimedClosing',
  'tcpReclaimedOutOfOrder',
  'icmpInEchoReps',
  'icmp6InMsgs',
  'icmp6OutMsgs',
  'ipOutDiscards',
]

/** The RFCs' errors of a layer are the sums of its drop reasons, and some of their counters those of others. */
const SUMS: readonly (readonly [name: string, ...counters: number[]])[] = [
  [
    'ipInHdrErrors',
    Drop.BadIpVersion,
    Drop.BadIpHeaderLength,
    Drop.BadIpLength,
    Drop.BadIpChecksum,
    Drop.BadIpOptions,
  ],
  // "Not a valid address to be received at this entity", of hosts: not one of theirs.
  ['ipInAddrErrors', Drop.WrongDestination, Drop.NoAddress, Drop.Martian],
  ['ipInNoRoutes', Drop.NoRoute],
  ['ipInUnknownProtos', Drop.UnknownProtocol],
  ['ipOutFragReqds', ipFragOKs, ipFragFails],
  ['icmpInSrcQuenchs', Drop.SourceQuench],
  ['icmpInErrors', Drop.BadIcmpLength, Drop.BadIcmpChecksum],
  ['udpInErrors', Drop.BadUdpLength, Drop.BadUdpChecksum],
  ['tcpInErrs', Drop.BadTcpLength, Drop.BadTcpChecksum, Drop.BadTcpOptions],
]

/** All counters by their names, from what stands at `at` in the arena. */
export function countersAt(m: Arena, at: Address): Record<string, number> {
  const values: Record<string, number> = {}
  const read = (index: number): number => m.get32(at + index * 4) >>> 0
  const names = [...Object.keys(Drop).map(name => `drop.${name}`), ...MIB_NAMES]
  for (const [i, name] of names.entries()) values[name] = read(i)
  for (const [name, ...counters] of SUMS) values[name] = counters.reduce((sum, index) => sum + read(index), 0)
  // A gauge, of RFC 4022: "the current state is either ESTABLISHED or CLOSE-WAIT".
  let established = 0
  visitConnections(m, t => {
    if (stateOf(m, t) === ESTABLISHED || stateOf(m, t) === CLOSE_WAIT) established++
  })
  values['tcpCurrEstab'] = established
  return values
}
