"""What other libraries answer, from their own code: one file a library, each a table `ROUTES` of its functions.

A route says which requests its function can express, and gives for them the losses of the rows that count, or the reduced loss by the
library's own reduction, or both. What it is asked with is a `Question`, whose arrays are those of the library.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace


@dataclass(frozen=True)
class Route:
    """A function of a library, for the losses that are named."""

    # As it stands in `agrees_with`; begins with the name of the package.
    name: str
    losses: tuple
    # (question) -> whether the function can express the request.
    expresses: Callable
    # (question, z) -> losses [N] before sample weights, or the reduced loss, or (losses, reduced loss or None).
    answer: Callable
    # Whether it is right where classes are masked out by logits of -Infinity.
    takes_masks: bool = False

    def can(self, question):
        takes = question.loss in self.losses and (self.takes_masks or not question.is_masked)
        return bool(takes and self.expresses(question))


def question(fields, array, indices):
    """A request, of its rows that count, as a route sees it; `array` and `indices` make tensors of nested lists of numbers.

      loss, params        its name; its parameters, None where they are absent
      z, t, q             scores, targets before and after smoothing [N, K]; t is a teacher's logits where a teacher stands for targets
      labels              [N] class indices, where targets are that and not mixed; else None
      w, v                class weights [K], sample weights [N]
      row_weight          [N] what multiplies a loss that compares all of p with q: sum_k w_k q_k, or 1 without class weights
      s, smoothing        smoothing factor, and "uniform", "others", "half" or "prior"
      N, K                rows, classes; on JAX more rows stand behind the N, that weigh nothing
      reduction, normalizer  of the request; what the sum of weighted losses is divided by
      own_reduction       "sum", or "rows" or "elements" for a mean over N or N K, where there are no sample weights; else None
      is_weighted         whether there are class weights
      has_sample_weights  whether there are those
      is_masked           whether a logit is -Infinity
      is_moderate         whether no probability is so near 0 or 1 that formulas in probabilities lose 10 digits there
    """
    made = dict(fields)
    for name in ('z', 't', 'q', 'w', 'v', 'row_weight'):
        made[name] = array(fields[name])
    made['labels'] = None if fields['labels'] is None else indices(fields['labels'])
    made['params'] = SimpleNamespace(**{name: array(value) if isinstance(value, list) else value for name, value in fields['params'].items()})
    return SimpleNamespace(**made)


def run_call(call, names, array, modules):
    """The value of the last of the statements of `call`; `array` makes a tensor of a list, knowing whether it holds class indices."""
    made = {}
    for name, value in names.items():
        is_index = name == 'targets' and isinstance(value[0], int)
        made[name] = array(value, is_index) if isinstance(value, list) else value
    *before, last = ast.parse(call).body
    namespace = {**modules, **made}
    exec(compile(ast.Module(before, []), call, 'exec'), namespace)
    return eval(compile(ast.Expression(last.value), call, 'eval'), namespace)


CROSS_ENTROPIES = ('cross_entropy', 'label_smoothing_cross_entropy', 'soft_target_cross_entropy')


def is_cross_entropy(c):
    """Whether nothing of the loss is left but a cross entropy of logits over a temperature."""
    params = vars(c.params)
    return not params.get('z_loss') and params.get('softcap') is None


def temperature(c):
    return vars(c.params).get('temperature', 1)


def is_uniform(c):
    return c.smoothing == 'uniform'


def is_hard(c):
    """Whether the whole target of each row is on its class."""
    return c.labels is not None and c.s == 0
