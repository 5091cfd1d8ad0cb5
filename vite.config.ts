import { defineConfig } from 'vite'
import { brokerPlugin } from './src/serve/broker-plugin.ts'
import { libraryPlugin } from './src/size/library-plugin.ts'

export default defineConfig(({ command }) => ({
  // A path that is not there is a 404, not the page again: config.json may be absent.
  appType: 'mpa',
  // Every address in the build is relative, so that it can be dropped into any folder of a static server.
  base: './',
  plugins: [brokerPlugin(), libraryPlugin()],
  // Where storage is denied, reading this name throws; u8-mqtt reads it as it loads, and does without what it finds there.
  // Vite's own server does not replace such a name, it assigns to it.
  define: command === 'build' ? { 'globalThis.sessionStorage': 'undefined' } : {},
  build: { target: 'es2022' },
  worker: { format: 'es' },
  server: { host: true },
  // The page is public and the broker carries sealed messages: by whatever name this machine is reached.
  preview: { allowedHosts: true },
}))
