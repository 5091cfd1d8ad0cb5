/** EVENTS.md is true: each event of RFC 9293, 3.10 has its script in each state that it can come in, and no state is forgotten. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { SCRIPTS } from './script-files.js'

const SYNCHRONIZED = [
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
]
const ALL = ['CLOSED', 'LISTEN', 'SYN-SENT', ...SYNCHRONIZED]

interface Row {
  readonly section: string
  readonly event: string
  /** Its path under scripts/, '*' for the state's folder. */
  readonly script: string
  readonly states: readonly string[]
}

function statesOf(text: string): readonly string[] {
  const [which = '', without] = text.split(' but ')
  const named = which === 'all' ? ALL : which === 'synchronized' ? SYNCHRONIZED : which.split(', ')
  return named.filter(state => state !== without)
}

const rows: readonly Row[] = readFileSync(join(import.meta.dirname, 'EVENTS.md'), 'utf8')
  .split('\n')
  .filter(line => /^\| 3\.10/.test(line))
  .map(line => {
    const [, section = '', event = '', script = '', states = ''] = line.split('|').map(cell => cell.trim())
    return { section, event, script: script.replaceAll('`', ''), states: statesOf(states) }
  })

/** The states for which the table has the event of that section, whose words begin so. */
const covered = (section: string, event: string): string[] => {
  const found = rows.filter(row => row.section === section && row.event.startsWith(event))
  return [...new Set(found.flatMap(row => row.states))].sort()
}

describe('the table of events', () => {
  test.each(rows)('$section $event: a script for each state', ({ script, states }) => {
    for (const state of states) {
      expect(ALL).toContain(state)
      const path = `${script.replace('*', state.toLowerCase())}.pkt`
      expect(existsSync(join(SCRIPTS, path)), path).toBe(true)
    }
  })

  test.each([
    ['3.10.1', 'OPEN', ALL],
    ['3.10.2', 'SEND', ALL],
    ['3.10.3', 'RECEIVE', ALL],
    ['3.10.4', 'CLOSE', ALL],
    ['3.10.5', 'ABORT', ALL],
    ['3.10.6', 'STATUS', ALL],
    ['3.10.7.1', 'a segment', ['CLOSED']],
    ...['first', 'second', 'third', 'fourth'].map(step => ['3.10.7.2', step, ['LISTEN']] as const),
    ...['first', 'second', 'fourth', 'fifth'].map(step => ['3.10.7.3', step, ['SYN-SENT']] as const),
    ...['first', 'second', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'].map(
      step => ['3.10.7.4', step, SYNCHRONIZED] as const,
    ),
    ['3.10.8', 'user', ALL],
    ['3.10.8', 'retransmission', ALL],
    ['3.10.8', 'time-wait', ['TIME-WAIT']],
  ] as const)('%s %s stands there for each state', (section, event, states) => {
    expect(covered(section, event)).toEqual([...states].sort())
  })
})
