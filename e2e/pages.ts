/** Pages as people have them: each in a browser context of its own, and what can be read off each. */
import { readFile } from 'node:fs/promises'
import { type Browser, test as base, expect, type Locator, type Page } from '@playwright/test'
import { readPcapng } from '../src/link/pcapng.ts'
import { summarise } from '../src/stack/wire/dissect.ts'

/** Each test leaves an empty browser behind: pages that stay open would share its time, and their names, with the next. */
export const test = base.extend<{ emptyBrowser: undefined }>({
  emptyBrowser: [
    async ({ browser }, use) => {
      await use(undefined)
      for (const context of browser.contexts()) await context.close()
    },
    { auto: true },
  ],
})

/**
 * Opens a link in a browser context of its own: other cookies, other storage, another person. Of a name of its own,
 * too: a page draws its name, and a test that tells people by their names opens another where the draw was one's that
 * is open.
 */
export async function visit(browser: Browser, link: string): Promise<Page> {
  const taken = await Promise.all(browser.contexts().flatMap(each => each.pages().map(page => page.title())))
  for (;;) {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(link)
    if (!taken.includes(await page.title())) return page
    await context.close()
  }
}

/** A page with a room, and the link that invites to it. */
export async function host(browser: Browser): Promise<{ page: Page; link: string }> {
  const page = await visit(browser, '/')
  await page.getByTestId('invite').click()
  const link = await page.getByTestId('invite-link').inputValue()
  return { page, link }
}

async function ofOwnHost(page: Page, attribute: 'data-host' | 'data-mac'): Promise<string> {
  const value = await page.getByTestId('host').first().getAttribute(attribute)
  if (value === null) throw new Error('the page has no host')
  return value
}

/** The name of the host that is the page's own. */
export const ownName = (page: Page): Promise<string> => ofOwnHost(page, 'data-host')

/**
 * The host of another page in this page's list, once it has an address. Found by its MAC: pages draw their names by
 * themselves, and two may draw the same.
 */
export async function hostOf(page: Page, other: Page): Promise<Locator> {
  const found = page.locator(`[data-testid=host][data-mac="${await ofOwnHost(other, 'data-mac')}"]`)
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
    await hostOf(here, there)
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
