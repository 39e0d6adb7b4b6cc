/** How a library smooths and reduces. */
export interface Preset {
  /** Convention where smoothing spreads over the classes of a distribution. */
  readonly classes: 'uniform' | 'others'
  /** The same where every label is smoothed by itself. */
  readonly labels: 'uniform' | 'others' | 'half'
  readonly reduction: 'mean' | 'sum'
  /** The function that does so. */
  readonly source: string
  readonly url: string
}

/** Libraries by name: what `preset` makes the defaults of `smoothing` and `reduction`. */
export const PRESETS = {
  pytorch: {
    classes: 'uniform',
    labels: 'uniform',
    reduction: 'mean',
    source: 'torch.nn.functional.cross_entropy(label_smoothing=s)',
    url: 'https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html',
  },
  timm: {
    classes: 'uniform',
    labels: 'uniform',
    reduction: 'mean',
    source: 'timm.loss.LabelSmoothingCrossEntropy(smoothing=s)',
    url: 'https://github.com/huggingface/pytorch-image-models/tree/main/timm/loss',
  },
  keras: {
    classes: 'uniform',
    labels: 'half',
    reduction: 'mean',
    source: 'keras.losses.CategoricalCrossentropy and BinaryCrossentropy(label_smoothing=s)',
    url: 'https://github.com/keras-team/keras/blob/master/keras/src/losses/losses.py',
  },
  fairseq: {
    classes: 'others',
    labels: 'others',
    reduction: 'sum',
    source: 'label_smoothed_nll_loss(epsilon=s, reduce=True)',
    url: 'https://github.com/facebookresearch/fairseq/blob/main/fairseq/criterions/label_smoothed_cross_entropy.py',
  },
  tensor2tensor: {
    classes: 'others',
    labels: 'others',
    reduction: 'mean',
    source:
      'padded_cross_entropy(label_smoothing=s), which subtracts the entropy of the targets and leaves out class 0',
    url: 'https://github.com/tensorflow/tensor2tensor/blob/master/tensor2tensor/layers/common_layers.py',
  },
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof PRESETS

export function isPresetName(name: unknown): name is PresetName {
  return typeof name === 'string' && Object.hasOwn(PRESETS, name)
}
