/**
 * Debian's packages, where we may install them.
 */
import { run, starts } from './run.js'

/**
 * Installs a package with apt when this is Debian (or kin) and we are root.
 *
 * @param {string} name
 * @returns {Promise<boolean>} whether it is installed now
 */
export async function debianInstall(name) {
  if (process.getuid?.() !== 0 || !(await starts('apt-get', ['--version']))) return false
  console.log(`Installing ${name} from Debian …`)
  const quietly = { DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['-qq', 'update'], quietly)
  return (await run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', name], quietly)) === 0
}
