import { copyBytes } from '../copy-bytes.ts'
import type { Engine } from '../kernels/engine.ts'
import { ELEMENT_BYTES } from '../wire/tensor.ts'
import { printedBytes } from '../wire/text.ts'
import { giveBack } from './arena.ts'
import { claimFromBack, claimFromFront, createControls, endClaims, hear, type SharedWork, say } from './claims.ts'
import type { Crew } from './crew.ts'

/** Rows of a large tensor that several threads print. Of each chunk one word is said: the length of its text. */
export interface PrintJob extends SharedWork {
  readonly kind: 'print'
  readonly dtype: 'F32' | 'F64'
  readonly rows: number
  readonly columns: number
  /** Lent by the thread whose answer it is: values [rows, columns], then room for each chunk's text. Only for who has claimed a chunk. */
  readonly bytes: Uint8Array<SharedArrayBuffer>
}

/** Fewer elements are printed in the time it takes to call for help and to copy there and back. Float32 is printed as fast as it is copied. */
const MIN_SHARED_ELEMENTS = { F32: Number.POSITIVE_INFINITY, F64: 400_000 } as const
/** Elements of a chunk: less than half a millisecond of printing, which is what the last one to finish may keep the others waiting. */
const CHUNK_ELEMENTS = 16_384
/** Elements of a job: a few dozen megabytes of shared memory. */
const JOB_ELEMENTS = 2 ** 20
const COMMA = 0x2c

/**
 * An engine that prints large tensors together with other threads. The bytes are the same: rows are printed as they always are, and put
 * together in their order.
 */
export function withPrinters(engine: Engine, { arena, mayCall, call, patienceMs }: Crew): Engine {
  const { typed } = engine
  const shared = (dtype: 'F32' | 'F64') => ({
    ...typed[dtype],
    printRows(values: number, rows: number, columns: number, out: number): number {
      const jobRows = Math.max(1, Math.floor(JOB_ELEMENTS / columns))
      let end = out
      for (let row = 0; row < rows; row += jobRows) {
        if (row > 0) engine.memory.all[end++] = COMMA
        end = printJob(
          dtype,
          values + row * columns * ELEMENT_BYTES[dtype],
          Math.min(jobRows, rows - row),
          columns,
          end,
        )
      }
      return end
    },
  })
  return { ...engine, typed: { F32: shared('F32'), F64: shared('F64') } }

  function printJob(dtype: 'F32' | 'F64', values: number, rows: number, columns: number, out: number): number {
    const alone = () => typed[dtype].printRows(values, rows, columns, out)
    if (rows * columns < MIN_SHARED_ELEMENTS[dtype] || !mayCall()) return alone()
    const plan = planOf(dtype, rows, columns)
    const bytes = plan.chunks < 2 ? undefined : arena.lend(plan.bytes)
    if (!bytes) return alone()
    const { chunks } = plan
    const job: PrintJob = { kind: 'print', dtype, rows, columns, chunks, controls: createControls(chunks), bytes }
    copyBytes(engine.memory.u8(values, rows * plan.rowBytes), bytes)
    call(job)
    let end = out
    for (const chunk of claimFromFront(job)) end = append(chunk, end)
    for (let chunk = endClaims(job); chunk < chunks; chunk++) {
      const length = hear(job, chunk, patienceMs)
      if (length === 0) {
        // Should that thread be alive after all, it may still write to the job's memory: it is not given back.
        for (let missing = chunk; missing < chunks; missing++) end = append(missing, end)
        return end
      }
      if (chunk > 0) engine.memory.all[end++] = COMMA
      const at = plan.textAt + chunk * plan.chunkTextBytes
      copyBytes(bytes.subarray(at, at + length), engine.memory.u8(end, length))
      end += length
    }
    giveBack(bytes)
    return end

    function append(chunk: number, at: number): number {
      const first = chunk * plan.chunkRows
      if (chunk > 0) engine.memory.all[at++] = COMMA
      return typed[dtype].printRows(values + first * plan.rowBytes, Math.min(plan.chunkRows, rows - first), columns, at)
    }
  }
}

/** Prints chunks of another thread's job. */
export function helpToPrint({ memory, typed }: Engine, job: PrintJob, mustStop: () => boolean): void {
  const { dtype, rows, columns, bytes } = job
  const plan = planOf(dtype, rows, columns)
  memory.reset()
  const values = memory.allocate(plan.chunkRows * plan.rowBytes)
  const out = memory.allocate(plan.chunkTextBytes)
  for (const chunk of claimFromBack(job, mustStop)) {
    const first = chunk * plan.chunkRows
    const chunkRows = Math.min(plan.chunkRows, rows - first)
    const from = first * plan.rowBytes
    copyBytes(bytes.subarray(from, from + chunkRows * plan.rowBytes), memory.u8(values, chunkRows * plan.rowBytes))
    const end = typed[dtype].printRows(values, chunkRows, columns, out)
    copyBytes(memory.u8(out, end - out), bytes, plan.textAt + chunk * plan.chunkTextBytes)
    say(job, chunk, end - out)
  }
}

function planOf(dtype: 'F32' | 'F64', rows: number, columns: number) {
  const chunkRows = Math.max(1, Math.floor(CHUNK_ELEMENTS / columns))
  const chunks = Math.ceil(rows / chunkRows)
  const rowBytes = columns * ELEMENT_BYTES[dtype]
  const textAt = aligned(rows * rowBytes)
  const chunkTextBytes = aligned(printedBytes(dtype, chunkRows, columns))
  return { chunkRows, chunks, rowBytes, textAt, chunkTextBytes, bytes: textAt + chunks * chunkTextBytes }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 16) * 16
}
