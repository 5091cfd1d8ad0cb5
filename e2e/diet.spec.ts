/** What a host costs: its text, its arena page by page, and what lack of memory does to it. */
import { expect, type Page, test } from '@playwright/test'

test.beforeEach(async ({ page }) => {
  await page.goto('/')
  await expect(page.getByTestId('connection-state').last()).toContainText('ESTABLISHED')
})

const open = (page: Page, tab: 'Arena' | 'Diet') => page.getByRole('tab', { name: tab }).click()
/** The bytes that a cell tells; its digits stand in groups. */
const number = (text: string | null): number => Number((text ?? '').replace(/\D/g, ''))

test('the text beside the budget is the size of the file that the host runs', async ({ page, request }) => {
  await open(page, 'Diet')
  for (const profile of ['full', 'minimal']) {
    if (profile === 'minimal') {
      await page.getByTestId('budget-open').click()
      await page.getByTestId('profile').selectOption('minimal')
      const loaded = page.waitForRequest(/\/stack\/minimal\.js/)
      await page.getByTestId('budget-apply').click()
      await loaded
      await expect(page.getByTestId('budget-message')).toContainText('runs anew: minimal')
    }
    const file = await (await request.get(`/stack/${profile}.js`)).body()
    const told = page.getByTestId('held').locator('td').first()
    await expect(page.getByTestId('held')).toContainText(`the ${profile} stack’s file`)
    expect(number(await told.textContent())).toBe(file.length)
    await expect(page.getByTestId('text-size')).toHaveText(`text ${(file.length / 1024).toFixed(1)} KiB`)
  }
})

test('a switch that is turned off would save what it costs', async ({ page }) => {
  await open(page, 'Diet')
  const row = page.locator('[data-switch=PROC_FS]')
  // After a first start, the switches are measured while the page is served.
  test.setTimeout(240_000)
  await expect(row).toBeVisible({ timeout: 200_000 })
  const cost = number(await row.locator('td').first().textContent())
  expect(cost).toBeGreaterThan(500)
  await row.getByRole('checkbox').uncheck()
  const saving = page.getByTestId('saving')
  await expect(saving).toContainText('full without PROC_FS')
  expect(number((await saving.locator('b').textContent()) ?? '')).toBe(cost)
  await page.getByRole('button', { name: 'Back to full' }).click()
  await expect(row.getByRole('checkbox')).toBeChecked()
  await expect(saving).toContainText('Turn a switch')
})

test('the rows of the arena sum to the budget, and its map is walked by keyboard', async ({ page }) => {
  await open(page, 'Arena')
  await expect(page.getByTestId('arena-sum')).toHaveText(/262.144/)
  const rows = await page.getByTestId('arena-pools').locator('[data-bytes]').allTextContents()
  expect(rows.map(number).reduce((sum, bytes) => sum + bytes, 0)).toBe(262_144)
  const map = page.getByTestId('arena-map')
  const pages = Number(await map.getAttribute('aria-valuemax'))
  await map.focus()
  await map.press('End')
  await expect(map).toHaveAttribute('aria-valuetext', `page ${pages} of ${pages}: free`)
  await map.press('Home')
  await expect(map).toHaveAttribute('aria-valuetext', `page 1 of ${pages}: standing`)
  const told: string[] = []
  for (let i = 1; i < 8; i++) {
    await map.press('ArrowRight')
    told.push((await map.getAttribute('aria-valuetext')) ?? '')
  }
  expect(told.join('\n')).toMatch(/connections · \d of 9 records .*ESTABLISHED/)
})

test('the pages of a connection light up when it is chosen, and go dark with nobody’s', async ({ page }) => {
  await open(page, 'Arena')
  const lit = page.getByTestId('arena-map').locator('.lit')
  await expect(lit).toHaveCount(1)
  await page.getByTestId('arena-lit').selectOption({ label: 'nobody’s' })
  await expect(lit).toHaveCount(0)
})

test('where the text counts, a restart gives the arena what it leaves of the budget', async ({ page }) => {
  await open(page, 'Diet')
  await page.getByTestId('budget-open').click()
  await page.getByTestId('text-counts').check()
  await page.getByRole('button', { name: '256 KiB' }).click()
  await expect(page.getByTestId('budget-message')).toContainText('runs anew')
  const [code, data, whole] = (await page.getByTestId('held').locator('td').allTextContents()).map(number)
  expect(code).toBeGreaterThan(0)
  expect(whole).toBe((code ?? 0) + (data ?? 0))
  expect(262_144 - (whole ?? 0)).toBeLessThan(4)
  await expect(page.getByTestId('memory-used')).toHaveText(/of 256(\.0)? KiB/)
  await page.getByRole('button', { name: '16 KiB' }).click()
  await expect(page.getByTestId('budget-message')).toContainText('text alone is')
})

test('memory that ends shows its consequence with the cause', async ({ page }) => {
  const hosts = page.getByTestId('host')
  const neighbour = (await hosts.nth(1).getAttribute('data-host')) ?? ''
  await page.getByLabel('Whose memory').selectOption(neighbour)
  await page.getByTestId('budget-open').click()
  await page.getByTestId('profile').selectOption('minimal')
  await page.getByRole('button', { name: '16 KiB' }).click()
  await expect(page.getByTestId('budget-message')).toContainText('runs anew')
  await expect(hosts.nth(1).getByTestId('host-address')).toHaveText(/^169/)
  const pressure = page.getByTestId('pressure')
  for (let i = 0; i < 60 && !(await pressure.isVisible()); i++) {
    await hosts.nth(1).getByTestId('talk').click()
    await page.waitForTimeout(60)
  }
  await expect(pressure).toContainText(/refused|dropped|closed/)
})
