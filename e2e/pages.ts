/** Pages as people have them: each in a browser context of its own, and what can be read off each. */
import { readFile } from 'node:fs/promises'
import { type Browser, expect, type Locator, type Page } from '@playwright/test'
import { readPcapng } from '../src/link/pcapng.ts'
import { summarise } from '../src/stack/wire/dissect.ts'

/** Opens a link in a browser context of its own: other cookies, other storage, another person. */
export async function visit(browser: Browser, link: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(link)
  return page
}

/** A page with a room, and the link that invites to it. */
export async function host(browser: Browser): Promise<{ page: Page; link: string }> {
  const page = await visit(browser, '/')
  await page.getByTestId('invite').click()
  const link = await page.getByTestId('invite-link').inputValue()
  return { page, link }
}

/** The name of the host that is the page's own. */
export async function ownName(page: Page): Promise<string> {
  const name = await page.getByTestId('host').first().getAttribute('data-host')
  if (name === null) throw new Error('the page has no host')
  return name
}

/** Another host in the page's list, once it has an address. */
export async function hostNamed(page: Page, name: string): Promise<Locator> {
  const found = page.locator(`[data-testid=host][data-host="${name}"]`)
  await expect(found.getByTestId('host-address')).toHaveText(/^169\.254\.\d+\.\d+$/)
  return found
}

/** Waits until each of the two shows the other as connected and knows its host. */
export async function met(page: Page, other: Page): Promise<void> {
  for (const [here, there] of [
    [page, other],
    [other, page],
  ] as const) {
    const name = await ownName(there)
    await expect(
      here.locator(`[data-testid=person][data-person="${name}"][data-state=connected]`),
    ).toHaveCount(1)
    await hostNamed(here, name)
  }
}

/** The page's capture as its export gives it. */
export async function exportCapture(page: Page): Promise<Uint8Array> {
  const download = page.waitForEvent('download')
  await page.getByTestId('export').click()
  return new Uint8Array(await readFile(await (await download).path()))
}

/** One line a frame: protocol and what it says. */
export async function captureOf(page: Page): Promise<string[]> {
  return readPcapng(await exportCapture(page)).packets.map(({ bytes }) => {
    const { protocol, info } = summarise(bytes)
    return `${protocol} ${info}`
  })
}

/** The newest conversation of a page. */
export const conversation = (page: Page): Locator => page.getByTestId('conversation').first()

export async function say(where: Locator, text: string): Promise<void> {
  await where.getByTestId('say').fill(text)
  await where.getByTestId('send').click()
}
