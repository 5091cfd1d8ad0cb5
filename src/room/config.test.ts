import { afterEach, expect, test, vi } from 'vitest'
import { brokerUrl, loadRoomConfig, parseRoomConfig } from './config.ts'

afterEach(() => vi.unstubAllGlobals())

const serve = (body: string, type: string, status = 200) =>
  vi.stubGlobal('fetch', async () => new Response(body, { status, headers: { 'Content-Type': type } }))
const absent = { kind: 'config', config: { iceServers: [] } }

test('a config.json that is not there means: this origin, and no ICE server', async () => {
  serve('not found', 'text/plain', 404)
  expect(await loadRoomConfig('http://localhost/')).toEqual(absent)
  serve('<!doctype html>', 'text/html')
  expect(await loadRoomConfig('http://localhost/')).toEqual(absent)
})

test('a config.json says which broker and which ICE servers', async () => {
  const config = {
    brokerUrl: 'wss://broker.example.org/mqtt',
    iceServers: [{ urls: ['turn:turn.example.org'], username: 'u', credential: 'p' }],
  }
  serve(JSON.stringify(config), 'application/json')
  expect(await loadRoomConfig('http://localhost/')).toEqual({ kind: 'config', config })
})

test('a config.json that is no JSON is said to be none', async () => {
  serve('{', 'application/json')
  expect(await loadRoomConfig('http://localhost/')).toEqual({
    kind: 'wrong',
    why: 'config.json cannot be used: it is no JSON.',
  })
})

test.each([
  [[], /no JSON object/],
  [{ brokerUrl: 'http://x' }, /wss:\/\/broker/],
  [{ iceServers: 'stun:x' }, /"urls":"stun:/],
  [{ iceServers: [{ urls: 'http://x' }] }, /"urls":"stun:/],
  [{ iceServers: [{}] }, /"urls":"stun:/],
  [{ broker: 'wss://x' }, /‘broker’; it may have a brokerUrl/],
])('%j is refused, and what would be right is said', (value, why) => {
  expect(parseRoomConfig(value)).toEqual({ kind: 'wrong', why: expect.stringMatching(why) })
})

test('the invitation’s broker comes first, then the deployment’s, then this origin’s', () => {
  const config = { brokerUrl: 'wss://deployed/mqtt', iceServers: [] }
  expect(brokerUrl('wss://invited/mqtt', config, 'https://page/')).toBe('wss://invited/mqtt')
  expect(brokerUrl(undefined, config, 'https://page/')).toBe('wss://deployed/mqtt')
  expect(brokerUrl(undefined, { iceServers: [] }, 'https://page/lan/#a')).toBe('wss://page/mqtt')
  expect(brokerUrl(undefined, { iceServers: [] }, 'http://10.0.0.1:5173/')).toBe('ws://10.0.0.1:5173/mqtt')
})
