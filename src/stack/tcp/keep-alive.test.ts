import { describe, expect, test } from 'vitest'
import { EINVAL, ENOPROTOOPT, ETIMEDOUT } from '../errno.ts'
import { createStack as minimal } from '../profiles/minimal.ts'
import { Option } from '../stack.ts'
import { type Dialogue, established } from '../testing/dialogue.ts'

/** Asks after 60 s of silence, then each 10 s, three times. */
function kept(): Dialogue {
  const d = established()
  d.stack.setOption(d.socket, Option.KeepAlive, 1)
  d.stack.setOption(d.socket, Option.KeepIdle, 60)
  d.stack.setOption(d.socket, Option.KeepInterval, 10)
  d.stack.setOption(d.socket, Option.KeepCount, 3)
  return d
}

describe('keep-alive', () => {
  test('is off unless asked for', () => {
    established()
      .wait(24 * 3_600_000)
      .quiet()
  })

  test('asks first after two hours, where nothing else is set', () => {
    const d = established()
    d.stack.setOption(d.socket, Option.KeepAlive, 1)
    d.wait(7_199_999).quiet()
    d.wait(1).out('ACK 0:0 ack 1').quiet()
  })

  test('of which the next was put off for weeks lets the host rest', () => {
    const d = kept()
    for (const option of [Option.KeepIdle, Option.KeepInterval]) d.stack.setOption(d.socket, option, 1)
    d.stack.setOption(d.socket, Option.KeepCount, 127)
    d.wait(100_000)
    expect(d.skip()).toBe(100)
    d.stack.setOption(d.socket, Option.KeepInterval, 32_767)
    d.wait(1_000)
    expect(d.stack.pollAt() - d.now).toBeGreaterThan(1_000)
    d.wait(24 * 3_600_000).quiet()
  })

  test('asks again when it is not answered, and after the last resets with ETIMEDOUT', () => {
    const d = kept()
    d.wait(60_000).out('ACK 0:0 ack 1').quiet()
    d.wait(10_000).out('ACK 0:0 ack 1').quiet()
    d.wait(10_000).out('ACK 0:0 ack 1').quiet()
    d.wait(9_999).quiet()
    expect(d.state).toBe('ESTABLISHED')
    d.wait(1).out('RST 1:1')
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(ETIMEDOUT)
  })

  test('counts from the last answer: an idle peer that is there stays connected', () => {
    const d = kept()
    for (let i = 0; i < 20; i++) {
      d.wait(60_000).out('ACK 0:0 ack 1').quiet()
      d.in('ACK 1:1 ack 1')
    }
    expect(d.state).toBe('ESTABLISHED')
  })

  test('is not sent while text is under way', () => {
    const d = kept()
    d.wait(59_999)
    d.send(10)
    d.out('PSH,ACK 1:11 ack 1')
    d.wait(1).quiet()
    d.in('ACK 1:1 ack 11')
    d.wait(59_999).quiet()
    d.wait(1).out('ACK 10:10 ack 1')
  })

  test('can be turned off again', () => {
    const d = kept()
    d.wait(60_000).out('ACK 0:0 ack 1')
    d.stack.setOption(d.socket, Option.KeepAlive, 0)
    d.wait(1_000_000).quiet()
    expect(d.state).toBe('ESTABLISHED')
  })

  test('set before the connection is opened, begins with it', () => {
    const d = established()
    d.connect()
    d.stack.setOption(d.socket, Option.KeepAlive, 1)
    d.stack.setOption(d.socket, Option.KeepIdle, 60)
    d.out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1')
    d.out('ACK 1:1 ack 1')
    d.wait(60_000).out('ACK 0:0 ack 1').quiet()
  })

  test('answers the peer’s own', () => {
    const d = established()
    d.in('ACK 0:0 ack 1')
    d.out('ACK 1:1 ack 1')
  })
})

describe('a setting', () => {
  test.each([
    [Option.KeepAlive, [0, 1], [-1, 2, 0.5]],
    [Option.KeepIdle, [1, 32_767], [0, 32_768, Number.NaN]],
    [Option.KeepInterval, [1, 32_767], [0, 32_768]],
    [Option.KeepCount, [1, 127], [0, 128]],
    [Option.UserTimeout, [0, 0x7fffffff], [-1, 0x80000000]],
    [Option.Linger, [-1, 0, 32_767], [-2, 32_768]],
  ])('%i has its bounds', (option, good, bad) => {
    const d = established()
    for (const value of good) expect(d.stack.setOption(d.socket, option, value)).toBe(0)
    for (const value of bad) expect(d.stack.setOption(d.socket, option, value)).toBe(EINVAL)
    d.stack.setOption(d.socket, Option.Linger, -1)
  })

  test('that does not exist, or that the profile lacks, is ENOPROTOOPT', () => {
    const d = established()
    expect(d.stack.setOption(d.socket, 99 as never, 1)).toBe(ENOPROTOOPT)
    const e = established({}, 8192, 1000, minimal)
    expect(e.stack.setOption(e.socket, Option.KeepAlive, 1)).toBe(ENOPROTOOPT)
    expect(e.stack.setOption(e.socket, Option.NoDelay, 1)).toBe(0)
  })
})

test.each([1, 30])(
  'a connection that is silent for %i days when its times are set shorter is probed at once, and once',
  days => {
    const d = established()
    d.stack.setOption(d.socket, Option.KeepInterval, 10)
    d.wait(days * 86_400_000).stack.setOption(d.socket, Option.KeepIdle, 60)
    d.stack.setOption(d.socket, Option.KeepAlive, 1)
    d.wait(9_000)
    expect(d.skip()).toBe(1)
    d.wait(10_000)
    expect(d.skip()).toBe(1)
  },
)
