/**
 * Debian's packages, where we may install them.
 */
import { run, starts } from './run.js'

/**
 * Installs packages with apt when this is Debian (or kin) and we are root.
 *
 * @param {...string} names
 * @returns {Promise<boolean>} whether they are installed now
 */
export async function debianInstall(...names) {
  if (process.getuid?.() !== 0 || !(await starts('apt-get', ['--version']))) return false
  console.log(`Installing ${names.join(', ')} from Debian …`)
  const quietly = { DEBIAN_FRONTEND: 'noninteractive' }
  const apt = ['-qq', '-o', 'Acquire::http::Timeout=20', '-o', 'Acquire::Retries=1']
  await run('apt-get', [...apt, 'update'], quietly)
  return (await run('apt-get', [...apt, 'install', '-y', '--no-install-recommends', ...names], quietly)) === 0
}
