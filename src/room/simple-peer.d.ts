/** simple-peer's own bundle: unlike its source it needs no Node polyfills in the page. */
declare module 'simple-peer/simplepeer.min.js' {
  export { default } from 'simple-peer'
}
