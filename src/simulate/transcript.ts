/**
 * What one host of a run has met, as a packet script of the conformance suite: its settings, its programs' calls, and the frames
 * that came, each at its time. The host begins with the same random source and clock, so it does again what it did; what it
 * sent stands beside as a comment. The last line is what was wrong, where the arena, a text or an exception does not tell.
 */

import { hexOf } from '../conformance/notation.ts'
import { address6Text } from '../conformance/packets/address6.ts'
import { playScript } from '../conformance/play.ts'
import { Transcriber } from '../conformance/transcribe.ts'
import { Drop } from '../stack/drop.ts'
import { errnoName } from '../stack/errno-names.ts'
import { type LinkConfig, NameType, Option, Protocol, type StackConfig } from '../stack/stack.ts'
import type { Birth, Entry, Recorder } from './recorder.ts'

/** The peer's initial sequence number, and its window where a line names none. */
const ISS = 1_000
const WINDOW = 65_535
/** Bytes as the programs gave them: what they were is the script's. */
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array

const dotted = (address: number): string => [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join('.')
const addressText = (value: unknown): string =>
  isBytes(value) ? address6Text([...value]) : dotted(Number(value))
const endText = (address: unknown, port: unknown): string =>
  isBytes(address) ? `[${addressText(address)}]:${port}` : `${addressText(address)}:${port}`
const macText = (mac: Uint8Array): string => [...mac].map(byte => hexOf([byte])).join(':')

/** What went wrong, as far as a script must be told. */
export type Symptom =
  /** It tells itself: by the arena, the text, an exception. */
  | { readonly kind: 'itself' }
  /** The host says nothing any more. */
  | { readonly kind: 'silence' }
  /** A connection ended with an error. */
  | { readonly kind: 'error' }
  /** Memory is held for nothing. */
  | { readonly kind: 'memory'; readonly pool: string; readonly bytes: number }

/** The script; undefined when it does not fail when it is played, or not at its end. */
export function scriptOf(
  recorder: Recorder,
  title: string,
  symptoms: readonly Symptom[],
): string | undefined {
  const { birth, entries, now } = recorder
  if (birth === undefined) return undefined
  for (const symptom of symptoms) {
    const lines = stepsOf(birth, entries, now, symptom)
    const head = settingsOf(birth, title)
    const script = failing(head, lines)
    if (script !== undefined) return script
  }
  return undefined
}

/** The whole record, line by line. */
export function transcriptOf({ birth, entries, now }: Recorder, title: string): string[] {
  if (birth === undefined) return []
  return [...settingsOf(birth, title), ...stepsOf(birth, entries, now, { kind: 'itself' })]
}

/** The script up to the step at which it fails. */
function failing(head: readonly string[], lines: readonly string[]): string | undefined {
  const at = failsAt([...head, ...lines])
  if (at === undefined) return undefined
  const least = withoutNeedless(head, lines.slice(0, Math.max(1, at - head.length)))
  return `${[...head, ...least].join('\n')}\n`
}

/** The line at which it fails; undefined: it does not, or for want of something that lines before would have made. */
function failsAt(lines: readonly string[]): number | undefined {
  try {
    playScript('', lines.join('\n'))
    return undefined
  } catch (error) {
    const [, line, text] = /line (\d+): (.*)/.exec((error as Error).message) ?? []
    if (line === undefined || /There is no|does not run backwards/.test((error as Error).message))
      return undefined
    return text === undefined ? undefined : Number(line)
  }
}

/** Tries to do without halves, quarters, … of the lines, where what it fails by is so always. */
function withoutNeedless(head: readonly string[], lines: readonly string[]): readonly string[] {
  const sentence = sentenceOf([...head, ...lines])
  if (!/not sound|is not what|Error/.test(sentence)) return lines
  let least = lines
  for (let size = least.length >> 1; size >= 1; size >>= 1)
    for (let from = 0; from < least.length - 1; ) {
      const tried = [...least.slice(0, from), ...least.slice(from + size)]
      const at = failsAt([...head, ...tried])
      if (at !== undefined && sentenceOf([...head, ...tried]) === sentence)
        least = tried.slice(0, at - head.length)
      else from += size
    }
  return least
}

/** What it fails by, without its numbers. */
function sentenceOf(lines: readonly string[]): string {
  try {
    playScript('', lines.join('\n'))
    return ''
  } catch (error) {
    return ((error as Error).message.split('\n')[1] ?? '').replace(/\d+/g, '#')
  }
}

// ---- settings --------------------------------------------------------------------------------------------------------

function settingsOf({ plan, config, seed, at }: Birth, title: string): string[] {
  const { mtu, address, gateway, ipv6, forward, links = [], name, dns, dhcpServer, largestFrame } = config
  const macs = [config, ...links].map(({ mac }: LinkConfig) => macText(mac))
  const lines = [
    `# ${title}`,
    '',
    'replay',
    `profile ${plan.profile}`,
    `memory ${plan.memory}`,
    `mac ${macs.join(' ')}`,
    `seed ${seed}`,
    `boots-at ${at / 1000}`,
    `iss ${ISS}`,
    `address ${address ?? 'none'}`,
  ]
  if (mtu !== 1500 && mtu !== undefined) lines.push(`mtu ${mtu}`)
  if (largestFrame !== undefined) lines.push(`largest-frame ${largestFrame}`)
  if (gateway !== undefined) lines.push(`gateway ${gateway}`)
  if (ipv6 === false) lines.push('no-ipv6')
  if (forward) lines.push('forward')
  for (const link of links) lines.push(`link ${link.address}${link.mtu === 1500 ? '' : ` mtu ${link.mtu}`}`)
  if (name !== undefined) lines.push(`name ${name}`)
  if (dns !== undefined) lines.push(`dns ${dns.join(',')}`)
  if (dhcpServer !== undefined) lines.push(poolText(dhcpServer))
  if (plan.rate < 1000) lines.push(`link-rate ${plan.rate}`)
  return [...lines, '']
}

function poolText({ first, last, lease, router }: NonNullable<StackConfig['dhcpServer']>): string {
  return `dhcp-server ${first} ${last} lease ${lease}${router === undefined ? '' : ` router ${router}`}`
}

// ---- steps -----------------------------------------------------------------------------------------------------------

/** Frames of these ends leave no trace. */
const IGNORED: readonly Drop[] = [Drop.NotForUs]

function stepsOf(birth: Birth, entries: readonly Entry[], last: number, symptom: Symptom): string[] {
  const own = birth.config.address?.split('/')[0] ?? ''
  const ends = (link: number) => ({
    hostMac: macText(birth.config.links?.[link - 1]?.mac ?? birth.config.mac),
    peerMac: `02:00:00:00:0${link}:02`,
    host: own,
    peer: '192.0.2.2',
    host6: '',
    linkLocal: '',
    router: 'fe80::99',
    routerMac: '02:00:00:00:00:99',
  })
  const frames = new Transcriber('192.0.2.2', ISS, WINDOW, ends)
  const calls = new Calls()
  const time = (at: number): string => String(Math.max(0, Math.round((at - birth.at) * 1000)) / 1_000_000)
  const lines: string[] = []
  let [lastSaid, lastError] = [birth.at, -1]
  for (const entry of entries) {
    if (entry.kind === 'out') {
      lastSaid = entry.at
      lines.push(`# ${time(entry.at)} > ${frames.said(entry.frame)}`)
    } else if (entry.kind === 'in') {
      if (!IGNORED.includes(entry.drop))
        lines.push(`${time(entry.at)} < ${frames.heard(entry.frame, entry.link)}`)
    } else {
      const call = calls.text(entry)
      if (entry.name === 'error' && Number(entry.result) < 0) lastError = lines.length
      if (call !== undefined) lines.push(`${time(entry.at)} ${call}`)
    }
  }
  switch (symptom.kind) {
    case 'itself':
      return [...lines, `${time(last)} > any`]
    case 'silence':
      return [...lines, `${time(Math.min(last, lastSaid + 1))}~${time(last)} > some`]
    case 'memory':
      return [...lines, `${time(last)} memory ${symptom.pool} = ${symptom.bytes}`]
    case 'error':
      return lastError < 0
        ? lines
        : [...lines.slice(0, lastError), (lines[lastError] ?? '').replace(/ = .*/, ' = 0')]
  }
}

const nameIn = (names: Readonly<Record<string, number>>, value: unknown): string =>
  Object.entries(names).find(([, number]) => number === value)?.[0] ?? String(value)

const PROTOCOLS: Readonly<Record<number, string>> = {
  [Protocol.Tcp]: 'tcp',
  [Protocol.Udp]: 'udp',
  [Protocol.Icmp]: 'icmp',
}
const FAMILIES: Readonly<Record<number, string>> = {
  [Protocol.Raw]: 'raw',
  [Protocol.Packet]: 'packet',
  [Protocol.Netlink]: 'netlink',
}

/** The programs' calls in the notation; sockets have the names that they get in their order. */
class Calls {
  readonly #names = new Map<number, string>()
  readonly #protocols = new Map<string, number>()

  /** Undefined where a script has no word for it, or where it did nothing. */
  text({ name, values, result }: Extract<Entry, { kind: 'call' }>): string | undefined {
    const [first, second, third, fourth] = values
    const socket = this.#names.get(Number(first)) ?? '0'
    const code = typeof result === 'number' && result < 0 ? errnoName(result) : String(result)
    const size = isBytes(second) ? second.length : second
    switch (name) {
      case 'socket': {
        const known = PROTOCOLS[Number(first)]
        const call =
          known === undefined ? `socketOf(${FAMILIES[Number(first)]}, ${second ?? 0})` : `socket(${known})`
        return `${call} = ${this.#named(result, code, Number(first))}`
      }
      case 'accept':
        return Number(result) < 0
          ? undefined
          : `accept(${socket}) = ${this.#named(result, code, Protocol.Tcp)}`
      case 'bind':
        return `bind(${socket}, ${endText(second, third)}) = *`
      case 'connect':
        return `connect(${socket}, ${endText(second, third)}) = *`
      case 'send':
        return `send(${socket}, ${size}) = *`
      case 'recv':
        return Number(result) < 0 ? undefined : `recv(${socket}, ${size}) = *`
      case 'sendTo': {
        const call = this.#protocols.get(socket) === Protocol.Tcp ? 'open' : 'sendto'
        return `${call}(${socket}, ${size}, ${endText(third, fourth)}) = *`
      }
      case 'recvFrom':
        return Number(result) < 0 ? undefined : `take(${socket}, ${size}) = *`
      case 'setOption':
        return `setOption(${socket}, ${nameIn(Option, second)}, ${third}) = *`
      case 'resolve':
        return `resolve(${first}, ${nameIn(NameType, second).toUpperCase()}) = ${this.#named(result, code, 0)}`
      case 'joinGroup':
        return `joinGroup(${socket}, ${dotted(Number(second))}) = *`
      case 'listen':
        return `listen(${socket}, ${second}) = *`
      case 'shutdown':
      case 'close':
      case 'abort':
      case 'error':
        return `${name}(${socket}) = *`
      default:
        return ofHost(name, values)
    }
  }

  #named(result: unknown, code: string, protocol: number): string {
    if (Number(result) < 0) return code
    const name = String(this.#protocols.size + 3)
    this.#names.set(Number(result), name)
    this.#protocols.set(name, protocol)
    return name
  }
}

/** What is asked of the host itself. */
function ofHost(name: string, values: readonly unknown[]): string | undefined {
  const [first, second, third] = values
  switch (name) {
    case 'setSysctl':
      return `setSysctl(${first}, ${second}) = *`
    case 'linkUp':
    case 'leave':
      return `${name}() = *`
    case 'hostGone':
    case 'removeAddress':
    case 'removeAddress6':
    case 'joinGroup6':
    case 'leaveGroup6':
      return `${name}(${addressText(first)}) = *`
    case 'addAddress':
      return `addAddress(${addressText(second)}/${third}, ${first}) = *`
    case 'setAddress':
      return `setAddress(${addressText(first)}/${second}, ${addressText(third)}) = *`
    case 'addAddress6':
      return `addAddress6(${addressText(first)}/${second}) = *`
    case 'removeRoute':
      return `removeRoute(${addressText(first)}/${second}, ${third}) = *`
    case 'addRoute': {
      const { destination, prefixLength, gateway, metric, link } = first as Record<string, number>
      const way = `${dotted(destination ?? 0)}/${prefixLength}, ${dotted(gateway ?? 0)}`
      return `addRoute(${way}, ${metric}, ${link}) = *`
    }
    default:
      return undefined
  }
}
