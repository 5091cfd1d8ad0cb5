/**
 * What befalls a page: its worker ends, its browser is killed or denies it something, the computer sleeps. The page says
 * what happened and goes on; the other page hears of it; what was received stays.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Browser,
  type BrowserContext,
  type BrowserServer,
  chromium,
  expect,
  type Locator,
  type Page,
} from '@playwright/test'
import { encodeHeader, FILE_PORT } from '../src/host/programs/file.ts'
import { launchOptions } from '../src/serve/browser.js'
import { firstByte, highestAck } from './acknowledged.ts'
import { conversation, host, hostOf, met, ownName, say, test, visit } from './pages.ts'

/** A browser of its own, to be killed or put to sleep. */
async function anotherBrowser(): Promise<{ browser: Browser; server: BrowserServer }> {
  const server = await chromium.launchServer(launchOptions())
  return { server, browser: await chromium.connect(server.wsEndpoint()) }
}

/** Bob, in another browser, is in the middle of a file that Alice sends. */
async function midTransfer(
  browser: Browser,
  other: Browser,
): Promise<{ alice: Page; bob: Page; link: string }> {
  const { page: alice, link } = await host(browser)
  const bob = await visit(other, link)
  await met(alice, bob)
  await sendsFile(alice, bob, randomBytes(40_000_000))
  await expect(alice.locator('[data-testid=transfer][data-state="under way"]')).toHaveCount(1)
  return { alice, bob, link }
}

/** Alice is in the middle of a file that Bob, in another browser, sends. `heard`: how many of its bytes Alice's stack has acknowledged. */
async function midReceiving(
  browser: Browser,
  other: Browser,
): Promise<{ alice: Page; bob: Page; link: string; heard: () => Promise<number> }> {
  const { page: alice, link } = await host(browser)
  const bob = await visit(other, link)
  await met(alice, bob)
  await sendsFile(bob, alice, randomBytes(40_000_000))
  await expect(alice.locator('[data-testid=transfer][data-state="under way"]')).toHaveCount(1)
  // The capture forgets the oldest frames: the SYN is read while it is there.
  const first = await firstByte(alice, FILE_PORT)
  const header = encodeHeader({ name: 'long.bin', size: 40_000_000 }).length
  const heard = async () => ((await highestAck(alice, FILE_PORT)) - first - header) >>> 0
  return { alice, bob, link, heard }
}

async function sendsFile(from: Page, to: Page, buffer: Buffer): Promise<void> {
  await (await hostOf(from, to))
    .getByTestId('file')
    .setInputFiles({ name: 'long.bin', mimeType: 'application/octet-stream', buffer })
}

/** It says that the file broke off, and what it counted is what it had acknowledged, to the byte. */
async function toldToTheByte(alice: Page, heard: () => Promise<number>): Promise<void> {
  await expect(transferFailed(alice)).toHaveCount(1, { timeout: 40_000 })
  const done = Number(await transferFailed(alice).getAttribute('data-done'))
  expect(done).toBeGreaterThan(0)
  expect(await heard()).toBe(done)
}

/** A file that is under way arrives whole: both say the same hash. */
async function arrivesWhole(from: Page, to: Page, buffer: Buffer): Promise<void> {
  const hash = createHash('sha256').update(buffer).digest('hex')
  for (const page of [from, to]) {
    const done = page.locator('[data-testid=transfer][data-state=done]')
    await expect(done.getByTestId('sha256')).toHaveText(hash, { timeout: 60_000 })
  }
}

const transferFailed = (page: Page) => page.locator('[data-testid=transfer][data-state=failed]')
const news = (page: Page) => page.getByTestId('news')

/** The segment carries frames: three of three come back. */
async function pings(from: Page, to: Page): Promise<void> {
  await answers(await hostOf(from, to))
}

async function answers(target: Locator): Promise<void> {
  await target.getByTestId('ping').click()
  await expect(target.getByTestId('outcome')).toContainText(/3 of 3/)
}

test('a worker that is killed in mid-transfer: the page says so and starts its hosts again, the other hears of it, and they meet again', async ({
  browser,
}) => {
  test.setTimeout(120_000)
  const { alice, bob } = await midTransfer(browser, browser)
  const name = await ownName(bob)
  await bob.workers()[0]?.evaluate('close()')
  await expect(news(bob)).toContainText('The worker that ran the hosts has ended.', { timeout: 30_000 })
  await expect(transferFailed(bob)).toHaveCount(1)
  await expect(transferFailed(alice)).toHaveCount(1)
  await met(alice, bob)
  expect(await ownName(bob)).toBe(name)
  await pings(alice, bob)
  await pings(bob, alice)
})

test('of a file whose sender’s worker is killed, all that was acknowledged was read', async ({ browser }) => {
  test.setTimeout(120_000)
  const { alice, bob, heard } = await midReceiving(browser, browser)
  await bob.workers()[0]?.evaluate('close()')
  await toldToTheByte(alice, heard)
  await met(alice, bob)
  await pings(alice, bob)
})

test('of a file whose sender’s browser is killed, all that was acknowledged was read', async ({
  browser,
}) => {
  test.setTimeout(120_000)
  const { browser: other, server } = await anotherBrowser()
  const { alice, heard } = await midReceiving(browser, other)
  server.process().kill('SIGKILL')
  await toldToTheByte(alice, heard)
})

test('of a file whose sender’s tab crashes, all that was acknowledged was read', async ({ browser }) => {
  test.setTimeout(120_000)
  const { alice, bob, heard } = await midReceiving(browser, browser)
  const devtools = await bob.context().newCDPSession(bob)
  await Promise.race([devtools.send('Page.crash').catch(() => undefined), sleep(1_000)])
  await toldToTheByte(alice, heard)
})

test('of a file whose sender’s computer sleeps, all that was acknowledged was read, and the two meet again', async ({
  browser,
}) => {
  test.setTimeout(150_000)
  const { browser: other, server } = await anotherBrowser()
  const { alice, bob, heard } = await midReceiving(browser, other)
  await sleeps(server, 20_000)
  await expect(news(bob)).toContainText(/did not run for [12]\d s/)
  await toldToTheByte(alice, heard)
  await met(alice, bob)
  await pings(alice, bob)
  await server.close()
})

test('what was said before the worker ran in circles is still there after it', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByTestId('connection-state').last()).toContainText('ESTABLISHED')
  await say(conversation(page), 'before')
  await expect(page.getByTestId('conversation').last().getByTestId('lines')).toContainText('before')
  page
    .workers()[0]
    ?.evaluate('for (;;);')
    .catch(() => undefined)
  await expect(news(page)).toContainText('The worker that ran the hosts has ended.', { timeout: 30_000 })
  await expect(page.getByTestId('conversation').last().getByTestId('lines')).toContainText('before')
  const other = page.getByTestId('host').last()
  await expect(other.getByTestId('host-address')).toHaveText(/^169\.254\.\d+\.\d+$/)
  await other.getByTestId('talk').click()
  await say(conversation(page), 'after')
  await expect(page.getByTestId('conversation').nth(1).getByTestId('lines')).toContainText('after')
})

test('a browser that is killed in mid-transfer: the other page says who is gone, its memory comes back, and others can come', async ({
  browser,
}) => {
  const { browser: other, server } = await anotherBrowser()
  const { alice, bob, link } = await midTransfer(browser, other)
  const name = await ownName(bob)
  server.process().kill('SIGKILL')
  await expect(alice.locator(`[data-testid=person][data-person="${name}"][data-state=lost]`)).toContainText(
    'gone',
    { timeout: 15_000 },
  )
  await expect(transferFailed(alice)).toHaveCount(1)
  const carol = await visit(browser, link)
  await met(alice, carol)
  await pings(alice, carol)
})

test('a tab that crashes: the other page says who is gone and goes on', async ({ browser }) => {
  const { alice, bob, link } = await midTransfer(browser, browser)
  const name = await ownName(bob)
  const devtools = await bob.context().newCDPSession(bob)
  await Promise.race([devtools.send('Page.crash').catch(() => undefined), sleep(1_000)])
  await expect(alice.locator(`[data-testid=person][data-person="${name}"][data-state=lost]`)).toContainText(
    'gone',
    { timeout: 15_000 },
  )
  await expect(transferFailed(alice)).toHaveCount(1)
  const carol = await visit(browser, link)
  await met(alice, carol)
  await pings(alice, carol)
})

test('a GPU process that crashes disturbs nothing', async () => {
  const { browser, server } = await anotherBrowser()
  const { page: alice, link } = await host(browser)
  const bob = await visit(browser, link)
  await met(alice, bob)
  const buffer = randomBytes(20_000_000)
  await sendsFile(alice, bob, buffer)
  const crash = await browser.newPage()
  await Promise.race([crash.goto('chrome://gpucrash').catch(() => undefined), sleep(2_000)])
  await arrivesWhole(alice, bob, buffer)
  await pings(alice, bob)
  await expect(alice.getByTestId('memory-used')).toBeVisible()
  await server.close()
})

test('a computer that sleeps for twelve seconds: the page says for how long, and the two meet again', async ({
  browser,
}) => {
  test.setTimeout(120_000)
  const { page: alice, link } = await host(browser)
  const { browser: other, server } = await anotherBrowser()
  const bob = await visit(other, link)
  await met(alice, bob)
  await sleeps(server, 12_000)
  await expect(news(bob)).toContainText(/did not run for 1\d s/)
  await met(alice, bob)
  await pings(alice, bob)
  await server.close()
})

test('a wall clock that is set forward by an hour ends no connection', async ({ browser }) => {
  const { page: alice, link } = await host(browser)
  const bob = await visit(browser, link)
  await met(alice, bob)
  await (await hostOf(alice, bob)).getByTestId('talk').click()
  await expect(conversation(bob)).toBeVisible()
  const buffer = randomBytes(20_000_000)
  await sendsFile(bob, alice, buffer)
  await bob.evaluate(() => {
    const { now } = Date
    Date.now = () => now() + 3_600_000
  })
  await expect(news(bob)).toContainText('went on by 3600 s')
  await arrivesWhole(bob, alice, buffer)
  await say(conversation(bob), 'still here')
  await expect(conversation(alice).getByTestId('lines')).toContainText('still here')
  await pings(alice, bob)
})

test('a browser that denies storage: the page says what that means, and works', async ({ baseURL }) => {
  const context = await browserWith({ profile: { default_content_setting_values: { cookies: 2 } } })
  const page = await context.newPage()
  await page.goto(baseURL ?? '')
  await expect(page.getByTestId('connection-state').last()).toContainText('ESTABLISHED')
  await expect(news(page)).toContainText('keeps nothing for this page')
  await page.getByTestId('theme').click()
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light')
  await page.getByTestId('invite').click()
  await expect(page.getByTestId('room-state')).toHaveAttribute('data-state', 'joined')
  await context.close()
})

test('a browser without WebRTC: an invitation says what is missing, and the page’s own hosts work', async ({
  page,
}) => {
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'RTCPeerConnection'))
  await page.goto('/')
  await expect(page.getByTestId('connection-state').last()).toContainText('ESTABLISHED')
  await page.getByTestId('invite').click()
  await expect(page.getByTestId('room-problem')).toContainText('denies the page WebRTC')
  await answers(page.getByTestId('host').last())
})

test('a browser whose WebRTC may use no network: both pages say that there is no way between them', async ({
  browser,
}) => {
  test.setTimeout(90_000)
  const context = await browserWith({ webrtc: { ip_handling_policy: 'disable_non_proxied_udp' } })
  const { page: alice, link } = await host(browser)
  const bob = await context.newPage()
  await bob.goto(link)
  for (const page of [alice, bob])
    await expect(page.locator('[data-testid=person][data-state=lost]')).toContainText(/No connection to/, {
      timeout: 30_000,
    })
  await expect(bob.getByTestId('memory-used')).toBeVisible()
  await context.close()
})

/** A browser with settings as a person, or whoever looks after the computer, may have made them. */
async function browserWith(preferences: object): Promise<BrowserContext> {
  const folder = await mkdtemp(join(tmpdir(), 'lanlet-'))
  await mkdir(join(folder, 'Default'))
  await writeFile(join(folder, 'Default', 'Preferences'), JSON.stringify(preferences))
  const context = await chromium.launchPersistentContext(folder, launchOptions())
  context.on('close', () => rm(folder, { recursive: true, force: true, maxRetries: 10 }))
  return context
}

/** All of a browser stands still for so long. */
async function sleeps(server: BrowserServer, ms: number): Promise<void> {
  const processes = await processesOf(server)
  for (const pid of processes) process.kill(pid, 'SIGSTOP')
  await sleep(ms)
  for (const pid of processes) process.kill(pid, 'SIGCONT')
}

/** The browser's process and all that descend from it. */
async function processesOf(server: BrowserServer): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')
    const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
    if (parent) parents.set(Number(entry), Number(parent))
  }
  const found = [server.process().pid ?? 0]
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child)
  return found
}
