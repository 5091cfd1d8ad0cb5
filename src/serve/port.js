/**
 * The PORT that the environment asks for.
 */

import { createServer } from 'node:net'

export const DEFAULT_PORT = 5173

/**
 * @param {string | undefined} text the environment's PORT; empty or absent chooses the default
 * @returns {{ ok: true, port: number } | { ok: false, why: string }} `why`: one sentence
 */
export function readPort(text) {
  if (text === undefined || text === '') return { ok: true, port: DEFAULT_PORT }
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= 1 && port <= 65535) return { ok: true, port }
  return {
    ok: false,
    why: `PORT is ‘${text}’, which is no port: give a whole number from 1 to 65535, such as PORT=8080.`,
  }
}

/**
 * @param {number} port
 * @param {NodeJS.ErrnoException} error what serving on it threw
 * @returns {string} one sentence
 */
export function portRefused(port, error) {
  // Vite rewrites EADDRINUSE into an error that has a message alone.
  if (error.code === 'EADDRINUSE' || /already in use/.test(error.message))
    return `Port ${port} is taken by another program: stop it, or choose a free port, such as PORT=${port < 65535 ? port + 1 : DEFAULT_PORT} npm start.`
  if (error.code === 'EACCES')
    return `Port ${port} may not be opened by this user: choose one from 1024 up, such as PORT=8080 npm start.`
  // No error of the system: it is the configuration that is refused, in a sentence of its own.
  if (error.code === undefined) return error.message
  return `Port ${port} could not be opened (${error.message}): choose another, such as PORT=8080 npm start.`
}

/**
 * Whether the port can be opened now; asked first, so that nobody waits for a build to hear that it cannot.
 *
 * @param {number} port
 * @returns {Promise<string | undefined>} one sentence when it cannot
 */
export function portTaken(port) {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', error => resolve(portRefused(port, error)))
    probe.listen(port, () => probe.close(() => resolve(undefined)))
  })
}
