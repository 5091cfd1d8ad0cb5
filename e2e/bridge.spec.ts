/** A real machine in a room of pages: the kernel of a name space, by a TAP device that `lanlet bridge` joins to the room. */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync } from 'node:fs'
import { expect, type Page } from '@playwright/test'
import { writeBridge } from '../src/bridge/build.js'
import { Namespace } from '../src/interop/namespace.ts'
import { Place } from '../src/interop/place.ts'
import { missing } from '../src/interop/programs.ts'
import { captureOf, conversation, host, hostOf, ownName, say, test } from './pages.ts'

/** Why there can be no name space with a TAP device here. */
function cannot(): string | undefined {
  if (process.platform !== 'linux') return 'TAP devices take Linux'
  if (process.getuid?.() !== 0) return 'only root can make name spaces and TAP devices'
  try {
    accessSync('/dev/net/tun')
  } catch {
    return 'there is no /dev/net/tun'
  }
  return missing(['ip', 'cc', 'ping', 'nc'])
}

/** The machine's own network, and the page's: nobody else's here. */
const NET = `10.78.${process.pid % 250}`
const KERNEL = '169.254.77.7'

let place: Place
test.beforeEach(() => {
  test.skip(cannot() !== undefined, cannot())
  place = new Place(1, 1)
})
test.afterEach(() => place?.leave())

/** A machine of its own, that reaches the server of the pages by a cable. */
function machine(): Namespace {
  const linux = Namespace.make(place, 'bridge')
  const near = `lanlet${process.pid}`.slice(0, 15)
  const ip = (...args: string[]) => execFileSync('ip', args)
  ip('link', 'add', near, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', linux.name)
  ip('address', 'add', `${NET}.1/24`, 'dev', near)
  ip('link', 'set', near, 'up')
  linux.ip('address', 'add', `${NET}.2/24`, 'dev', 'eth0')
  linux.ip('link', 'set', 'eth0', 'up')
  return linux
}

/** The program, as it is packed, and all that it printed. */
class Bridge {
  printed = ''
  readonly #program: ChildProcess

  constructor(program: ChildProcess) {
    this.#program = program
    for (const stream of [program.stdout, program.stderr])
      stream?.on('data', chunk => {
        this.printed += String(chunk)
      })
  }

  static async join(linux: Namespace, link: string): Promise<Bridge> {
    const program = await writeBridge(place.path('packed'))
    const there = new URL(link)
    there.hostname = `${NET}.1`
    const options = ['--address', `${KERNEL}/16`, '--name', 'kernel']
    return new Bridge(linux.start(process.execPath, [program, 'bridge', there.href, ...options]))
  }

  async prints(words: RegExp): Promise<void> {
    await expect.poll(() => this.printed).toMatch(words)
  }

  /** As Ctrl-C does. */
  async interrupt(): Promise<number | null> {
    const ended = once(this.#program, 'exit')
    this.#program.kill('SIGINT')
    return (await ended)[0] as number | null
  }
}

const person = (page: Page) => page.locator('[data-testid=person][data-person=kernel]')

test('a kernel and a page ping each other, talk over TCP, and the page sees it come and go', async ({
  browser,
}) => {
  const { page, link } = await host(browser)
  const linux = machine()
  const bridge = await Bridge.join(linux, link)

  await expect(person(page)).toHaveAttribute('data-state', 'connected')
  const shown = page.locator('[data-testid=host][data-host=kernel]')
  await expect(shown.getByTestId('host-address')).toHaveText(KERNEL)
  const name = await ownName(page)
  await bridge.prints(new RegExp(`${name} came\\.\n(.*\n)*${name} has 169\\.254\\.`))

  const address = await (await hostOf(page, page)).getByTestId('host-address').innerText()
  const ping = await linux.run('ping', ['-c', '3', '-i', '0.2', '-W', '2', address])
  expect(ping.out).toContain('3 packets transmitted, 3 received')
  await shown.getByTestId('ping').click()
  await expect(shown.getByTestId('outcome')).toContainText(/3 of 3/)

  const nc = linux.start('nc', [address, '23'])
  let heard = ''
  nc.stdout?.on('data', chunk => {
    heard += String(chunk)
  })
  nc.stdin?.write('hello from the kernel\n')
  await expect(conversation(page).getByTestId('lines')).toContainText('hello from the kernel')
  await say(conversation(page), 'and from the page')
  await expect.poll(() => heard).toContain('and from the page')
  nc.kill('SIGTERM')

  expect(await captureOf(page)).toContain(`ARP Who has ${address}? Tell ${KERNEL}`)
  expect(await bridge.interrupt()).toBe(0)
  await expect(person(page)).toContainText('kernel left the room')
  await expect(shown).toHaveCount(0)
  await bridge.prints(/frames went to the room, \d+ came from it\./)
  expect((await linux.run('ip', ['link', 'show', 'lanlet0'])).status).not.toBe(0)
})
