/** The words that rooms are named with, 64 of each: a name is for people, the key is what counts. */

export const ADJECTIVES: readonly string[] = `
  able amber ample apt azure bold brave brief bright brisk calm candid civil clear clever cosy crisp
  deft eager early even fair fleet fond frank free fresh gentle glad golden grand happy hardy hazel
  honest humble ivory jolly keen kind lively loyal lucid mellow merry mild modest neat nimble noble
  patient plain proud quick quiet ready silver smooth steady sunny swift tidy warm wise
`
  .trim()
  .split(/\s+/)

export const BIRDS: readonly string[] = `
  avocet bittern blackcap brambling bullfinch bunting buzzard chough coot cormorant crane curlew
  dipper dotterel dove dunlin dunnock egret eider falcon fulmar gannet godwit goldcrest grebe
  greenshank grouse guillemot gull harrier hawk heron hobby jackdaw jay kestrel kingfisher kite
  kittiwake knot lapwing lark linnet magpie mallard martin merlin moorhen nightjar nuthatch osprey
  owl petrel pintail pipit plover puffin quail raven robin swallow swift tern wren
`
  .trim()
  .split(/\s+/)
