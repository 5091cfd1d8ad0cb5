import { execFile } from 'node:child_process'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { expect, test } from 'vitest'

const start = (environment: Record<string, string>) =>
  new Promise<{ status: number | null; said: string }>(resolve => {
    const env = { ...process.env, ...environment }
    const child = execFile(process.execPath, ['src/serve/start.js'], { env }, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, said: stdout + stderr }),
    )
  })

test('a PORT that is none ends the start with one sentence', async () => {
  expect(await start({ PORT: 'http' })).toEqual({
    status: 1,
    said: 'PORT is ‘http’, which is no port: give a whole number from 1 to 65535, such as PORT=8080.\n',
  })
})

test('a port that is taken ends the start with one sentence, before anything is built', async () => {
  const taken = await new Promise<Server>(resolve => {
    const server = createServer().listen(0, () => resolve(server))
  })
  const { port } = taken.address() as AddressInfo
  const { status, said } = await start({ PORT: String(port) })
  taken.close()
  expect(status).toBe(1)
  expect(said).toMatch(new RegExp(`^Port ${port} is taken by another program: .* npm start.\n$`))
})
