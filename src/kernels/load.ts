import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** A module of one function that gives `i8x16.popcnt(i8x16.splat(0))`: valid only where SIMD is supported. */
const SIMD_PROBE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x0a, 0x01, 0x08, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x62, 0x0b],
)

/** The compiled kernels of the build, or undefined where WebAssembly SIMD is not supported. */
export function loadKernelModule(): WebAssembly.Module | undefined {
  if (!WebAssembly.validate(SIMD_PROBE)) return undefined
  const path = createRequire(import.meta.url).resolve('#kernels.wasm')
  if (!existsSync(path)) throw new Error(`The kernels are not built: ${path} is missing. Run \`npm run build\`.`)
  return new WebAssembly.Module(readFileSync(path))
}
