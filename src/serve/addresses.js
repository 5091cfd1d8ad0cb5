/**
 * The addresses under which this machine's page can be opened.
 */
import { networkInterfaces } from 'node:os'

/**
 * @param {number} port
 * @returns {string[]} localhost first, then one for each address on a LAN
 */
export function addresses(port) {
  const lan = Object.values(networkInterfaces())
    .flatMap(all => all ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => `http://${address}:${port}/`)
  return [`http://localhost:${port}/`, ...lan]
}
