/** A number the service must reach, in terms of the history. */
export interface Goal {
  readonly measure: string
  readonly against: string
  readonly level: string
  readonly case: string
  /** The provider that has to reach it. */
  readonly own: string
  /** The provider it is compared with; none where a goal is absolute. */
  readonly peer?: string
  readonly relation: Relation
}

export type Relation =
  /** How many times as fast as the peer. By major version of Node where the peer is Node itself. */
  | { readonly kind: 'times as fast'; readonly atLeast: number | Readonly<Record<number, number>> }
  /** How many times the peer's time. */
  | { readonly kind: 'times the time'; readonly atMost: number }
  /** The measurement itself. */
  | { readonly kind: 'value'; readonly below: number }
  /** The largest over the smallest median of all cases of the level. */
  | { readonly kind: 'spread'; readonly atMost: number }

const SELF = 'lossd'
const KERNEL = 'sparse, smoothing 0.1, gradients'
const FASTAPI = 'fastapi_torch'
const PLAIN = 'plain_fastify'
const READING = { kind: 'times as fast', atLeast: { 20: 5, 24: 2.5 } } as const

/** What issue 2 and issue 3 ask for, in their order. */
export const goals: readonly Goal[] = [
  ...(['7 digits', '17 digits'] as const).map(
    (digits): Goal => ({
      measure: `read 1024x1000 JSON numbers, ${digits}`,
      against: '`JSON.parse` + flatten',
      level: 'codec',
      case: `read ${digits} as F32`,
      own: SELF,
      peer: 'JSON.parse + flatten',
      relation: READING,
    }),
  ),
  {
    measure: 'print a 1024x1000 float32 gradient',
    against: '`JSON.stringify`',
    level: 'codec',
    case: 'print a float32 gradient',
    own: SELF,
    peer: 'JSON.stringify',
    relation: { kind: 'times as fast', atLeast: 4 },
  },
  post('8x10, 16 connections', 'json 8x10', FASTAPI, 12),
  post('64x100, 8 connections', 'json 64x100', FASTAPI, 25),
  post('64x100, 8 connections', 'json 64x100', PLAIN, 5),
  post('256x1000, 4 connections', 'json 256x1000', FASTAPI, 25),
  post('256x1000, 4 connections', 'json 256x1000', PLAIN, 8),
  {
    measure: '`POST /loss` safetensors, 1024x1000, gradients back, 4 connections',
    against: 'FastAPI + PyTorch, `numpy.frombuffer`',
    level: 'http',
    case: 'safetensors 1024x1000',
    own: SELF,
    peer: FASTAPI,
    relation: { kind: 'times as fast', atLeast: 1.6 },
  },
  {
    measure: '`POST /loss` safetensors, 1024x1000, gradients back, 4 connections',
    against: 'a Fastify route that answers with the bytes it buffered',
    level: 'http',
    case: 'safetensors 1024x1000',
    own: SELF,
    peer: 'echo',
    relation: { kind: 'times as fast', atLeast: 0.8 },
  },
  kernel('PyTorch eager, one thread', 'PyTorch eager, gradients', { kind: 'times as fast', atLeast: 5 }),
  kernel('the same loop in C, `gcc -O3 -march=native -ffast-math`', 'C -O3 -march=native -ffast-math, gradients', {
    kind: 'times the time',
    atMost: 1.4,
  }),
  {
    measure: 'time an element, 1e4 to 1e8 elements, largest over smallest',
    against: 'itself',
    level: 'scaling',
    case: '',
    own: SELF,
    relation: { kind: 'spread', atMost: 1.2 },
  },
  {
    measure:
      'event-loop delay of the main thread, 99th percentile, four clients posting 10 MB of JSON without pause, ms',
    against: '',
    level: 'event-loop',
    case: 'delay p99, a timer every 10 ms',
    own: SELF,
    relation: { kind: 'value', below: 10 },
  },
  {
    measure: '`npm start` to ready, ms',
    against: '',
    level: 'start-up',
    case: 'npm start to ready',
    own: SELF,
    relation: { kind: 'value', below: 1000 },
  },
]

function kernel(against: string, peer: string, relation: Relation): Goal {
  return {
    measure: 'float32 kernel with gradients, 1024x1000',
    against,
    level: 'kernels',
    case: 'F32 1024x1000',
    own: KERNEL,
    peer,
    relation,
  }
}

function post(batch: string, name: string, peer: string, atLeast: number): Goal {
  const against = peer === FASTAPI ? 'FastAPI + PyTorch' : 'plain Fastify + JSON.parse + nested zod + JavaScript maths'
  return {
    measure: `\`POST /loss\` JSON, ${batch}`,
    against,
    level: 'http',
    case: name,
    own: SELF,
    peer,
    relation: { kind: 'times as fast', atLeast },
  }
}
