/** The package as somebody else gets it: packed, unpacked in another folder, used from there by its name. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from './cache.js'

let folder = ''
const at = (...path: string[]): string => join(folder, ...path)

function run(command: string, args: string[], cwd = folder): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? ''}${stdout}${stderr}`)
  return stdout
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanlet-pack-'))
  // `npm pack` runs `prepack`, which builds the library.
  run('npm', ['pack', '--silent', '--pack-destination', folder], ROOT)
  // Unpacked as npm would: the package has no dependency, so no registry is asked.
  mkdirSync(at('node_modules', 'lanlet'), { recursive: true })
  run('tar', ['-xzf', 'lanlet-0.1.0.tgz', '-C', at('node_modules', 'lanlet'), '--strip-components=1'])
  writeFileSync(at('package.json'), '{ "type": "module" }')
}, 90_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const PROGRAM = `
import { createStack as full } from 'lanlet/full'
import { createStack as client } from 'lanlet/client'
import { createStack as minimal } from 'lanlet/minimal'
import { EAGAIN, ECONNREFUSED, errnoName, Event, Protocol } from 'lanlet/names'

const host = (createStack, n) => createStack(
  { memory: 65536, mac: new Uint8Array([2, 0, 0, 0, 0, n]), address: '10.0.0.' + n + '/24' },
  { random32: () => (Math.random() * 2 ** 32) >>> 0, secret: new Uint8Array(16).fill(n) },
)
const [bob, ...guests] = [full, client, minimal].map((create, i) => host(create, i + 1))
const all = [bob, ...guests]
let now = 0
const run = (ms) => {
  for (const end = now + ms; now < end; now++)
    for (const from of all) {
      from.poll(now)
      const frames = []
      from.output(frame => frames.push(frame.slice()) > 0)
      for (const frame of frames) for (const to of all) if (to !== from) to.input(frame, now)
    }
}
run(5000)
const listener = bob.socket(Protocol.Tcp)
bob.bind(listener, 0, 7)
bob.listen(listener, 4)
for (const guest of guests) {
  const near = guest.socket(Protocol.Tcp)
  guest.connect(near, bob.address, 7)
  run(50)
  let bits = 0
  guest.events((socket, what) => { if (socket === near) bits |= what })
  guest.send(near, new TextEncoder().encode('hello'))
  run(50)
  const far = bob.accept(listener)
  const into = new Uint8Array(9)
  const n = bob.recv(far, into)
  console.log((bits & Event.Connected) !== 0, new TextDecoder().decode(into.subarray(0, n)), bob.recv(far, into) === EAGAIN)
}
console.log(errnoName(ECONNREFUSED))
`

test('nothing is packed but the library and one program, and nothing is installed with them', () => {
  const entries = run('tar', ['-tzf', 'lanlet-0.1.0.tgz']).trim().split('\n')
  expect(entries.filter(name => !name.startsWith('package/dist/stack/')).sort()).toEqual([
    'package/README.md',
    'package/dist/bridge/LICENSES.md',
    'package/dist/bridge/lanlet.js',
    'package/package.json',
  ])
  expect(JSON.parse(readFileSync(at('node_modules', 'lanlet', 'package.json'), 'utf8'))).not.toHaveProperty(
    'dependencies',
  )
})

test('three hosts of three profiles shake hands from the packed files', () => {
  writeFileSync(at('program.js'), PROGRAM)
  expect(run(process.execPath, ['program.js'])).toBe('true hello true\ntrue hello true\nECONNREFUSED\n')
})

test('its program runs from its one file, and says in a sentence why it does not', () => {
  const { bin } = JSON.parse(readFileSync(at('node_modules', 'lanlet', 'package.json'), 'utf8'))
  const program = at('node_modules', 'lanlet', bin.lanlet)
  expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  expect(run(process.execPath, [program, '--help'])).toMatch(/^lanlet bridge 'LINK'/)
  const { status, stderr } = spawnSync(process.execPath, [program, 'bridge', 'http://a/#room=b'], {
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: expect.stringMatching(/^This invitation .* no key.*\.\n$/),
  })
})

test('in a worker too', () => {
  writeFileSync(at('program.js'), PROGRAM)
  writeFileSync(
    at('starts-a-worker.js'),
    `import { Worker } from 'node:worker_threads'\nnew Worker(new URL('./program.js', import.meta.url))`,
  )
  expect(run(process.execPath, ['starts-a-worker.js'])).toContain('ECONNREFUSED')
})

test('its types are there: right use passes, wrong use is told', () => {
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', '']
  const check = (text: string): string => {
    writeFileSync(at('use.ts'), text)
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    return spawnSync(process.execPath, [compiler, ...options, '--ignoreConfig', 'use.ts'], {
      cwd: folder,
      encoding: 'utf8',
    }).stdout
  }
  const head = `import { createStack, type Stack, type Environment } from 'lanlet/full'
import { Protocol } from 'lanlet/names'
declare const environment: Environment
`
  expect(
    check(
      `${head}export const stack: Stack = createStack({ memory: 65536, mac: new Uint8Array(6) }, environment)
stack.socket(Protocol.Tcp)`,
    ),
  ).toBe('')
  expect(check(`${head}createStack({ memory: '64k', mac: new Uint8Array(6) }, environment)`)).toContain(
    'TS2322',
  )
})
