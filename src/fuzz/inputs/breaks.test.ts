/** What the inputs find: one thing broken on purpose for each kind of them, all in one program. */
import { expect, test } from 'vitest'
import { imported } from '../../serve/imported.js'
import { bundleSaboteur } from '../bundle.js'
import type { Target } from './input.ts'

interface Break {
  readonly input: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** What is said of it. */
  readonly found: RegExp
}

const BREAKS: readonly Break[] = [
  {
    input: 'pcapng',
    file: 'link/pcapng.ts',
    from: 'Math.ceil(length / 4) * 4',
    to: '(length + 3) & ~3',
    found: /Invalid typed array length/,
  },
  {
    input: 'calls',
    file: 'socket/socket.ts',
    from: '(m.get16(at + GENERATION) & 0x7ff) === handle >> 20 ? at : 0',
    to: 'at',
    found: /for a handle that was given back/,
  },
  {
    input: 'netlink',
    file: 'netlink/netlink.ts',
    from: 'if (error !== 0 || (request.flags & NLM_F_ACK) !== 0)',
    to: 'if (error !== 0)',
    found: /has 0 ends/,
  },
  {
    input: 'bpf',
    file: 'filter/verify.ts',
    from: 'whenTrue < left && whenFalse < left',
    to: 'whenTrue < left',
    found: /by Linux's rules it is -22/,
  },
  {
    input: 'config',
    file: 'ip/config.ts',
    from: "inRange('The MTU', mtu, MTU_MIN, MTU_MAX)",
    to: 'void MTU_MIN; void MTU_MAX',
    found: /with settings that cannot be/,
  },
  {
    input: 'dhcp-answers',
    file: 'dhcp/client.ts',
    from: 'if (!expectsReply(s, c, server) || !isUsable(yours)) return false',
    to: 'if (!expectsReply(s, c, server)) return false',
    found: /which no host may have/,
  },
  {
    input: 'dns-answers',
    file: 'dns/answer.ts',
    from: 'view.getUint16(fields + RECORD_CLASS) === CLASS_IN',
    to: 'view.getUint16(fields + RECORD_CLASS) > CLASS_IN',
    found: /an honest answer gives/,
  },
  {
    input: 'said',
    file: 'lab/told.ts',
    from: '!Array.isArray(value) || value.length > most',
    to: '!Array.isArray(value)',
    found: /are told at once/,
  },
  {
    input: 'room',
    file: 'room/room.ts',
    from: 'if (!opened.ok) return this.#refused.count(opened.reason)',
    to: 'if (!opened.ok) return',
    found: /not counted as refused/,
  },
  {
    input: 'page',
    file: 'lab/lab.ts',
    from: 'this.#prints.set(frame, known)',
    to: '',
    found: /loops took more than/,
  },
  {
    input: 'batches',
    file: 'link/switch.ts',
    from: 'if (this.#announced.get(high, low) !== from) return Loss.Unannounced',
    to: '',
    found: /an address that it was not granted/,
  },
  {
    input: 'mqtt-packets',
    file: 'room/mqtt-packets.ts',
    from: 'if (at + length > all.length) break',
    to: 'if (at + length > all.length + 1) break',
    found: /packets come, by a second reader/,
  },
  {
    input: 'frame-stream',
    file: 'bridge/frame-stream.ts',
    from: 'if (this.#ended) return\n      this',
    to: 'this',
    found: /frames come, by a second reader/,
  },
  {
    input: 'budget',
    file: 'lab/budget.ts',
    from: 'if (bytes > MOST)',
    to: 'if (bytes > 2 * MOST)',
    found: /a budget of \d+ bytes/,
  },
  {
    input: 'packet-filter',
    file: 'lab/filter.ts',
    from: 'Object.hasOwn(KEYS, key) ? KEYS[key] : undefined',
    to: 'KEYS[key]',
    found: /is not a function/,
  },
  {
    input: 'invitation',
    file: 'room/invitation.ts',
    from: 'text.length !== KEY_CHARACTERS',
    to: 'text.length < 2',
    found: /a key of \d+ bytes/,
  },
  {
    input: 'bridge-arguments',
    file: 'bridge/arguments.ts',
    from: 'is left over.',
    to: 'is left over',
    found: /it says 'One link/,
  },
  {
    input: 'environment',
    file: 'serve/config-from-environment.ts',
    from: 'throw new Error(`ICE_SERVERS is no JSON',
    to: 'throw new SyntaxError(`ICE_SERVERS is no JSON',
    found: /it says 'SyntaxError/,
  },
  {
    input: 'line',
    file: 'host/programs/lines.ts',
    from: 'bytes.length - 1 > LINE_MAX',
    to: 'bytes.length - 2 > LINE_MAX',
    found: /it arrives as/,
  },
  {
    input: 'file-name',
    file: 'host/programs/file.ts',
    from: '} bytes.`',
    to: '} bytes`',
    found: /it says/,
  },
  {
    input: 'packet-script',
    file: 'conformance/script.ts',
    from: 'if (error instanceof NotationError) throw new ScriptError',
    to: 'if (error instanceof SyntaxError) throw new ScriptError',
    found: /Error/,
  },
]

const { code } = await bundleSaboteur((text, path) =>
  BREAKS.filter(({ file }) => file === path).reduce((all, { from, to }) => {
    if (!all.includes(from)) throw new Error(`${path} has no '${from}' any more`)
    return all.replace(from, () => to)
  }, text),
)
const { inputs } = (await imported(code)) as { inputs: readonly Target[] }

test('each kind of input has something that it finds out', () => {
  expect(BREAKS.map(({ input }) => input).sort()).toEqual(inputs.map(({ name }) => name).sort())
})

test.each(BREAKS)('$input: that $file is broken', async ({ input, found }) => {
  const target = inputs.find(({ name }) => name === input)
  let what: string | undefined
  for (let seed = 1; seed <= 4 * (target?.round ?? 0) && what === undefined; seed++)
    what = (await target?.run(seed))?.failure?.what
  expect(what).toMatch(found)
})

test('a failing input fails again by its seed, with the same pieces', async () => {
  const target = inputs.find(({ name }) => name === 'said')
  for (let seed = 1; seed < 200; seed++) {
    const first = await target?.run(seed)
    expect(await target?.run(seed)).toEqual(first)
  }
})
