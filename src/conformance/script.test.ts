import { describe, expect, test } from 'vitest'
import { playScript } from './play.ts'
import { parseScript } from './script.ts'

const sentence = (line: string): string => {
  try {
    parseScript(`# A script.\n\n${line}\n`)
    return 'It can be read.'
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
}

describe('a line that cannot be read is told by its number and one sentence', () => {
  test.each([
    [
      '+0 < Q 0:0(0)',
      "A packet begins with TCP flags such as 'S.', or with a protocol's name such as udp; 'Q' is neither.",
    ],
    ['+0 < S 0:1(0)', '0:1 are 1 bytes, not 0.'],
    ['+0 < S 0', "Sequence numbers are written like 1:1001(1000); '0' is not."],
    ['+0 < . 1:1(0)', "The flag '.' and 'ack' go together."],
    ['+0 < S 0:0(0) win', "'win' needs a value."],
    ['+0 < S 0:0(0) win many', "'many' is no value for 'win'."],
    ['+0 < S 0:0(0) win 1 win 2', "'win' is said twice."],
    ['+0 < S 0:0(0) wine 1', "'wine' means nothing here."],
    [
      '+0 < S 0:0(0) <mess 3>',
      "There is no TCP option 'mess'; any is written as 'raw' with its bytes in hex.",
    ],
    ['+0 < S 0:0(0) <TS 3>', "Timestamps are written like 'TS val 1 ecr 0'; 'TS 3' is not."],
    ['+0 < S 0:0(0) <sack 3>', "A SACK block is written like 2001:3001; '3' is not."],
    ['+0 < @x S 0:0(0)', "A flow is written like @4001, @192.0.2.3:4001 or @4001>7; '@x' is not."],
    ['+0 < udp 9 (3)', "UDP is written like 'udp 4000>9 (20)'; '9' is no pair of ports."],
    [
      '+0 < icmp nonsense here',
      "There is no ICMP message 'nonsense here'; any is written as 'type 13 code 0'.",
    ],
    [
      '+0 < icmp unreachable port [x]',
      "What an error is about is written like [tcp seq 0] or [udp 7>9]; 'x' is not.",
    ],
    ['+0 < icmp6 too-small', "There is no ICMPv6 message 'too-small '; any is written as 'type 200 code 0'."],
    [
      '+0 < nd shout fe80::1',
      "A message of neighbour discovery is one of router-solicit, router-advertise, solicit, advertise, redirect; 'shout' is not.",
    ],
    [
      '+0 < nd redirect fe80::1 by fe80::2',
      "It is written like 'nd solicit A' or 'nd redirect A to B'; 'nd redirect fe80::1 by fe80::2' is not.",
    ],
    [
      '+0 < nd solicit fe80::1 <sauce 02:00:00:00:00:02>',
      "There is no option 'sauce' of neighbour discovery; any is written as 'raw' with its bytes in hex.",
    ],
    ['+0 < mld shout ff02::5', "MLD is written like 'mld report ff02::1234'; 'shout ff02::5' is not."],
    [
      '+0 < udp 4000>9 (1) to $nobody',
      "'$nobody' is no name; there are $host, $peer, $router, $link-local, $own/… and $group/….",
    ],
    ['+0 < arp who-has 192.0.2.1 tell 192.0.2.2 {fragment}', "'{fragment}' means nothing here."],
    ['+0 < raw 0800 4', "'4' means nothing here."],
    ['+0 <', 'A packet is missing behind the arrow.'],
    ['0.2.3 > . 1:1(0) ack 1', "A time is written like 0.2, +0.04, 0.2~0.25 or *; '0.2.3' is not."],
    ['0.2~0.1 > . 1:1(0) ack 1', "The time '0.2~0.1' ends before it begins."],
    [
      '+0 dance',
      "'dance' is no step: a packet (< or >), a call like 'close(3) = 0', event, state, expect, counter, memory or link.",
    ],
    [
      '+0 event 3 happy',
      "An event is one of readable, writable, connected, closed, state, urgent or none; 'happy' is not.",
    ],
    ['+0 expect cwnd 3', "A variable is checked like 'expect cwnd 3 = 14600'; 'cwnd 3' is not."],
    ['+0 state 3', "A state is written like 'state 3 ESTABLISHED'."],
    ['+0 > none', "That nothing is sent is written like 'none until 1.5'."],
    ['profile tiny', "There is no profile 'tiny'."],
    ['memory lots', "A size is written like 256K; 'lots' is not."],
    ['colour blue', "'colour' is no setting; a step begins with its time."],
  ])('%s', (line, message) => {
    expect(sentence(line)).toBe(`Line 3: ${message}`)
  })

  test('a setting behind the first step', () => {
    expect(sentence('+0 linkUp() = 0\nmtu 576')).toBe(
      'Line 4: A step begins with its time; what has none stands before the first step.',
    )
  })

  test('a script without a comment, or without a step', () => {
    expect(() => parseScript('+0 linkUp() = 0')).toThrow('A script begins with a comment')
    expect(() => parseScript('# Nothing.')).toThrow('There is no step.')
  })
})

/** What is wrong, without what was seen around. */
const failure = (steps: string): string => {
  try {
    playScript('some.pkt', `# A script.\n${steps}`)
    return 'It is as expected.'
  } catch (error) {
    return (error instanceof Error ? error.message : '').split('\n  around')[0] ?? ''
  }
}

describe('a script fails with its line, what was expected and what was seen', () => {
  const listening = '+0 socket(tcp) = 3\n+0 bind(3, 7) = 0\n+0 listen(3, 1) = 0\n+0 < S 0:0(0) win 8192\n'

  test('when the host sends something else', () => {
    expect(failure(`${listening}+0 > S. 0:0(0) ack 2`)).toBe(
      'some.pkt, line 6: +0 > S. 0:0(0) ack 2\nThe host sent something else.\n  expected  0.000 > S. 0:0(0) ack 2\n  seen      0.000 > S. 0:0(0) ack 1',
    )
  })

  test('when it sends it at another time', () => {
    expect(failure(`${listening}+0 > S. 0:0(0) ack 1\n0.9 > S. 0:0(0) ack 1`)).toContain(
      'The host sent nothing.',
    )
    expect(failure(`${listening}+0 > S. 0:0(0) ack 1\n1.1 > S. 0:0(0) ack 1`)).toBe(
      'some.pkt, line 7: 1.1 > S. 0:0(0) ack 1\nThe host sent it at another time.\n  expected  1.100 > S. 0:0(0) ack 1\n  seen      1.000 > S. 0:0(0) ack 1',
    )
  })

  test('when it sends what no line expects, also after the last', () => {
    expect(failure(`${listening}+0 state 3 LISTEN`)).toContain('The host sent what no line expects.')
    expect(failure(listening)).toContain('The script ends, and the host has sent more.')
  })

  test('when a packet meets another end, a call has another result, a variable another value', () => {
    expect(failure('+0 < R 1:1(0)')).toContain('expected  drop None\n  seen      drop BadReset')
    expect(failure('+0 socket(tcp) = ENOBUFS')).toContain('expected was ENOBUFS')
    expect(failure('+0 socket(tcp) = 3\n+0 listen(3, 0) = 0')).toContain('expected  0\n  seen      EINVAL')
    expect(failure('+0 socket(tcp) = 3\n+0 state 3 LISTEN')).toContain('expected  LISTEN\n  seen      CLOSED')
    expect(failure('+0 socket(tcp) = 3\n+0 expect cwnd 3 = 5')).toContain(
      'expected  cwnd = 5\n  seen      cwnd = 0',
    )
    expect(failure('+0 socket(tcp) = 3\n+0 event 3 readable')).toContain(
      'expected  readable\n  seen      none',
    )
    expect(failure('+0 counter tcpInSegs = 5')).toContain('expected  5\n  seen      0')
    expect(failure('+0 socket(tcp) = 3\n+0 memory baseline')).toContain('The arena is not as it was.')
  })

  test('when text that is read is not what was sent', () => {
    const open = `${listening}+0 > S. 0:0(0) ack 1\n+0 < P. 1:3(2) ack 1 data 0001\n+0 accept(3) = 4\n`
    expect(failure(`${open}+0 recv(4, 9) = 2`)).toContain('2, of which byte 2 is not what the peer sent')
    expect(failure(`${open}+0 recv(4, 9) = 2 data 0001\n0.04 > . 1:1(0) ack 3`)).toBe('It is as expected.')
  })

  test('when time runs backwards or a name is unknown', () => {
    expect(failure('1 address() = 192.0.2.1\n0.5 address() = 192.0.2.1')).toContain(
      'Time does not run backwards',
    )
    expect(failure('+0 close(9) = 0')).toContain('There is no socket 9 in this script.')
    expect(failure('+0 fly() = 0')).toContain("There is no call 'fly'.")
  })
})
