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

/** Pairs of ladder texts and boxes that cover each other, and labels that touch another frame's line or head. */
const overlaps = (page: Page): Promise<string[]> =>
  page.getByTestId('ladder').evaluate(ladder => {
    /** Corners on the screen, whatever way it is turned, a little inside. */
    const corners = (shape: SVGGraphicsElement): DOMPoint[] => {
      const { x, y, width, height } = shape.getBBox()
      const turned = shape.getScreenCTM() ?? new DOMMatrix()
      const at = (dx: number, dy: number) => new DOMPoint(x + dx, y + dy).matrixTransform(turned)
      return [at(0, 2), at(width, 2), at(width, height - 2), at(0, height - 2)]
    }
    /** Convex shapes are apart where some side of one has all of the other beyond it. */
    const apart = (a: DOMPoint[], b: DOMPoint[]): boolean =>
      [a, b].some(shape =>
        shape.some((from, i) => {
          const to = shape[(i + 1) % shape.length] as DOMPoint
          const along = (p: DOMPoint) => (p.x - from.x) * (to.y - from.y) - (p.y - from.y) * (to.x - from.x)
          const [mine, other] = [a.map(along), b.map(along)]
          return Math.max(...mine) <= Math.min(...other) || Math.max(...other) <= Math.min(...mine)
        }),
      )
    const find = (what: string) =>
      [...ladder.querySelectorAll<SVGGraphicsElement>(what)].map(shape => ({ shape, points: corners(shape) }))
    const lines = [...ladder.querySelectorAll<SVGPathElement>('.line:not(.cross)')].map(shape => {
      const turned = shape.getScreenCTM() ?? new DOMMatrix()
      const [from, to] = [shape.getPointAtLength(0), shape.getPointAtLength(shape.getTotalLength())]
      return { shape, points: [from, to].map(({ x, y }) => new DOMPoint(x, y).matrixTransform(turned)) }
    })
    const texts = find('text')
    const boxes = find('.state rect, .fold rect')
    const found: string[] = []
    for (const [i, { shape, points }] of texts.entries()) {
      const others = [
        ...texts.slice(i + 1),
        ...lines,
        ...boxes.filter(box => box.shape.parentNode !== shape.parentNode),
      ]
      for (const other of others)
        if (!apart(points, other.points))
          found.push(`${shape.textContent} on ${other.shape.textContent || other.shape.tagName}`)
    }
    return found
  })

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

test('address chatter is one line above the handshake, and opens; a probe that nobody heard is no loss', async ({
  page,
}) => {
  const fold = page.getByTestId('ladder-fold').first()
  await expect(fold).toContainText(/address probing.* · \d+ frames?/)
  const folded = await page.getByTestId('ladder-frame').count()
  await fold.focus()
  await page.keyboard.press('Enter')
  await expect.poll(() => page.getByTestId('ladder-frame').count()).toBeGreaterThan(folded)
  await expect(frame(page, /nobody else on the segment/).locator('.key.bad')).toHaveCount(0)
  await expect(page.locator('[data-testid=packet][data-meaning=bad]')).toHaveCount(0)
})

test('no label of the ladder lies on a line, a state or a time, also where it is narrow', async ({
  page,
}) => {
  for (const width of [1440, 1280, 1000, 390, 320]) {
    await page.setViewportSize({ width, height: 900 })
    await page.getByTestId('ladder').evaluate(ladder => ladder.scrollTo(0, 0))
    await expect.poll(() => overlaps(page)).toEqual([])
  }
})

test('a frame says which state it brought about', async ({ page }) => {
  await frame(page, /\[SYN, ACK\]/).click()
  await expect(page.getByTestId('frame-effect')).toContainText(/: SYN-SENT → ESTABLISHED/)
})

test('the ladder goes to what a person opens, and to the frame that is selected', async ({ page }) => {
  const heading = page.locator('lanlet-ladder h2')
  const first = await heading.innerText()
  await page.getByTestId('talk').click()
  await expect(heading).not.toHaveText(first)
  await frame(page, /\[SYN\]/)
    .first()
    .click()
  await expect(heading).toHaveText(first)
  await expect(page.locator('[data-testid=ladder-frame][aria-selected=true]')).toBeInViewport()
})

test('a double click on Talk opens one connection', async ({ page }) => {
  await page.getByTestId('talk').dblclick()
  await expect(page.getByTestId('conversation')).toHaveCount(4)
})

test('an empty line and one that is too long are refused in place, and the text stays', async ({ page }) => {
  const talk = page.getByTestId('conversation').first()
  await talk.getByTestId('send').click()
  await expect(talk).toContainText('There is nothing to send')
  await talk.getByTestId('say').fill('x'.repeat(5000))
  await talk.getByTestId('send').click()
  await expect(talk).toContainText('4096 is the most')
  await expect(talk.getByTestId('say')).toHaveValue('x'.repeat(5000))
})

test('the memory bar says by keyboard what holds the memory', async ({ page }) => {
  await page.getByTestId('memory-bar').focus()
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('pools')).toContainText('control blocks of TCP connections')
  await expect(page.getByTestId('pools')).toContainText('peak')
})

test('a minimal host within 16 KiB shakes hands and converses', async ({ page }) => {
  await page.getByTestId('budget-open').click()
  await page.getByTestId('profile').selectOption('minimal')
  await page.getByRole('button', { name: '16 KiB', exact: true }).click()
  await expect(page.getByTestId('memory-used')).toContainText('of 16 KiB')
  await page.getByTestId('talk').click()
  await expect(page.getByTestId('connection-state').first()).toContainText('ESTABLISHED')
  const [mine, theirs] = [page.getByTestId('conversation').first(), page.getByTestId('conversation').nth(1)]
  await mine.getByTestId('say').fill('small is enough')
  await mine.getByTestId('send').click()
  await expect(theirs.getByTestId('lines')).toContainText('small is enough')
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
