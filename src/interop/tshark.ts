/** What tshark finds wrong with a capture. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { writePcapng } from '../link/pcapng.ts'
import type { Passed } from './tape.ts'

const execute = promisify(execFile)

/** Before the sentence of the check, in the comment of a frame on a wire that loses others. */
const BAD_WIRE = '! '
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
  'udp.dstport',
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

/** Why a warning is let pass, and where alone. */
interface Explained {
  /** How it begins. */
  readonly warning: string
  readonly reason: string
  /** Of connections that began in checks with these words; of all if absent. */
  readonly during?: RegExp
  /** Only on a wire that loses frames. */
  readonly badWire?: true
  /** Only of datagrams to this port. */
  readonly port?: string
  /** Only of others' frames: they may do what we may not. */
  readonly others?: true
  /** So many in a capture. */
  readonly most?: number
}

const EXPLAINED: readonly Explained[] = [
  {
    warning: 'Connection reset (RST)',
    reason: 'nobody listens on that port, or not yet',
    during: /refuses at once|nmap’s|traceroute by SYNs|when we connect|a server there|we ask for ECN|nc has/,
  },
  {
    warning: 'Connection reset (RST)',
    reason: 'a program that was ended, or a test that is over, with text unread',
    during: /iperf|as both ends’ ss tell|as ss tells/,
  },
  {
    warning: 'Connection reset (RST)',
    reason:
      'under load a FIN is sent twice; who has closed knows nothing of what the second acknowledgment of it is about',
    most: 10,
  },
  { warning: 'TCP window specified by the receiver', reason: 'the receiver is slower than the sender' },
  { warning: 'TCP Zero Window segment', reason: 'the same' },
  {
    warning: 'DNS query retransmission',
    reason: 'RFC 6762, 8.1: a probe for a name is sent three times',
    port: '5353',
  },
  {
    warning: 'DNS response retransmission',
    reason: 'RFC 6762, 8.3: an announcement is sent twice',
    port: '5353',
  },
  {
    warning: 'DNS query retransmission',
    reason: 'a machine that is emulated asks again soon, and is late itself',
    during: /it resolves the name/,
    others: true,
    most: 6,
  },
  {
    warning: 'DNS response retransmission',
    reason: 'who is asked again answers again',
    during: /it resolves the name/,
    most: 6,
  },
  { warning: 'Previous segment(s) not captured', reason: 'it was lost, or is late', badWire: true },
  { warning: "ACKed segment that wasn't captured", reason: 'the same', badWire: true },
  {
    warning: 'This frame is a (suspected) out-of-order segment',
    reason: 'tshark’s guess of what is late, or sent again at once by SACK',
    badWire: true,
  },
  {
    warning: 'This frame is a (suspected) out-of-order segment',
    reason: 'its guess of what is sent again in smaller pieces after ICMP',
    during: /bytes are the most|behind it is told/,
  },
  { warning: 'D-SACK Sequence', reason: 'what was late was sent again as well', badWire: true },
  {
    warning: 'D-SACK Sequence',
    reason: 'on a machine under load an acknowledgement comes later than a loss probe waits for it',
    most: 60,
  },
  {
    warning: 'This frame is a (suspected) out-of-order segment',
    reason: 'the same, and the acknowledgement comes right behind the probe',
    most: 20,
  },
  {
    warning: 'TCP Checksum 0xffff instead of 0x0000',
    reason: 'the kernel writes a checksum of zero so, as for UDP',
    others: true,
  },
]

const OUR_MAC = /^02:..:00:00:00:02$/

/** The first of the frames with a fault, in one sentence; undefined when there are none. `path` is for the capture. */
export async function faultsIn(passed: readonly Passed[], path: string): Promise<string | undefined> {
  const packets = passed.map(({ at, bytes, during, badWire }) => ({
    interface: 0,
    time: Math.round(at * 1000),
    bytes,
    comment: `${badWire ? BAD_WIRE : ''}${during}`,
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
  const passes = new Passes()
  const faults = stdout
    .split('\n')
    .filter(Boolean)
    .map(line => passes.faultIn(line))
    .filter(Boolean)
  return faults.length === 0 ? undefined : `${faults.length} faults of ${packets.length} frames: ${faults[0]}`
}

/** What is let pass of one capture. */
class Passes {
  readonly #times = new Map<Explained, number>()

  /** What is wrong in a frame that tshark suspects; undefined when all of it is explained. */
  faultIn(line: string): string | undefined {
    const [frame, comment = '', source = '', port, severities = '', messages = '', info] = line.split('\t')
    const grave = severities.split(BETWEEN).map(severity => Number(severity) >= WARNING)
    const warnings = messages.split(BETWEEN).filter((_, i) => grave[i])
    const open = warnings.filter(warning => !this.#isExplained({ warning, comment, source, port }))
    // A frame without a warning is here for its checksum.
    if (warnings.length > 0 && open.length === 0) return undefined
    return `frame ${frame}, ${open.join(', ') || 'a wrong checksum'}: ${info}; during '${comment}'`
  }

  #isExplained(suspect: Suspect): boolean {
    const one = EXPLAINED.find(
      each => explains(each, suspect) && (this.#times.get(each) ?? 0) < (each.most ?? Infinity),
    )
    if (one !== undefined) this.#times.set(one, (this.#times.get(one) ?? 0) + 1)
    return one !== undefined
  }
}

interface Suspect {
  readonly warning: string
  readonly comment: string
  /** The MAC of who sent it. */
  readonly source: string
  /** Where a datagram goes. */
  readonly port: string | undefined
}

const explains = (one: Explained, { warning, comment, source, port }: Suspect): boolean =>
  warning.startsWith(one.warning) &&
  (one.during?.test(comment) ?? true) &&
  (one.badWire === undefined || comment.startsWith(BAD_WIRE)) &&
  (one.port === undefined || one.port === port) &&
  (one.others === undefined || !OUR_MAC.test(source))
