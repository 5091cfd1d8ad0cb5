/** avahi, the mDNS responder and resolver of Linux machines (RFC 6762): it finds our name, and we find its. */
import { writeFileSync } from 'node:fs'
import { createStack } from '../stack/profiles/full.ts'
import { NameType } from '../stack/stack.ts'
import { type Check, failed, type Peer, type Verdict, within } from './check.ts'
import { ask, expectAnswer } from './names.ts'
import { DEVICE, Namespace, type Outcome } from './namespace.ts'
import { NodeHost, takeAddresses } from './node-host.ts'
import type { Place } from './place.ts'
import { joinTap } from './wire.ts'

const OURS = '10.81.0.2'
const OURS6 = 'fd81::2'
const THEIRS = '10.81.0.1'
const THEIRS6 = 'fd81::1'

/** A message bus of its own, on which everybody may do everything. */
const BUS = (path: string): string => `<busconfig><type>system</type><listen>unix:path=${path}</listen>
  <auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
  <allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`

const CONFIG = `[server]
host-name=tower
allow-interfaces=${DEVICE}
use-ipv4=yes
use-ipv6=yes
[wide-area]
enable-wide-area=no
`

export const AVAHI_PEER: Peer = {
  title: 'avahi',
  needs: ['avahi-daemon', 'avahi-resolve', 'dbus-daemon'],
  async meet(place) {
    const host = new NodeHost(createStack, {
      memory: 1024 * 1024,
      mac: Uint8Array.from([2, 0x81, 0, 0, 0, 2]),
      address: `${OURS}/24`,
      name: 'kiosk',
    })
    place.undo(() => host.end())
    const linux = Namespace.make(place, 'avahi')
    await joinTap(place, host, linux, [`${THEIRS}/24`, `${THEIRS6}/64`])
    const avahi = startAvahi(place, linux)
    await takeAddresses(host, OURS6)
    await within(10, async () => (await ask(host, 'tower.local', NameType.A)) === THEIRS)
    return { host, checks: checksOf(host, avahi) }
  },
}

/** avahi's tools, which talk to its daemon by the bus. */
interface Avahi {
  run(tool: string, ...args: readonly string[]): Promise<Outcome>
  /** Starts one that goes on until it is ended. */
  start(tool: string, ...args: readonly string[]): { end(): void }
}

function startAvahi(place: Place, linux: Namespace): Avahi {
  const [bus, busConfig, config] = ['bus', 'bus.conf', 'avahi.conf'].map(name => place.path(name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(busConfig, BUS(bus))
  writeFileSync(config, CONFIG)
  const environment = `DBUS_SYSTEM_BUS_ADDRESS=unix:path=${bus}`
  const busDaemon = linux.start('dbus-daemon', [`--config-file=${busConfig}`, '--nofork', '--nopidfile'])
  // Its files lie at fixed places below /run: there it gets a directory of its own, which nobody else sees.
  const script = `mount -t tmpfs none /run; until [ -S ${bus} ]; do sleep 0.05; done
    exec env ${environment} avahi-daemon -f ${config} --no-drop-root --no-chroot --no-rlimits`
  const daemon = linux.start('sh', ['-c', script])
  place.undo(() => busDaemon.kill())
  place.undo(() => daemon.kill())
  return {
    run: (tool, ...args) => linux.run('env', [environment, tool, ...args], 10),
    start: (tool, ...args) => {
      const running = linux.start('env', [environment, tool, ...args])
      return { end: () => running.kill() }
    },
  }
}

const checksOf = (host: NodeHost, avahi: Avahi): readonly Check[] => {
  const finds = (name: string, args: readonly string[], right: RegExp): Check => ({
    name,
    needs: [],
    run: async () => {
      const outcome = await avahi.run('avahi-resolve', ...args)
      return right.test(outcome.out) ? undefined : failed('avahi-resolve', outcome)
    },
  })
  const weFind = (name: string, asked: string, type: NameType, right: string | RegExp): Check => ({
    name,
    needs: [],
    run: expectAnswer(host, asked, type, right),
  })
  return [
    finds('avahi finds our name’s IPv4 address', ['-4', '-n', 'kiosk.local'], /\t10\.81\.0\.2$/m),
    finds('avahi finds our name’s IPv6 addresses', ['-6', '-n', 'kiosk.local'], /\t(fd81::2|fe80:\S+)$/m),
    finds('avahi finds the name behind our address', ['-a', OURS], /\tkiosk\.local$/m),
    weFind('we find its name’s IPv4 address', 'tower.local', NameType.A, THEIRS),
    weFind('we find its name’s IPv6 addresses', 'tower.local', NameType.Aaaa, /\bfd81::1\b/),
    {
      name: 'we find a name that avahi-publish has just published',
      needs: ['avahi-publish'],
      run: () => published(host, avahi),
    },
    {
      name: 'avahi does not publish a name that is ours',
      needs: ['avahi-publish'],
      run: () => defended(avahi),
    },
    {
      name: 'when we leave, avahi finds our name no more',
      needs: [],
      // It waits five seconds for an answer.
      long: true,
      run: async () => {
        host.table.call(stack => stack.leave())
        const gone = await within(
          5,
          async () => (await avahi.run('avahi-resolve', '-4', '-n', 'kiosk.local')).out === '',
        )
        return gone ? undefined : 'it is still there'
      },
    },
  ]
}

async function published(host: NodeHost, avahi: Avahi): Promise<Verdict> {
  const publishing = avahi.start('avahi-publish', '-a', '-R', 'lamp.local', '10.81.0.77')
  try {
    let answer = ''
    await within(8, async () => {
      answer = await ask(host, 'lamp.local', NameType.A)
      return answer === '10.81.0.77'
    })
    return answer === '10.81.0.77' ? undefined : `the answer was '${answer}'`
  } finally {
    publishing.end()
  }
}

/** RFC 6762, 8.1 and 9: who has a name answers a probe for it, and the prober takes another. */
async function defended(avahi: Avahi): Promise<Verdict> {
  const outcome = await avahi.run('avahi-publish', '-a', 'kiosk.local', '10.81.0.78')
  return /collision|conflict/i.test(outcome.err + outcome.out) ? undefined : failed('avahi-publish', outcome)
}
