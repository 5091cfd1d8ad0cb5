/** What was done and seen while a script is played, and the message of a failure. */
import { formatPacket, type Packet } from './packets/packet.ts'
import type { TimedStep } from './script.ts'

/** What a script expected and did not see. */
export class ScriptFailure extends Error {}

export class Journal {
  /** The step that is played. */
  step: TimedStep | undefined
  /** The host's clock at the script's zero, ms. */
  zero = 0
  private readonly history: string[] = []

  /** `unexpected` tells what the host has sent and no line has expected yet. */
  constructor(private readonly unexpected: () => string) {}

  clockText(at: number): string {
    return ((at - this.zero) / 1000).toFixed(3)
  }

  note(at: number, text: string): void {
    this.history.push(`${this.clockText(at)} ${text}`)
  }

  noteSeen(at: number, seen: Packet): void {
    this.note(at, `> ${formatPacket(seen, shownWords(seen))}`)
  }

  seenText(at: number, seen: Packet): string {
    return `${this.clockText(at)} > ${formatPacket(seen, shownWords(seen))}`
  }

  failure(what: string, expected = '', seen = ''): ScriptFailure {
    const lines = [`line ${this.step?.line ?? 1}: ${this.step?.text ?? ''}`, what]
    const unexpected = seen === '' ? this.unexpected() : ''
    if (expected !== '') lines.push(`  expected  ${expected}`)
    if (seen !== '') lines.push(`  seen      ${seen}`)
    if (unexpected !== '') lines.push(`  then      ${unexpected}`)
    lines.push('  around', ...this.history.slice(-10).map(line => `    ${line}`))
    return new ScriptFailure(lines.join('\n'))
  }

  compare(expected: string, seen: string): void {
    if (expected !== seen) throw this.failure('It is otherwise.', expected, seen)
  }
}

const shownWords = (packet: Packet): string[] =>
  ['ack', 'win', 'id', 'seq'].filter(
    word => packet.fields.has(word) && (packet.kind === 'icmp' || word !== 'id'),
  )
