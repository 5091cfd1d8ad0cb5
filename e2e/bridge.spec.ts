/** A real machine in a room of pages: the kernel of a name space, by a TAP device that `lanlet bridge` joins to the room. */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync } from 'node:fs'
import { expect, type Page } from '@playwright/test'
import { writeBridge } from '../src/bridge/build.js'
import { cable, Namespace } from '../src/interop/namespace.ts'
import { Place } from '../src/interop/place.ts'
import { missing } from '../src/interop/programs.ts'
import { invitationLink, newInvitation } from '../src/room/invitation.ts'
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

const ip = (...args: string[]) => execFileSync('ip', args)

/** Machines of their own, on one network with the server of the pages. */
function machines(...kinds: string[]): Namespace[] {
  const network = `lan-${process.pid}`
  ip('link', 'add', network, 'type', 'bridge')
  place.undo(() => ip('link', 'del', network))
  ip('address', 'add', `${NET}.1/24`, 'dev', network)
  ip('link', 'set', network, 'up')
  return kinds.map((kind, i) => {
    const linux = Namespace.make(place, kind)
    const near = `lan${i}-${process.pid}`
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', linux.name)
    ip('link', 'set', near, 'master', network, 'up')
    linux.ip('address', 'add', `${NET}.${2 + i}/24`, 'dev', 'eth0')
    linux.ip('link', 'set', 'eth0', 'up')
    return linux
  })
}

const machine = (): Namespace => machines('bridge')[0] as Namespace

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

  static async join(linux: Namespace, link: string, ...options: string[]): Promise<Bridge> {
    const program = await writeBridge(place.path(`packed-${linux.name}`))
    const there = new URL(link)
    there.hostname = `${NET}.1`
    const args = [program, 'bridge', there.href, '--name', 'kernel', ...options]
    return new Bridge(linux.start(process.execPath, args))
  }

  async prints(words: RegExp, timeout = 5_000): Promise<void> {
    await expect.poll(() => this.printed, { timeout }).toMatch(words)
  }

  /** Resolves to its exit status. */
  async end(): Promise<number | null> {
    if (this.#program.exitCode === null) await once(this.#program, 'exit')
    return this.#program.exitCode
  }

  /** It has no time for anything. */
  kill(): Promise<number | null> {
    this.#program.kill('SIGKILL')
    return this.end()
  }

  /** As Ctrl-C does. */
  interrupt(): Promise<number | null> {
    this.#program.kill('SIGINT')
    return this.end()
  }
}

const person = (page: Page) => page.locator('[data-testid=person][data-person=kernel]')

test('a kernel and a page ping each other, talk over TCP, and the page sees it come and go', async ({
  browser,
}) => {
  const { page, link } = await host(browser)
  const linux = machine()
  const bridge = await Bridge.join(linux, link, '--address', `${KERNEL}/16`)

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

test('another machine, behind a bridge of the kernel’s, is a host of the room too', async ({ browser }) => {
  const { page, link } = await host(browser)
  const linux = machine()
  const printer = Namespace.make(place, 'printer')
  cable(linux, printer, 'lan0')
  printer.ip('address', 'add', '169.254.88.8/16', 'dev', 'lan0')
  linux.ip('link', 'add', 'br0', 'type', 'bridge')
  linux.ip('link', 'set', 'lan0', 'master', 'br0')
  linux.ip('link', 'set', 'br0', 'up')
  const bridge = await Bridge.join(linux, link)
  await bridge.prints(/ip address add 169\.254\.\d+\.\d+\/16 dev lanlet0 {3}gives it an address\./)
  linux.ip('link', 'set', 'lanlet0', 'master', 'br0')

  await expect(person(page)).toHaveAttribute('data-state', 'connected')
  const address = await (await hostOf(page, page)).getByTestId('host-address').innerText()
  const ping = await printer.run('ping', ['-c', '3', '-i', '0.2', '-W', '2', address])
  expect(ping.out).toContain('3 packets transmitted, 3 received')
  const shown = page.getByTestId('host').filter({ hasText: '169.254.88.8' })
  await shown.getByTestId('ping').click()
  await expect(shown.getByTestId('outcome')).toContainText(/3 of 3/)
  expect(await bridge.interrupt()).toBe(0)
})

test('a bridge that is killed outright takes its device with it, and the page says that it is gone', async ({
  browser,
}) => {
  const { page, link } = await host(browser)
  const linux = machine()
  const bridge = await Bridge.join(linux, link, '--address', `${KERNEL}/16`)
  await expect(person(page)).toHaveAttribute('data-state', 'connected')
  await bridge.kill()
  await expect.poll(async () => (await linux.run('ip', ['link', 'show', 'lanlet0'])).status).not.toBe(0)
  await expect(person(page)).toHaveAttribute('data-state', 'lost', { timeout: 20_000 })
  await expect(person(page)).toContainText('gone')
})

test('two bridges in a room: their kernels ping each other by both families, and move three megabytes whose hash a page confirms', async ({
  browser,
}) => {
  test.setTimeout(120_000)
  const { page, link } = await host(browser)
  const [linux, other] = machines('bridge', 'other') as [Namespace, Namespace]
  const bridge = await Bridge.join(linux, link, '--address', `${KERNEL}/16`)
  const second = await Bridge.join(other, link, '--address', '169.254.77.8/16', '--name', 'second')
  await bridge.prints(/second has 169\.254\.77\.8\./, 20_000)
  await expect(page.locator('[data-testid=person][data-state=connected]')).toHaveCount(2)
  const ping = await linux.run('ping', ['-c', '3', '-i', '0.2', '-W', '2', '169.254.77.8'])
  expect(ping.out).toContain('3 packets transmitted, 3 received')

  const told = await other.run('ip', ['-6', 'address', 'show', 'dev', 'lanlet0', 'scope', 'link'])
  const [, linkLocal = ''] = /inet6 (fe80:[^/]+)/.exec(told.out) ?? []
  const ping6 = await linux.run('ping', ['-c', '3', '-i', '0.2', '-W', '2', `${linkLocal}%lanlet0`])
  expect(ping6.out).toContain('3 packets transmitted, 3 received')

  const address = await (await hostOf(page, page)).getByTestId('host-address').innerText()
  for (const from of [linux, other]) {
    const sent = await from.run(process.execPath, ['-e', SENDER, address], 60)
    expect(sent.out).toMatch(/^the same hash, [\d.]+ MB\/s$/m)
  }
  await expect(page.locator('[data-testid=transfer][data-state=done]')).toHaveCount(2)
  for (const each of [bridge, second]) expect(await each.interrupt()).toBe(0)
})

/** A file as pages send them (src/host/programs/file.ts), from a kernel; the page answers with the hash that it computed. */
const SENDER = `
  const { createHash, randomBytes } = require('crypto')
  const file = randomBytes(3_000_000)
  const header = Buffer.alloc(15, 'LNF1')
  header.writeUInt16BE(1, 4)
  header.writeBigUInt64BE(BigInt(file.length), 6)
  header.write('f', 14)
  const hash = createHash('sha256').update(file).digest()
  const begun = performance.now()
  const socket = require('net').connect(9, process.argv[1])
  socket.end(Buffer.concat([header, file, hash]))
  socket.on('data', answer => {
    const rate = file.length / 1000 / (performance.now() - begun)
    console.log(answer.equals(hash) ? 'the same hash, ' + rate.toFixed(1) + ' MB/s' : 'another hash')
  })`

test('a broker that cannot be reached is told in one sentence, and the device is taken down', async () => {
  const linux = machine()
  const link = invitationLink(newInvitation(), `http://${NET}.1:9/`)
  const bridge = await Bridge.join(linux, link, '--address', `${KERNEL}/16`)
  expect(await bridge.end()).toBe(1)
  expect(bridge.printed).toBe(
    `lanlet0 is up, with ${KERNEL}/16.\nThe broker at ws://${NET}.1:9/mqtt cannot be reached.\n`,
  )
  expect((await linux.run('ip', ['link', 'show', 'lanlet0'])).status).not.toBe(0)
})
