import { createServer } from 'node:net'
import { defineConfig } from '@playwright/test'
import { launchOptions } from './src/serve/browser.js'

/** A port that is free now. Playwright reads this file in every worker: the first to read it chooses, by the environment. */
const freePort = () =>
  new Promise<string>(resolve => {
    const server = createServer().listen(0, () => {
      const address = server.address()
      server.close(() => resolve(String(typeof address === 'object' ? address?.port : address)))
    })
  })
process.env['LANLET_E2E_PORT'] ??= await freePort()
const port = process.env['LANLET_E2E_PORT']

export default defineConfig({
  testDir: 'e2e',
  // `npm run pictures` takes the README's pictures instead of testing.
  testMatch: process.env['PICTURES'] === undefined ? '*.spec.ts' : 'pictures.ts',
  // Real time, real WebRTC, two cores: one at a time.
  workers: 1,
  timeout: 60_000,
  forbidOnly: process.env['CI'] !== undefined,
  outputDir: 'test-results/pages',
  use: {
    baseURL: `http://localhost:${port}/`,
    launchOptions: launchOptions(),
    trace: 'retain-on-failure',
  },
  webServer: {
    command: 'node src/serve/start.js',
    env: { PORT: port },
    url: `http://localhost:${port}/`,
    timeout: 180_000,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 3_000 },
  },
})
