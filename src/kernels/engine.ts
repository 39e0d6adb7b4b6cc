import type { Kernels } from './contract.ts'
import { KernelMemory } from './memory.ts'
import { kernelsOf, type TypedKernels } from './precision.ts'
import { createScalarLossKernels } from './scalar.ts'
import { createScalarCodec } from './scalar-codec.ts'
import { createScalarElementKernels } from './scalar-elements.ts'
import { createSimdKernels } from './simd.ts'

/** What one worker computes with: kernels and the memory they work in. */
export interface Engine {
  readonly kernels: Kernels
  readonly typed: Record<'F32' | 'F64', TypedKernels>
  readonly memory: KernelMemory
}

/** Enough for a small request without growing. */
const INITIAL_PAGES = 64

/** @param module the compiled WebAssembly kernels; undefined: the TypeScript twin */
export function createEngine(module: WebAssembly.Module | undefined): Engine {
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: 65_536 })
  const kernels = module ? createSimdKernels(module, memory) : createScalarKernels(memory)
  return { kernels, typed: kernelsOf(kernels), memory: new KernelMemory(memory, kernels.heapBase()) }
}

export function createScalarKernels(memory: WebAssembly.Memory): Kernels {
  return {
    name: 'scalar',
    heapBase: () => 1024,
    ...createScalarLossKernels(memory),
    ...createScalarElementKernels(memory),
    ...createScalarCodec(memory),
  }
}
