/**
 * Which browser the end-to-end tests drive: a Chromium or Chrome of this machine, else Playwright's own, else Debian's.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { debianInstall } from './debian.js'
import { runNode, starts } from './run.js'

const OF_THIS_MACHINE = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** Why each flag: a test needs no sound of the outside world, and finds its peer by address rather than by mDNS. */
const FLAGS = [
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * How Playwright is to launch what is there.
 *
 * @returns {{ args: string[], executablePath?: string }} without a path: Playwright's own
 */
export function launchOptions() {
  const path = OF_THIS_MACHINE.find(candidate => existsSync(candidate))
  const args = process.getuid?.() === 0 ? ['--no-sandbox', ...FLAGS] : FLAGS
  return path === undefined ? { args } : { args, executablePath: path }
}

/**
 * Sees to it that there is a browser that starts.
 *
 * @param {string} root the repository
 * @returns {Promise<string | undefined>} one sentence when there is none
 */
export async function ensureBrowser(root) {
  if (await browserStarts()) return undefined
  console.log('No Chromium here that starts: asking Playwright for its own …')
  const playwright = join(root, 'node_modules', '@playwright', 'test', 'cli.js')
  await runNode(playwright, ['install', 'chromium'])
  if (await browserStarts()) return undefined
  if (await debianInstall('chromium')) if (await browserStarts()) return undefined
  return 'There is no browser to test with: install Chromium or Chrome (on Debian: apt-get install chromium), and run npm test again.'
}

/** Whether a page opens in it: a browser may be there and lack its libraries. */
async function browserStarts() {
  const { executablePath = chromium.executablePath() } = launchOptions()
  if (!(await starts(executablePath, ['--version']))) return false
  try {
    const browser = await chromium.launch(launchOptions())
    await browser.close()
    return true
  } catch {
    return false
  }
}
