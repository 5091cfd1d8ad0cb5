/** A script's text becomes steps. A wrong line gives one sentence with its number. README.md has the grammar. */
import type { StackConfig } from '../stack/stack.ts'
import { ANY_NAMES, type Names, withAddresses } from './names.ts'
import { NotationError } from './notation.ts'
import { type Packet, parsePacket } from './packets/packet.ts'
import { type Flow, parseFlow } from './packets/tcp.ts'
import { parseSetting } from './settings.ts'

/** What is said before the first step. */
export interface Header {
  readonly profile: string
  /** Bytes. */
  readonly memory: number
  readonly mtu: number
  /** The largest frame of the link, bytes; undefined: no larger than the MTU's. */
  readonly largestFrame: number | undefined
  /** 'a.b.c.d/n', 'dhcp'; undefined: the host finds a link-local one by itself. */
  readonly address: string | undefined
  readonly gateway: string | undefined
  readonly peer: string
  /** The host's IPv6 address, 'a::b/n', beside the link-local one that it makes for itself; undefined: none. */
  readonly address6: string | undefined
  /** The peer's initial sequence number. */
  readonly iss: number
  /** What the host's shall be for a connection between ports 4000 and 7, or up to 249 less; undefined: as it comes. */
  readonly hostIss: number | undefined
  /** The window in the peer's segments that name none. */
  readonly window: number
  readonly seed: number
  /** The host's clock when the script begins, ms. */
  readonly clock: number
  /** Who answers when the host asks for the peer's address: the runner, or the script. */
  readonly arp: 'answered' | 'scripted'
  /** The same of neighbour discovery; and whether the script sees what the host says of itself to keep IPv6 going. */
  readonly nd: 'answered' | 'scripted'
  /** Whether the script begins as the host does, rather than when it has its address. */
  readonly boot: boolean
  /** The host's clock as it begins, ms. */
  readonly bootsAt: number
  /** Whether the script is a record of what one host met: what it sends, and what calls give, is compared where a line asks alone. */
  readonly replay: boolean
  /** Of its links, in their order; those that the runner gives them if there are fewer. */
  readonly macs: readonly string[]
  /** Frames that its link takes in a millisecond. */
  readonly linkRate: number
  /** Whether the arena must be as it was, once all is closed. */
  readonly baseline: boolean
  /** What else the stack is told: names, servers, further links. */
  readonly config: Partial<StackConfig>
}

/** When a step happens, ms: between `from` and `to`, counted from the step before if `relative`; undefined: any time. */
export type When = { readonly from: number; readonly to: number; readonly relative: boolean } | undefined

/** A connection: by its socket's name in the script, or by its flow. */
export type Subject = string | Flow

export type Step =
  | { readonly kind: 'inject'; readonly packet: Packet; readonly drop: string }
  | { readonly kind: 'expect'; readonly packet: Packet }
  | { readonly kind: 'quiet'; readonly until: number }
  | { readonly kind: 'skip' }
  | { readonly kind: 'some' }
  | {
      readonly kind: 'call'
      readonly name: string
      readonly values: readonly string[]
      readonly result: string
    }
  | { readonly kind: 'event'; readonly socket: string; readonly names: readonly string[] }
  | { readonly kind: 'state'; readonly subject: Subject; readonly state: string }
  | {
      readonly kind: 'check'
      readonly variable: string
      readonly subject: Subject
      readonly operator: string
      readonly value: string
    }
  | { readonly kind: 'counter'; readonly counter: string; readonly value: number }
  | { readonly kind: 'memory'; readonly pool: string; readonly used: number }
  | { readonly kind: 'link'; readonly busy: boolean }
  | { readonly kind: 'program'; readonly asleep: boolean }

export interface TimedStep {
  readonly line: number
  /** The line as it stands. */
  readonly text: string
  readonly when: When
  /** What is to be done, once the names of addresses are known. */
  readonly step: (names: Names) => Step
}

export interface Script {
  /** The first comment line. */
  readonly title: string
  readonly header: Header
  readonly steps: readonly TimedStep[]
}

/** A line that cannot be read. */
export class ScriptError extends Error {
  constructor(
    readonly line: number,
    sentence: string,
  ) {
    super(`Line ${line}: ${sentence}`)
  }
}

const DEFAULTS: Header = {
  profile: 'full',
  memory: 256 * 1024,
  mtu: 1500,
  largestFrame: undefined,
  address: '192.0.2.1/24',
  gateway: undefined,
  peer: '192.0.2.2',
  address6: undefined,
  iss: 1000,
  hostIss: undefined,
  window: 65535,
  seed: 42,
  clock: 10_000,
  arp: 'answered',
  nd: 'answered',
  boot: false,
  bootsAt: 0,
  replay: false,
  macs: [],
  linkRate: Number.POSITIVE_INFINITY,
  baseline: true,
  config: {},
}

/** The script speaks IPv6. The clock stands where the host's first address is tested, and nobody has answered its solicitations. */
const IPV6: Partial<Header> = { peer: '2001:db8::2', address6: '2001:db8::1/64', clock: 30_000 }

/** Reads a script. Throws ScriptError. */
export function parseScript(text: string): Script {
  let title = ''
  let header = DEFAULTS
  const steps: TimedStep[] = []
  text.split('\n').forEach((whole, i) => {
    const line = whole.replace(/(^|\s)#.*$/, '').trim()
    if (title === '' && whole.startsWith('#')) title = whole.slice(1).trim()
    if (line === '') return
    try {
      if (/^[\d+*]/.test(line)) steps.push({ line: i + 1, text: line, ...parseTimed(line) })
      else if (steps.length > 0)
        throw new NotationError('A step begins with its time; what has none stands before the first step.')
      else header = { ...header, ...parseHeader(line, header) }
    } catch (error) {
      if (error instanceof NotationError) throw new ScriptError(i + 1, error.message)
      throw error
    }
  })
  if (title === '')
    throw new ScriptError(1, 'A script begins with a comment: the RFC, its section, and what it says.')
  if (steps.length === 0) throw new ScriptError(1, 'There is no step.')
  return { title, header, steps }
}

function parseHeader(line: string, before: Header): Partial<Header> {
  const [word = '', ...values] = line.split(/\s+/)
  const [value = ''] = values
  const config = parseSetting(word, values, before.config)
  if (config !== undefined) return { config }
  switch (word) {
    case 'profile':
      if (!['full', 'client', 'minimal'].includes(value))
        throw new NotationError(`There is no profile '${value}'.`)
      return { profile: value }
    case 'memory':
      return { memory: sizeOf(value) }
    case 'mtu':
    case 'iss':
    case 'window':
    case 'seed':
      return { [word]: numberOf(value) }
    case 'host-iss':
      return { hostIss: numberOf(value) }
    case 'largest-frame':
      return { largestFrame: numberOf(value) }
    case 'clock':
      return { clock: numberOf(value) * 1000 }
    case 'address':
      return { address: value === 'none' ? undefined : value }
    case 'ipv6':
      return IPV6
    case 'address6':
      return { address6: value === 'none' ? undefined : value }
    case 'gateway':
    case 'peer':
      return { [word]: value }
    case 'arp':
      if (value !== 'scripted') throw new NotationError("ARP is 'arp scripted', or answered for the peer.")
      return { arp: value }
    case 'nd':
      if (value !== 'scripted')
        throw new NotationError("Neighbour discovery is 'nd scripted', or answered for the peer.")
      return { nd: value }
    case 'boot':
      return { boot: true }
    case 'boots-at':
      return { boot: true, bootsAt: millis(value) }
    case 'replay':
      return { replay: true, arp: 'scripted', nd: 'scripted', baseline: false }
    case 'mac':
      return { macs: values }
    case 'link-rate':
      return { linkRate: numberOf(value) }
    case 'no-baseline':
      return { baseline: false }
    default:
      throw new NotationError(`'${word}' is no setting; a step begins with its time.`)
  }
}

function sizeOf(text: string): number {
  const match = /^(\d+)([KM]?)$/.exec(text)
  if (match === null) throw new NotationError(`A size is written like 256K; '${text}' is not.`)
  return Number(match[1]) * (match[2] === 'M' ? 1 << 20 : match[2] === 'K' ? 1024 : 1)
}

function numberOf(text: string): number {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new NotationError(`'${text}' is not a number.`)
  return Number(text)
}

function parseTimed(line: string): { when: When; step: (names: Names) => Step } {
  const [time = ''] = line.split(/\s/, 1)
  const rest = line.slice(time.length).trim()
  const step = parseStep(withAddresses(rest, ANY_NAMES))
  return {
    when: parseWhen(time),
    step: rest.includes('$') ? names => parseStep(withAddresses(rest, names)) : () => step,
  }
}

/** '0.2', '+0.04', '0.2~0.25', '+0.03~0.05', '*' */
function parseWhen(text: string): When {
  if (text === '*') return undefined
  const match = /^(\+?)(\d+(?:\.\d+)?)(?:~(\d+(?:\.\d+)?))?$/.exec(text)
  if (match === null)
    throw new NotationError(`A time is written like 0.2, +0.04, 0.2~0.25 or *; '${text}' is not.`)
  const from = millis(match[2] ?? '')
  const to = match[3] === undefined ? from : millis(match[3])
  if (to < from) throw new NotationError(`The time '${text}' ends before it begins.`)
  return { from, to, relative: match[1] === '+' }
}

/** Seconds to milliseconds, whole microseconds kept. */
const millis = (seconds: string): number => Math.round(Number(seconds) * 1_000_000) / 1000

function parseStep(text: string): Step {
  const [word = ''] = text.split(/\s/, 1)
  const rest = text.slice(word.length).trim()
  switch (word) {
    case '<':
      return parseInject(rest)
    case '>':
      return parseExpect(rest)
    case 'event':
      return parseEvent(rest)
    case 'state':
      return parseState(rest)
    case 'expect':
      return parseCheck(rest)
    case 'counter':
      return parseCounter(rest)
    case 'memory':
      return parseMemory(rest)
    case 'link':
      if (rest !== 'busy' && rest !== 'free') throw new NotationError("The link is 'busy' or 'free'.")
      return { kind: 'link', busy: rest === 'busy' }
    case 'program':
      if (rest !== 'asleep' && rest !== 'awake')
        throw new NotationError("The program is 'asleep' or 'awake'.")
      return { kind: 'program', asleep: rest === 'asleep' }
    default:
      return parseCall(text)
  }
}

/** 'baseline', or 'pool = bytes' */
function parseMemory(text: string): Step {
  if (text === 'baseline') return { kind: 'memory', pool: '', used: 0 }
  const match = /^([a-z ]+) = (\d+)$/.exec(text)
  if (match === null)
    throw new NotationError("Memory is compared by 'memory baseline' or 'memory send = 1600'.")
  return { kind: 'memory', pool: match[1] ?? '', used: Number(match[2]) }
}

/** A packet of the peer's, and the reason for which it is not taken. */
function parseInject(text: string): Step {
  const match = /^(.*?)(?:\s+drop\s+(\w+))?$/.exec(text)
  return { kind: 'inject', packet: parsePacket(match?.[1] ?? ''), drop: match?.[2] ?? 'None' }
}

function parseExpect(text: string): Step {
  if (text === 'any') return { kind: 'skip' }
  if (text === 'some') return { kind: 'some' }
  const quiet = /^none until (\d+(?:\.\d+)?)$/.exec(text)
  if (quiet !== null) return { kind: 'quiet', until: millis(quiet[1] ?? '') }
  if (text.startsWith('none'))
    throw new NotationError("That nothing is sent is written like 'none until 1.5'.")
  return { kind: 'expect', packet: parsePacket(text) }
}

/** 'name(values) = result' */
function parseCall(text: string): Step {
  const match = /^(\w+)\(([^)]*)\)\s*=\s*(.+)$/.exec(text)
  if (match === null)
    throw new NotationError(
      `'${text}' is no step: a packet (< or >), a call like 'close(3) = 0', event, state, expect, counter, memory or link.`,
    )
  const values = (match[2] ?? '').split(',').map(value => value.trim())
  return { kind: 'call', name: match[1] ?? '', values, result: (match[3] ?? '').trim() }
}

const EVENTS = ['readable', 'writable', 'connected', 'closed', 'state', 'urgent']

/** 'socket names', or 'socket none' */
function parseEvent(text: string): Step {
  const [socket = '', ...names] = text.split(/\s+/)
  const wrong = names.find(name => !EVENTS.includes(name) && name !== 'none')
  if (wrong !== undefined || names.length === 0)
    throw new NotationError(`An event is one of ${EVENTS.join(', ')} or none; '${wrong ?? ''}' is not.`)
  return { kind: 'event', socket, names: names.filter(name => name !== 'none') }
}

const subjectOf = (token: string): Subject => (token.startsWith('@') ? parseFlow(token) : token)

function parseState(text: string): Step {
  const [subject = '', state = ''] = text.split(/\s+/)
  if (state === '') throw new NotationError("A state is written like 'state 3 ESTABLISHED'.")
  return { kind: 'state', subject: subjectOf(subject), state }
}

/** 'variable socket operator value' */
function parseCheck(text: string): Step {
  const match = /^(\w+) (\S+) (=|<|<=|>|>=) (\S+)$/.exec(text)
  if (match === null)
    throw new NotationError(`A variable is checked like 'expect cwnd 3 = 14600'; '${text}' is not.`)
  const [, variable = '', subject = '', operator = '', value = ''] = match
  return { kind: 'check', variable, subject: subjectOf(subject), operator, value }
}

function parseCounter(text: string): Step {
  const match = /^(\S+) = (\d+)$/.exec(text)
  if (match === null)
    throw new NotationError(`A counter is written like 'counter tcpOutRsts = 1'; '${text}' is not.`)
  return { kind: 'counter', counter: match[1] ?? '', value: Number(match[2]) }
}
