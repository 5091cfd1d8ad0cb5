/**
 * Runs one program and waits for its end; what it prints goes straight through.
 */
import { spawn } from 'node:child_process'

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {Record<string, string>} [environment] on top of ours
 * @returns {Promise<number>} its exit status; 127 when it could not be started
 */
export function run(program, args, environment = {}) {
  return new Promise(resolve => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    })
    child.on('error', () => resolve(127))
    child.on('close', code => resolve(code ?? 1))
  })
}

/**
 * The same for a package's own command, run by this very Node: no shell, so it is alike on every system.
 *
 * @param {string} script a file in node_modules
 * @param {readonly string[]} args
 * @param {Record<string, string>} [environment]
 */
export const runNode = (script, args, environment) => run(process.execPath, [script, ...args], environment)

/**
 * Whether a program is there and starts.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<boolean>}
 */
export function starts(program, args) {
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: 'ignore', timeout: 20_000 })
    child.on('error', () => resolve(false))
    child.on('close', code => resolve(code === 0))
  })
}
