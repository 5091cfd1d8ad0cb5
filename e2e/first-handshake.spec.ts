/** A page that nobody invited: two hosts of its own have shaken hands, and everything about it can be looked at. */
import { expect, type Page, test } from '@playwright/test'

/** 'left SYN-SENT', in the order in which they stand in the ladder. */
const states = (page: Page): Promise<string[]> =>
  page
    .getByTestId('state')
    .evaluateAll(marks =>
      marks.map(mark => `${mark.getAttribute('data-side')} ${mark.getAttribute('data-state')}`),
    )

const frame = (page: Page, words: RegExp) => page.getByTestId('packet').filter({ hasText: words })

test.beforeEach(async ({ page }) => {
  await page.goto('/')
  await expect(page.getByTestId('connection-state').last()).toContainText('ESTABLISHED')
})

test('ARP and three segments stand in order, with the states of both sides', async ({ page }) => {
  const labels = await page.getByTestId('ladder-frame').locator('title').allTextContents()
  const order = [/Who has .* Tell/, / is at /, /: SYN Seq=0/, /: SYN, ACK Seq=0 Ack=1/, /: ACK Seq=1 Ack=1/]
  const places = order.map(words => labels.findIndex(label => words.test(label)))
  expect(places).toEqual(places.toSorted((a, b) => a - b))
  expect(places).not.toContain(-1)
  expect(await states(page)).toEqual(
    expect.arrayContaining(['right LISTEN', 'left SYN-SENT', 'right SYN-RECEIVED', 'left ESTABLISHED']),
  )
})

test('a frame chosen in the table is chosen in the ladder, and its fields mark their bytes', async ({
  page,
}) => {
  await frame(page, /\[SYN, ACK\]/).click()
  await expect(page.getByTestId('frame-detail')).toContainText('SYN, ACK')
  await expect(page.locator('[data-testid=ladder-frame][aria-selected=true]')).toHaveCount(1)
  await page.locator('[data-field="Acknowledgment number"]').click()
  await expect(page.getByTestId('field-note')).toContainText('The next byte that the sender expects')
  const marked = page.getByTestId('bytes').locator('.on')
  await expect(marked).toHaveCount(4)
  await expect(marked.first()).toHaveAttribute('data-at', '42')
  await page.getByTestId('bytes').locator('[data-at="47"]').click()
  await expect(page.locator('[data-testid=field][aria-selected=true]')).toHaveAttribute('data-field', 'Flags')
})

test('the arrow keys go from frame to frame', async ({ page }) => {
  await frame(page, /\[SYN\]/).click()
  await page.keyboard.press('ArrowDown')
  await expect(page.getByTestId('frame-detail')).toContainText('SYN, ACK')
})

test('a budget that is too small is refused beside the control, and the host goes on', async ({ page }) => {
  await page.getByTestId('budget-open').click()
  const before = await page.getByTestId('memory-used').innerText()
  await page.getByTestId('budget-value').fill('1 KiB')
  await page.getByTestId('budget-apply').click()
  await expect(page.getByTestId('budget-message')).toContainText('needs')
  expect((await page.getByTestId('memory-used').innerText()).split(' of ')[1]).toBe(before.split(' of ')[1])
  await expect(page.getByTestId('connection-state').first()).toContainText('ESTABLISHED')
})

test('a restart within another budget is a host of the same name and MAC', async ({ page }) => {
  const own = page.getByTestId('host').first()
  const mac = await own.getByTestId('host-address').getAttribute('title')
  await page.getByTestId('budget-open').click()
  await page.getByRole('button', { name: '64 KiB', exact: true }).click()
  await expect(page.getByTestId('memory-used')).toContainText('of 64 KiB')
  await expect(own.getByTestId('host-address')).toHaveAttribute('title', mac ?? '')
})

test('a filter that is wrong says so and hides nothing', async ({ page }) => {
  const rows = await page.getByTestId('packet').count()
  await page.keyboard.press('/')
  await page.keyboard.type('hots:alice')
  await expect(page.getByTestId('filter-wrong')).toContainText('There is no key')
  await expect(page.getByTestId('packet')).toHaveCount(rows)
  await page.getByTestId('filter').fill('tcp')
  await expect(frame(page, /ARP/)).toHaveCount(0)
  await expect(frame(page, /\[SYN\]/)).toHaveCount(1)
})

test('a reload is the same host', async ({ page }) => {
  const own = await page.getByTestId('host').first().getAttribute('data-host')
  await page.reload()
  await expect(page.getByTestId('host').first()).toHaveAttribute('data-host', own ?? '')
})

test('a bad invitation says what is wrong, and the page works on alone', async ({ page }) => {
  await page.goto('about:blank')
  await page.goto('/#room=quiet-heron&key=short')
  await expect(page.getByTestId('room-problem')).toContainText('The page works on alone.')
  await expect(page.getByTestId('connection-state').last()).toContainText('ESTABLISHED')
})

test('nothing is wider than a window of 320 px', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
})
