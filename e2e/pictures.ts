/** The README's pictures, taken from the running page: `npm run pictures`. */
import { expect, test } from '@playwright/test'
import { conversation, host, hostOf, met, say, visit } from './pages.ts'

const picture = (name: string) => ({ path: `e2e/pictures/${name}.png` })

for (const [name, colorScheme, width, height] of [
  ['light', 'light', 1360, 880],
  ['dark', 'dark', 1360, 880],
  ['narrow', 'light', 390, 844],
] as const) {
  test(`${name}: two hosts of one page`, async ({ page }) => {
    await page.setViewportSize({ width, height })
    await page.emulateMedia({ colorScheme })
    await page.goto('/')
    await expect(page.getByTestId('connection-state').last()).toContainText('ESTABLISHED')
    if (name !== 'narrow') await page.getByTestId('packet').filter({ hasText: '[SYN, ACK]' }).click()
    await page.waitForTimeout(500)
    await page.screenshot(picture(name))
  })
}

test('room: two pages talk', async ({ browser }) => {
  const { page: alice, link } = await host(browser)
  await alice.setViewportSize({ width: 1360, height: 880 })
  const bob = await visit(browser, link)
  await met(alice, bob)
  const done = alice.getByRole('button', { name: 'Done' })
  if (await done.isVisible()) await done.click()
  const target = await hostOf(alice, bob)
  await target.getByTestId('talk').click()
  await expect(conversation(bob)).toBeVisible()
  await say(conversation(alice), 'hello')
  await expect(conversation(bob).getByTestId('lines')).toContainText('hello')
  await say(conversation(bob), 'good day')
  await expect(conversation(alice).getByTestId('lines')).toContainText('good day')
  await alice.waitForTimeout(500)
  await alice.screenshot(picture('room'))
})
