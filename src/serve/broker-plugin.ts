/**
 * Puts the signalling broker and config.json beside the page, in `npm start` and `npm run dev` alike.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Connect, Plugin } from 'vite'
import { BROKER_PATH, createBroker, refuseUpgrade } from './broker.ts'
import { configFromEnvironment } from './config-from-environment.ts'

export function brokerPlugin(): Plugin {
  return {
    name: 'lanlet-broker',
    configureServer: ({ httpServer, middlewares }) =>
      // In development Vite's own upgrade (hot reload) shares the server.
      attach(httpServer as Server | null, middlewares, { alone: false }),
    configurePreviewServer: ({ httpServer, middlewares }) =>
      attach(httpServer as Server, middlewares, { alone: true }),
  }
}

async function attach(
  server: Server | null,
  middlewares: Connect.Server,
  { alone }: { readonly alone: boolean },
): Promise<void> {
  if (server === null) return // Vite as a middleware, as in Vitest: there is nothing to listen on
  const config = configFromEnvironment(process.env)
  middlewares.use('/config.json', (_request, response) => {
    response.setHeader('Content-Type', 'application/json')
    response.setHeader('Cache-Control', 'no-store')
    response.end(JSON.stringify(config))
  })

  const broker = await createBroker()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = (request.url ?? '').split('?')[0]
    if (path === BROKER_PATH) broker.accept(request, socket, head)
    else if (alone) refuseUpgrade(socket, '404 Not Found')
  })
  server.on('close', () => void broker.close())
}
