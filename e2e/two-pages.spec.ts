/** The main job on real input: two browsers, two pages, one segment over WebRTC. Each thing is asserted on both pages. */
import { createHash, randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { expect, type Page } from '@playwright/test'
import { captureOf, conversation, host, hostOf, met, ownName, say, test, visit } from './pages.ts'

/** The states that a page shows for the connection in view, the left host's first; 'told by …' stands below a peer's. */
const states = async (page: Page): Promise<(string | undefined)[]> =>
  (await page.getByTestId('connection-state').allInnerTexts()).map(text => text.split('\n')[0])

/** In this order among the frames, others between them allowed. */
function inOrder(frames: readonly string[], ...expected: RegExp[]): void {
  let at = -1
  for (const words of expected) {
    const found = frames.findIndex((line, i) => i > at && words.test(line))
    expect(found, `${words} after frame ${at + 1} of:\n${frames.join('\n')}`).toBeGreaterThan(at)
    at = found
  }
}

async function join(browser: Parameters<typeof host>[0]) {
  const { page: alice, link } = await host(browser)
  const bob = await visit(browser, link)
  await met(alice, bob)
  return { alice, bob, link }
}

test('two pages find each other by ARP, ping, shake hands, talk both ways and close in order', async ({
  browser,
}) => {
  const { alice, bob } = await join(browser)
  const bobAtAlice = await hostOf(alice, bob)
  const bobAddress = await bobAtAlice.getByTestId('host-address').innerText()
  const aliceAddress = await (await hostOf(bob, alice)).getByTestId('host-address').innerText()

  await bobAtAlice.getByTestId('ping').click()
  await expect(bobAtAlice.getByTestId('outcome')).toContainText(/3 of 3/)
  for (const page of [alice, bob]) {
    inOrder(
      await captureOf(page),
      new RegExp(`^ARP Who has ${bobAddress}\\? Tell ${aliceAddress}`),
      new RegExp(`^ARP ${bobAddress} is at `),
      /^ICMP Echo request/i,
      /^ICMP Echo reply/i,
    )
  }

  await bobAtAlice.getByTestId('talk').click()
  await expect.poll(() => states(alice)).toEqual(['ESTABLISHED', 'ESTABLISHED'])
  await expect.poll(() => states(bob)).toEqual(['ESTABLISHED', 'ESTABLISHED'])
  await say(conversation(alice), 'hello from here')
  await expect(conversation(bob).getByTestId('lines')).toContainText('hello from here')
  await say(conversation(bob), 'and from there')
  await expect(conversation(alice).getByTestId('lines')).toContainText('and from there')

  await conversation(alice).getByTestId('close').click()
  await expect.poll(() => states(alice)).toEqual(['TIME-WAIT', 'CLOSED'])
  await expect.poll(() => states(bob)).toEqual(['CLOSED', 'TIME-WAIT'])
  for (const page of [alice, bob]) {
    inOrder(
      await captureOf(page),
      /^TCP \d+ → 23 \[SYN\]/,
      /^TCP 23 → \d+ \[SYN, ACK\]/,
      /^TCP \d+ → 23 \[ACK\]/,
      /^TCP \d+ → 23 \[PSH, ACK\]/,
      /^TCP 23 → \d+ \[PSH, ACK\]/,
      /^TCP \d+ → 23 \[FIN, (PSH, )?ACK\]/,
      /^TCP 23 → \d+ \[FIN, (PSH, )?ACK\]/,
      /^TCP \d+ → 23 \[ACK\]/,
    )
  }
})

test('20 MB each way arrive with the SHA-256 that they left with', async ({ browser }) => {
  test.setTimeout(180_000)
  const { alice, bob } = await join(browser)
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    const buffer = randomBytes(20_000_000)
    const sha256 = createHash('sha256').update(buffer).digest('hex')
    const target = await hostOf(from, to)
    await target
      .getByTestId('file')
      .setInputFiles({ name: 'random.bin', mimeType: 'application/octet-stream', buffer })
    for (const [page, direction] of [
      [from, 'out'],
      [to, 'in'],
    ] as const) {
      const transfer = page.locator(`[data-testid=transfer][data-direction=${direction}][data-state=done]`)
      await expect(transfer.getByTestId('sha256')).toHaveText(sha256, { timeout: 80_000 })
    }
  }
})

test('a wrong key gets no frame and becomes no member', async ({ browser }) => {
  const { page: alice, link } = await host(browser)
  await expect(alice.getByTestId('room-state')).toHaveAttribute('data-state', 'joined')
  const key = new URL(link).hash.replace(/.*key=/, '')
  const wrong = link.replace(key, `${key[0] === 'A' ? 'B' : 'A'}${key.slice(1)}`)
  const mallory = await visit(browser, wrong)
  await expect(mallory.getByTestId('room-state')).toHaveAttribute('data-state', 'joined')
  const bob = await visit(browser, link)
  await met(alice, bob)
  const name = await ownName(mallory)
  for (const page of [alice, bob]) await expect(page.locator(`[data-person="${name}"]`)).toHaveCount(0)
  await expect(mallory.locator('[data-testid=person][data-state=connected]')).toHaveCount(0)
  const strangers = (await captureOf(mallory)).filter(
    line => !line.startsWith('ARP') && !line.startsWith('LLDP'),
  )
  expect(strangers).toEqual([])
})

test('a page that is reloaded comes back as the same host', async ({ browser }) => {
  const { alice, bob } = await join(browser)
  const name = await ownName(bob)
  await bob.reload()
  expect(await ownName(bob)).toBe(name)
  await met(alice, bob)
  const target = await hostOf(alice, bob)
  await target.getByTestId('ping').click()
  await expect(target.getByTestId('outcome')).toContainText(/3 of 3/)
})

test('closing a tab in mid-transfer leaves a clear state within seconds, and the memory comes back', async ({
  browser,
}) => {
  const { alice, bob } = await join(browser)
  const target = await hostOf(alice, bob)
  const before = await alice.getByTestId('memory-used').innerText()
  const buffer = randomBytes(40_000_000)
  await target
    .getByTestId('file')
    .setInputFiles({ name: 'long.bin', mimeType: 'application/octet-stream', buffer })
  await expect(alice.locator('[data-testid=transfer][data-state="under way"]')).toHaveCount(1)
  await bob.close()
  await expect(alice.locator('[data-testid=transfer][data-state=failed]')).toHaveCount(1, { timeout: 6_000 })
  const kibibytes = (text: string) => Number.parseFloat(text)
  await expect
    .poll(async () => kibibytes(await alice.getByTestId('memory-used').innerText()), { timeout: 6_000 })
    .toBeLessThanOrEqual(kibibytes(before) + 4)
})

test('three pages in a room: each talks to both others', async ({ browser }) => {
  const { alice, bob, link } = await join(browser)
  const carol = await visit(browser, link)
  await met(alice, carol)
  await met(bob, carol)
  const pages = [alice, bob, carol]
  for (const from of pages) {
    for (const to of pages) {
      if (from === to) continue
      const target = await hostOf(from, to)
      await target.getByTestId('ping').click()
      await expect(target.getByTestId('outcome')).toContainText(/3 of 3/)
    }
  }
})

/** This machine's address on a LAN, as a neighbour would type it; undefined where it has none. */
const lanAddress = Object.values(networkInterfaces())
  .flat()
  .find(found => found?.family === 'IPv4' && !found.internal)?.address

test('on a plain http origin of the LAN, where WebCrypto is absent, all of it works', async ({
  browser,
  baseURL,
}) => {
  test.skip(lanAddress === undefined, 'this machine has no address beside localhost')
  const origin = new URL(baseURL ?? '')
  origin.hostname = lanAddress ?? ''
  const alice = await visit(browser, origin.href)
  expect(await alice.evaluate(() => isSecureContext)).toBe(false)
  await alice.getByTestId('invite').click()
  const bob = await visit(browser, await alice.getByTestId('invite-link').inputValue())
  await met(alice, bob)
  const target = await hostOf(alice, bob)
  const buffer = randomBytes(300_000)
  await target
    .getByTestId('file')
    .setInputFiles({ name: 'small.bin', mimeType: 'application/octet-stream', buffer })
  const transfer = alice.locator('[data-testid=transfer][data-state=done]')
  await expect(transfer.getByTestId('sha256')).toHaveText(createHash('sha256').update(buffer).digest('hex'))
})
