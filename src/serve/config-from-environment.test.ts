import { expect, test } from 'vitest'
import { configFromEnvironment } from './config-from-environment.ts'

test('an environment that says nothing means: the embedded broker, no ICE server', () => {
  expect(configFromEnvironment({})).toEqual({ iceServers: [] })
})

test('BROKER_URL and ICE_SERVERS are what the page is told', () => {
  const environment = {
    BROKER_URL: 'wss://broker.example.org/mqtt',
    ICE_SERVERS: '[{"urls":"stun:stun.example.org"}]',
  }
  expect(configFromEnvironment(environment)).toEqual({
    brokerUrl: 'wss://broker.example.org/mqtt',
    iceServers: [{ urls: 'stun:stun.example.org' }],
  })
})

test.each([
  [{ ICE_SERVERS: 'stun:x' }, /^ICE_SERVERS is no JSON: give an array such as/],
  [{ ICE_SERVERS: '{}' }, /^ICE_SERVERS .*no array of ICE servers, such as/],
  [{ BROKER_URL: 'mqtt://x' }, /^BROKER_URL .*ws:\/\/ or wss:\/\//],
])('%j is refused in one sentence', (environment, why) => {
  expect(() => configFromEnvironment(environment)).toThrow(why)
})
