export * from './binary'
export * from './codec'
export * from './consistency'
export * from './distances'
export * from './divergence'
export * from './elements'
export * from './focus'
export * from './likelihood'
export * from './loss'
export * from './margins'
export * from './poly'
export * from './rows'
export * from './sigmoid'
export * from './terms'

/** First byte of linear memory that holds no static data: where the host's arena begins. */
export function heapBase(): usize {
  return __heap_base
}
