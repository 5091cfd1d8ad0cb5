import type { Service } from '../udp/service.ts'
export interface Resolver extends Service {
  x?: 1
}
