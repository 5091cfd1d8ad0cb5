/** Others' eyes on our frames: what two pages captured is read by tshark without a fault. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { expect } from '@playwright/test'
import { conversation, exportCapture, host, hostOf, met, ownName, say, test, visit } from './pages.ts'

const present = spawnSync('tshark', ['--version']).status === 0

const FAULTS =
  '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" || icmp.checksum.status == "Bad"'

test('tshark finds no malformed packet and no bad checksum in the captures of two pages', async ({
  browser,
}, info) => {
  test.skip(!present, 'tshark is not installed; as root, apt-get install tshark')
  const { page: alice, link } = await host(browser)
  const bob = await visit(browser, link)
  await met(alice, bob)
  const target = await hostOf(alice, bob)
  await target.getByTestId('ping').click()
  await expect(target.getByTestId('outcome')).toContainText(/3 of 3/)
  const buffer = Buffer.alloc(500_000, 'lanlet ')
  await target.getByTestId('file').setInputFiles({ name: 'text', mimeType: 'text/plain', buffer })
  await expect(alice.locator('[data-testid=transfer][data-state=done]')).toHaveCount(1)
  await target.getByTestId('talk').click()
  await expect(conversation(bob)).toBeVisible()
  await say(conversation(alice), 'read by others')
  await expect(conversation(bob).getByTestId('lines')).toContainText('read by others')
  for (const page of [alice, bob]) {
    const path = info.outputPath(`${await ownName(page)}.pcapng`)
    await writeFile(path, await exportCapture(page))
    const matching = (filter: string) =>
      execFileSync(
        'tshark',
        [
          '-r',
          path,
          '-o',
          'tcp.check_checksum:TRUE',
          '-o',
          'ip.check_checksum:TRUE',
          '-o',
          'udp.check_checksum:TRUE',
          '-Y',
          filter,
        ],
        {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      )
        .split('\n')
        .filter(line => line !== '')
    expect(matching(FAULTS)).toEqual([])
    expect(matching('tcp').length).toBeGreaterThan(350)
    expect(matching('icmp').length).toBe(6)
    expect(matching('arp').length).toBeGreaterThan(1)
    expect(matching('lldp').length).toBeGreaterThan(1)
  }
})
