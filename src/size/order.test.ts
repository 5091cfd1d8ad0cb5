import { expect, test } from 'vitest'
import { alikeTogether } from './order.js'

test('functions that read alike stand beside each other, before all else, which keeps its order', () => {
  const add = 'function a(m,n){return m.get(n)+m.get(n+4)}'
  const much = 'function b(x){for(;;)x.push(1)}'
  const sub = 'function c(m,n){return m.get(n)-m.get(n+4)}'
  expect(alikeTogether(`${add}const two=2;${much}${sub}export{a as sum};`)).toBe(
    'const a=(m,n)=>m.get(n)+m.get(n+4),c=(m,n)=>m.get(n)-m.get(n+4),b=x=>{for(;;)x.push(1)};' +
      'const two=2;export{a as sum};',
  )
})

test('a function becomes a constant, unless an arrow could not do what it does', () => {
  expect(alikeTogether('function a(){return{b:1}}')).toBe('const a=()=>({b:1});')
  expect(alikeTogether('function a(b){return b(),1}')).toBe('const a=b=>(b(),1);')
  expect(alikeTogether('function a([b]){return}')).toBe('const a=([b])=>{return};')
  for (const other of ['function a(){return this.b}', 'function*a(){yield 1}', 'async function a(){}'])
    expect(alikeTogether(other)).toBe(`${other};`)
})

test('a function that is given another value stays one', () => {
  expect(alikeTogether('let a=()=>1;a=()=>2;')).toBe('let a=()=>1;a=()=>2;')
  expect(alikeTogether('function a(){return 1}a=0;')).toBe('function a(){return 1};a=0;')
})

test('what stands behind a return stays', () => {
  expect(alikeTogether('function a(){return b();function b(){return 1}}')).toBe(
    'const a=()=>{return b();function b(){return 1}};',
  )
})
