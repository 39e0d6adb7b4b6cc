import { CalibrationBody } from '../../schemas/calibration.ts'
import { tensorFields } from '../../schemas/tensor.ts'
import { prepareBatch } from '../batch.ts'
import { calibrate } from '../calibration.ts'
import { softmaxFamily } from '../families/softmax.ts'
import { classIndices } from '../target-kinds.ts'
import type { Operation } from './operation.ts'
import { validate } from './validate.ts'

/** `POST /calibration`: whether the probabilities of a classifier are what happens, and the temperature that makes them so. */
export const calibrationOperation: Operation = {
  name: 'calibration',
  isProportional: false,
  tensorFields: new Set(tensorFields(CalibrationBody.shape)),

  run(engine, envelope) {
    const request = validate(CalibrationBody, envelope)
    const batch = prepareBatch(engine, { family: softmaxFamily, targets: classIndices }, request)
    const { reliability, temperature, ...means } = calibrate(batch, request.bins)
    return {
      answer: {
        dtype: batch.dtype,
        encoding: 'array',
        fields: {
          ...means,
          ece: reliability.ece,
          mce: reliability.mce,
          rmsce: reliability.rmsce,
          temperature: temperature && {
            value: temperature.value,
            at_limit: temperature.isAtLimit,
            nll: temperature.nll,
            ece: temperature.ece,
          },
          bins: reliability.bins.map((bin) => ({ ...bin })),
        },
      },
      loss: 'calibration',
      rows: batch.layout.numRows,
    }
  },
}
