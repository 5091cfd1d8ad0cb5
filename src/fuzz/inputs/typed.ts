/**
 * What a person types, pastes or sets: every text gives what it means, or one sentence. A piece is a word.
 */
import { parseArguments } from '../../bridge/arguments.ts'
import { parseScript, ScriptError } from '../../conformance/script.ts'
import { encodeHeader } from '../../host/programs/file.ts'
import { encodeLine, LineReader } from '../../host/programs/lines.ts'
import { parseBudget, sizeName } from '../../lab/budget.ts'
import { parseFilter } from '../../lab/filter.ts'
import type { Packet } from '../../lab/packet.ts'
import { invitationLink, parseInvitation } from '../../room/invitation.ts'
import { configFromEnvironment } from '../../serve/config-from-environment.ts'
import { readPort } from '../../serve/port.js'
import { words } from './bytes.ts'
import { type Input, isSentence, step } from './input.ts'

interface Field {
  readonly name: string
  readonly round: number
  /** Words that its parser knows. */
  readonly known: readonly string[]
  /** What is wrong with what it makes of the text. */
  fault(text: string): string | undefined
}

const typed = ({ name, round, known, fault }: Field): Input<string> => ({
  name,
  round,
  draw: dice => words(dice, known, dice.one([1, 2, 4, 12])),
  fault: pieces => step(() => fault(pieces.join(''))),
  show: pieces => JSON.stringify(pieces.join('')),
})

/** A refusal in a sentence is right. */
const said = (why: unknown, text: string): string | undefined =>
  isSentence(why, text) ? undefined : `it says '${String(why)}'`

const budget = typed({
  name: 'budget',
  round: 2_000,
  known: [
    '64 KiB',
    '4.1 MiB',
    '5 MiB',
    '64',
    '16',
    '4',
    ' ',
    '.',
    ',',
    '5',
    'KiB',
    'MiB',
    'k',
    'B',
    'bytes',
    'kib',
    'M',
    '2',
  ],
  fault(text) {
    const read = parseBudget(text)
    if (!read.ok) return said(read.why, text)
    if (!Number.isSafeInteger(read.bytes) || read.bytes < 0 || read.bytes > 4_194_304)
      return `a budget of ${read.bytes} bytes`
    const again = parseBudget(sizeName(read.bytes))
    return again.ok ? undefined : `its own way to write it, ${sizeName(read.bytes)}, is refused`
  },
})

const PACKETS: readonly Packet[] = ['49152 → 23 [SYN] Seq=0', 'Who has 10.0.0.1?'].map(
  (info, i) => ({ no: i, time: 0, from: 'alice', to: 'bob', protocol: 'TCP', info }) as unknown as Packet,
)

const filter = typed({
  name: 'packet-filter',
  round: 2_000,
  known: [
    ' ',
    'tcp',
    '-',
    'host:',
    'port:',
    'from:',
    'to:',
    'info:',
    'proto:',
    'alice',
    '23',
    ':',
    'syn',
    '02:00',
  ],
  fault(text) {
    const read = parseFilter(text)
    if (read.kind === 'wrong') return said(read.why, text)
    if (read.kind === 'all') return text.trim() === '' ? undefined : 'words let everything pass'
    for (const packet of PACKETS)
      if (typeof read.passes(packet) !== 'boolean') return 'it neither passes nor does not'
    return undefined
  },
})

const KEY = 'A'.repeat(43)

const invitation = typed({
  name: 'invitation',
  round: 1_500,
  known: [
    'https://example.org/',
    '#',
    'room=',
    'quiet-heron',
    '&',
    'key=',
    KEY,
    KEY.slice(1),
    'broker=',
    'wss://b.example/mqtt',
    `#room=quiet-heron&key=${KEY}`,
    `#room=quiet-heron&key=${KEY.slice(1)}`,
    `#room=quiet-heron&key=${KEY}A`,
  ],
  fault(text) {
    const read = parseInvitation(text)
    if (read.kind === 'none') return undefined
    if (read.kind === 'wrong') return said(read.why, text)
    if (read.invitation.key.length !== 32) return `a key of ${read.invitation.key.length} bytes`
    const again = parseInvitation(invitationLink(read.invitation, 'https://example.org/'))
    return JSON.stringify(again) === JSON.stringify(read) ? undefined : 'its own link invites elsewhere'
  },
})

const bridge = typed({
  name: 'bridge-arguments',
  round: 800,
  known: [
    'bridge',
    '|',
    `bridge|https://example.org/#room=quiet-heron&key=${KEY}|left`,
    `https://example.org/#room=quiet-heron&key=${KEY}`,
    '--tap',
    '--address',
    '--name',
    '--help',
    '169.254.7.7/16',
    'lanlet0',
    'dora',
    '/',
  ],
  fault(text) {
    const read = parseArguments(text.split('|'), text.slice(0, 20))
    return read.kind === 'wrong' ? said(read.why, text) : undefined
  },
})

const environment = typed({
  name: 'environment',
  round: 1_000,
  known: [
    '[',
    ']',
    '{',
    '}',
    '"urls"',
    ':',
    '"stun:stun.example"',
    ',',
    '"credential"',
    '1',
    'wss://b.example',
    '8080',
    '65536',
  ],
  fault(text) {
    const port = readPort(text)
    if (!port.ok && said(port.why, text) !== undefined) return said(port.why, text)
    for (const variables of [{ ICE_SERVERS: text }, { BROKER_URL: text }])
      try {
        configFromEnvironment(variables)
      } catch (error) {
        const wrong = said(error instanceof Error && error.name === 'Error' ? error.message : error, text)
        if (wrong !== undefined) return wrong
      }
    return undefined
  },
})

const line = typed({
  name: 'line',
  round: 800,
  known: ['hello', ' ', '\r', '\n', 'ä', '😀', 'x'.repeat(4_097), 'x'.repeat(4_000), 'x'.repeat(95)],
  fault(text) {
    const bytes = encodeLine(text)
    if (typeof bytes === 'string') return said(bytes, text)
    const lines: string[] = []
    new LineReader().push(bytes, each => lines.push(each))
    const heard = lines.join('|')
    return heard === new TextDecoder().decode(new TextEncoder().encode(text))
      ? undefined
      : `it arrives as '${heard}'`
  },
})

const fileName = typed({
  name: 'file-name',
  round: 500,
  known: ['photo', '.', 'png', '/', '\\', 'ü', 'x'.repeat(250)],
  fault(text) {
    const header = encodeHeader({ name: text, size: text.length })
    return typeof header === 'string' ? said(header, text) : undefined
  },
})

/** Where packet scripts are wrong, their line is named. */
const script = typed({
  name: 'packet-script',
  round: 1_200,
  known: [
    '# RFC 9293: it begins.\n',
    '\n+0 ',
    '\n0.1 ',
    '\n* ',
    '< ',
    '> ',
    'S 0:0(0) win 8192 <mss 1000>',
    '. 1:1(0) ack 1',
    ' udp 4000 > 9 (10)',
    'icmp echo ',
    'arp who-has ',
    'dhcp ',
    'dns ',
    'ip6 ',
    'frag ',
    'socket(tcp) = 3',
    'event 3 readable',
    'state 3 ESTABLISHED',
    'expect cwnd 3 = 10',
    'counter tcpOutRsts = 1',
    'memory baseline',
    'link busy',
    'program asleep',
    'none until 1.5',
    'drop BadChecksum',
    'profile full\n',
    'memory 64K\n',
    'peer 10.0.0.2\n',
    '<sackOK, TS val 1 ecr 0, wscale 7>',
    'hex 00 ff',
    '@4000 > 7',
    '$peer',
    '(',
    ')',
    '0',
    'ack',
  ],
  fault(text) {
    try {
      parseScript(text)
      return undefined
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error
      return said(error.message, text)
    }
  },
})

export const typedInputs: readonly Input<string>[] = [
  budget,
  filter,
  invitation,
  bridge,
  environment,
  line,
  fileName,
  script,
]
