/** A tab behind another is still a host: it answers, and takes what is sent to it. `HIDDEN_SECONDS=600` for ten minutes. */
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from '@playwright/test'
import { OwnBrowser } from './devtools.ts'
import { host, test } from './pages.ts'

const SECONDS = Number(process.env['HIDDEN_SECONDS'] ?? 10)

test(`a page that is hidden for ${SECONDS} s answers pings and takes a file all the while`, async ({
  browser,
}) => {
  test.setTimeout((SECONDS + 90) * 1_000)
  const { page: alice, link } = await host(browser)
  const other = await OwnBrowser.launch()
  const bob = await other.open(link)
  await expect(alice.locator('[data-testid=person][data-state=connected]')).toHaveCount(1)
  await other.open('about:blank')
  await expect.poll(() => bob.evaluate<boolean>('document.hidden')).toBe(true)
  const target = alice.getByTestId('host').last()
  await expect(target.getByTestId('host-address')).toHaveText(/^169\.254\.\d+\.\d+$/)
  const until = performance.now() + SECONDS * 1_000
  while (performance.now() < until) {
    await sleep(2_000)
    await expect(alice.locator('[data-testid=person][data-state=connected]')).toHaveCount(1)
  }
  await target.getByTestId('ping').click()
  await expect(target.getByTestId('outcome')).toContainText(/3 of 3/)
  const buffer = randomBytes(2_000_000)
  await target
    .getByTestId('file')
    .setInputFiles({ name: 'behind.bin', mimeType: 'application/octet-stream', buffer })
  const sent = alice.locator('[data-testid=transfer][data-state=done]')
  await expect(sent.getByTestId('sha256')).toHaveText(createHash('sha256').update(buffer).digest('hex'), {
    timeout: 30_000,
  })
  expect(await bob.evaluate<boolean>('document.hidden')).toBe(true)
  await other.close()
})
