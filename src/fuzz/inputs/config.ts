/**
 * What createStack is given. A piece is a setting.
 *
 * Right is: a host that stands and whose arena is sound, in so much memory and no more; or the RangeError, in one sentence.
 */
import type { Dice } from '../../simulate/dice.ts'
import type { LinkConfig, StackConfig } from '../../stack/stack.ts'
import { expectSound } from '../../stack/testing/invariants.ts'
import { trusted } from '../watch.ts'
import { times, words } from './bytes.ts'
import { type Input, isSentence, step } from './input.ts'
import { PROFILES } from './pair.ts'

type Setting = Readonly<Record<string, unknown>>

const NUMBERS = [
  0,
  -1,
  1,
  67,
  68,
  600,
  1500,
  1501,
  1514,
  9014,
  65_549,
  65_550,
  2 ** 31,
  2 ** 32,
  0.5,
  Number.NaN,
  Infinity,
]
const text = (dice: Dice, known: readonly string[]) => words(dice, known, 6).join('')
const dotted = (dice: Dice) =>
  dice.chance(0.5)
    ? dice.one([
        '10.0.0.1/24',
        '10.0.0.9',
        '0.0.0.0/8',
        '127.0.0.1/8',
        '224.0.0.1/4',
        '10.0.0.1/0',
        '10.0.0.1/33',
        'dhcp',
        '',
      ])
    : text(dice, ['10', '.', '0', '1', '/', '24', '255', '256'])
const mac = (dice: Dice) =>
  Uint8Array.from(times(dice.one([6, 6, 6, 0, 5, 7]), () => dice.one([2, 0, 1, 255, dice.below(256)])))
const link = (dice: Dice) => ({
  mac: mac(dice),
  ...(dice.chance(0.5) && { mtu: dice.one(NUMBERS) }),
  ...(dice.chance(0.7) && { address: dotted(dice) }),
})
const some = <T>(dice: Dice, make: () => T) => times(dice.below(6), make)

/** An arena that is none, or another's: too short, empty, of an older version, cut. */
function arena(dice: Dice): ArrayBuffer {
  const whole = PROFILES.client({ memory: 32_768, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }, environment).arena
  const cut = whole.slice(0, dice.one([0, 3, 4, 100, 16_384, 32_764, 32_768]))
  if (cut.byteLength > 8 && dice.chance(0.3)) new DataView(cut).setInt32(dice.one([0, 4]), dice.word(), true)
  return dice.chance(0.3) ? new ArrayBuffer(dice.one([0, 1, 64, 65_536])) : cut
}

const DRAWN: Readonly<Record<string, (dice: Dice) => unknown>> = {
  memory: dice =>
    dice.chance(0.7) ? dice.one([0, 1, 16_384, 20_480, 20_482, 32_768, 65_536, ...NUMBERS]) : arena(dice),
  mac,
  mtu: dice => dice.one(NUMBERS),
  address: dotted,
  gateway: dotted,
  largestFrame: dice => dice.one(NUMBERS),
  forward: dice => dice.chance(0.5),
  links: dice => some(dice, () => link(dice)),
  name: dice => text(dice, ['host', '-', '.', 'x'.repeat(63), 'ü', '7']),
  ipv6: dice => dice.chance(0.5),
  dns: dice => some(dice, () => dotted(dice)),
  dhcpServer: dice => ({
    first: dice.one(['10.0.0.100', '10.0.0.1', '10.1.0.1', dotted(dice)]),
    last: dice.one(['10.0.0.120', '10.0.0.2', '10.0.255.255', dotted(dice)]),
    ...(dice.chance(0.5) && { lease: dice.one([...NUMBERS, 60, 59]) }),
    ...(dice.chance(0.3) && { router: dotted(dice) }),
    ...(dice.chance(0.3) && { dns: some(dice, () => dotted(dice)) }),
    ...(dice.chance(0.3) && { domain: text(dice, ['example', '.', 'x'.repeat(63)]) }),
  }),
}

const environment = { random32: () => 7, secret: new Uint8Array(16) }

export const config: Input<Setting> = {
  name: 'config',
  round: 250,

  draw: dice => [
    { profile: dice.one(['full', 'full', 'client', 'minimal']) },
    ...times(dice.below(6), () => {
      const name = dice.one(Object.keys(DRAWN))
      return { [name]: DRAWN[name]?.(dice) }
    }),
  ],

  fault(settings) {
    const { profile = 'full', ...given } = Object.assign({}, ...settings) as {
      profile?: keyof typeof PROFILES
    }
    const wanted = { memory: 65_536, mac: Uint8Array.of(2, 0, 0, 0, 0, 1), ...given } as StackConfig
    try {
      const stack = step(() => PROFILES[profile](wanted, environment))
      if (!mayStand(wanted)) return 'it stands, with settings that cannot be'
      for (let now = 0; now < 20_000; now += 500) {
        step(() => stack.poll(now))
        step(() => stack.output(() => true))
      }
      trusted(expectSound, [stack])
      if (typeof wanted.memory === 'number' && stack.arena.byteLength !== wanted.memory)
        return 'its memory is not as large'
      return undefined
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      const said = error.message.replace(/NaN/g, '')
      return isSentence(said, shown(settings))
        ? undefined
        : `it says '${error.message}' ${error.stack?.split('\n')[2]}`
    }
  },

  show: shown,
}

/** What stack.ts says of a link, for all of them; and of the budget. */
function mayStand({ memory, links = [], ...first }: StackConfig): boolean {
  const isOne = ({ mac: station, mtu = 1500 }: LinkConfig) =>
    station.length === 6 && ((station[0] ?? 1) & 1) === 0 && Number.isInteger(mtu) && mtu >= 68 && mtu <= 1500
  const size = typeof memory === 'number' ? memory : memory.byteLength
  return [first, ...links].every(isOne) && links.length <= 3 && size % 4 === 0 && size <= 4_194_304
}

function shown(settings: readonly Setting[]): string {
  return JSON.stringify(Object.assign({}, ...settings), (_, value: unknown) => {
    if (value instanceof Uint8Array) return [...value]
    if (value instanceof ArrayBuffer) return `an arena of ${value.byteLength} bytes`
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
  })
}
