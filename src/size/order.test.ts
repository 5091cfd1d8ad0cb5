import { expect, test } from 'vitest'
import { alikeTogether } from './order.js'

test('functions that read alike stand beside each other, before all else, which keeps its order', () => {
  const add = 'function a(m,n){return m.get(n)+m.get(n+4)}'
  const much = 'function b(x){for(;;)x.push(1)}'
  const sub = 'function c(m,n){return m.get(n)-m.get(n+4)}'
  expect(alikeTogether(`${add}const two=2;${much}${sub}export{a as sum};`)).toBe(
    `${add}${sub}${much}const two=2;export{a as sum};`,
  )
})
