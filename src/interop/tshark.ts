/** What tshark finds wrong with a capture. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { writePcapng } from '../link/pcapng.ts'
import type { Passed } from './tape.ts'

const execute = promisify(execFile)

const BAD_WIRE = 'on a wire that loses frames'
/** In the fields of tshark's lines. */
const BETWEEN = '\u001f'

/** Of data on a port that it does not know tshark guesses what it may be; ours is none of it. */
const PLAIN_DATA = ['80', '5001-5003', '5201']
const OPTIONS = [
  '-n',
  ...PLAIN_DATA.flatMap(ports => ['-d', `tcp.port==${ports},data`]),
  ...['ip', 'tcp', 'udp'].flatMap(protocol => ['-o', `${protocol}.check_checksum:TRUE`]),
]
const FIELDS = [
  'frame.number',
  'frame.comment',
  'eth.src',
  '_ws.expert.severity',
  '_ws.expert.message',
  '_ws.col.Info',
]
/** PI_WARN of Wireshark's epan/proto.h; what is worse is higher. */
const WARNING = 0x600000

const bad = (...protocols: readonly string[]): string =>
  protocols.map(protocol => `${protocol}.checksum.status == "Bad"`).join(' || ')
/** An ICMP error quotes the packet that it is about, and not all of it: that one's checksum cannot be right. */
const QUOTES = 'icmp.type == 3 || icmp.type == 11 || icmpv6.type < 128'
const SUSPECT = `_ws.malformed || ${bad('ip', 'icmp', 'icmpv6')} ||
  !(${QUOTES}) && (${bad('tcp', 'udp')} || _ws.expert.severity >= "Warning")`

/** Warnings with a reason, by how they begin. */
const EXPLAINED: readonly (readonly [warning: string, reason: string])[] = [
  ['Connection reset (RST)', 'a port on which nobody listens, or a program that ends with text unread'],
  ['TCP window specified by the receiver', 'the receiver is slower than the sender'],
  ['TCP Zero Window segment', 'the same'],
  ['DNS query retransmission', 'RFC 6762, 8.1: a probe for a name is sent three times'],
  ['DNS response retransmission', 'RFC 6762, 8.3: an announcement is sent twice'],
  [
    'This frame is a (suspected) out-of-order segment',
    'tshark’s guess of what is sent again at once: in smaller pieces after ICMP, or by SACK',
  ],
  [
    'D-SACK Sequence',
    'on a machine under load an acknowledgement comes later than a loss probe waits for it',
  ],
]
/** Those that only a wire which loses frames explains. */
const EXPLAINED_BY_LOSS = ['Previous segment(s) not captured', "ACKed segment that wasn't captured"]

/** What others may do and we may not: the kernel writes a checksum of zero so, as for UDP. */
const EXPLAINED_BY_OTHERS = ['TCP Checksum 0xffff instead of 0x0000']
const OUR_MAC = /^02:..:00:00:00:02$/

/** The first of the frames with a fault, in one sentence; undefined when there are none. `path` is for the capture. */
export async function faultsIn(passed: readonly Passed[], path: string): Promise<string | undefined> {
  const packets = passed.map(({ at, bytes, badWire }) => ({
    interface: 0,
    time: Math.round(at * 1000),
    bytes,
    comment: badWire ? BAD_WIRE : undefined,
  }))
  writeFileSync(path, new Uint8Array(writePcapng({ interfaces: ['wire'], packets })))
  const { stdout } = await execute(
    'tshark',
    [
      ...['-r', path, ...OPTIONS, '-Y', SUSPECT, '-T', 'fields', '-E', `aggregator=${BETWEEN}`],
      ...FIELDS.flatMap(field => ['-e', field]),
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  )
  const faults = stdout.split('\n').filter(Boolean).map(faultIn).filter(Boolean)
  return faults.length === 0 ? undefined : `${faults.length} faults of ${packets.length} frames: ${faults[0]}`
}

/** What is wrong in a frame that tshark suspects; undefined when all of it is explained. */
function faultIn(line: string): string | undefined {
  const [frame, comment, source = '', severities = '', messages = '', info] = line.split('\t')
  const grave = severities.split(BETWEEN).map(severity => Number(severity) >= WARNING)
  const warnings = messages.split(BETWEEN).filter((_, i) => grave[i])
  const explained = [
    ...EXPLAINED.map(([begins]) => begins),
    ...(comment === BAD_WIRE ? EXPLAINED_BY_LOSS : []),
    ...(OUR_MAC.test(source) ? [] : EXPLAINED_BY_OTHERS),
  ]
  const open = warnings.filter(warning => !explained.some(begins => warning.startsWith(begins)))
  // A frame without a warning is here for its checksum.
  if (warnings.length > 0 && open.length === 0) return undefined
  return `frame ${frame}, ${open.join(', ') || 'a wrong checksum'}: ${info}`
}
