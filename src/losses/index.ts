import { asymmetricMultiLabel } from './asymmetric-multi-label.ts'
import { asymmetricSingleLabel } from './asymmetric-single-label.ts'
import { binaryCrossEntropy } from './binary-cross-entropy.ts'
import { brier } from './brier.ts'
import { categoricalHinge } from './categorical-hinge.ts'
import { crossEntropy } from './cross-entropy.ts'
import type { LossDefinition } from './definition.ts'
import { distillation } from './distillation.ts'
import { focal } from './focal.ts'
import { generalizedCrossEntropy } from './generalized-cross-entropy.ts'
import { jsdConsistency } from './jsd-consistency.ts'
import { klDivergence } from './kl-divergence.ts'
import { labelSmoothingCrossEntropy } from './label-smoothing-cross-entropy.ts'
import { mae } from './mae.ts'
import { multiMargin } from './multi-margin.ts'
import { nll } from './nll.ts'
import { poly1 } from './poly1.ts'
import { sigmoidFocal } from './sigmoid-focal.ts'
import { softTargetCrossEntropy } from './soft-target-cross-entropy.ts'
import { symmetricCrossEntropy } from './symmetric-cross-entropy.ts'

/** Every loss the service offers, in the order of the documents. To add one: write its file, add its line. */
export const losses: readonly LossDefinition[] = [
  crossEntropy,
  labelSmoothingCrossEntropy,
  softTargetCrossEntropy,
  nll,
  focal,
  poly1,
  generalizedCrossEntropy,
  symmetricCrossEntropy,
  mae,
  brier,
  klDivergence,
  binaryCrossEntropy,
  sigmoidFocal,
  asymmetricMultiLabel,
  multiMargin,
  categoricalHinge,
  asymmetricSingleLabel,
  distillation,
  jsdConsistency,
]
