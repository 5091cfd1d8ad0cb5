/** What stands beside the page on its port. */
import { expect, test } from '@playwright/test'
import { createServer } from 'vite'

test('the page, its configuration and nothing else is served', async ({ request }) => {
  expect((await request.get('/')).headers()['content-type']).toContain('text/html')
  expect(await (await request.get('/config.json')).json()).toEqual({ iceServers: [] })
  expect((await request.get('/no-such-page')).status()).toBe(404)
})

test('the broker answers on its path, and no other path is upgraded', async ({ page }) => {
  await page.goto('/config.json')
  const upgrade = (path: string) =>
    page.evaluate(
      at =>
        new Promise<string>(resolve => {
          const socket = new WebSocket(new URL(at, location.href.replace('http', 'ws')), 'mqtt')
          socket.onopen = () => resolve(`open, ${socket.protocol}`)
          socket.onerror = () => resolve('refused')
        }),
      path,
    )
  expect(await upgrade('/mqtt')).toBe('open, mqtt')
  expect(await upgrade('/elsewhere')).toBe('refused')
})

test("whoever changes the page sees it by vite's own server, from the sources", async ({ page }) => {
  const server = await createServer({ server: { port: 0, strictPort: false }, logLevel: 'error' })
  try {
    await server.listen()
    await page.goto(server.resolvedUrls?.local[0] ?? '')
    await expect(page.getByTestId('connection-state')).toHaveText(['ESTABLISHED', 'ESTABLISHED'], {
      timeout: 40_000,
    })
  } finally {
    await server.close()
  }
})
