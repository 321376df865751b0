"""Representation misdirection for unlearning."""

from fiubench.support.draws import draw
from fiubench.support.errors import ConfigError
from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, RETAIN_WEIGHT, Method, Step, Tensor, register


@register
class RepresentationMisdirection(Method):
    """``E_F[mean over tokens of |h - strength u|^2 / d] + retain_weight E_R[mean over tokens of |h - h0|^2 / d]``.

    ``h``, of width ``d``, is what a layer gives at the places that the answer is predicted from (the released code
    takes all of a text), ``h0`` the same before unlearning, ``u`` a random direction of length 1 without negative
    entries. Only what lies before the layer learns, and L(y|x) takes no part. Li et al., 2024 (WMDP, arXiv 2403.03218),
    section 4; strength and weight are open-unlearning's.
    """

    name = "rmu"
    help = "Representation misdirection: turns hidden states of the forget set into one random direction."
    batches = (FORGET, RETAIN)
    hidden_states = True
    needs_adapters = True
    layer: int | None = Field(
        None,
        description="Layer that is steered: 0 is the first, -1 the last; null takes the paper's 7 of 32 in proportion.",
    )
    strength: float = Field(2.0, gt=0, description="Length that hidden states are to have in the random direction.")
    direction: int = Field(0, ge=0, description="Seed of that direction.")
    retain_weight: float = Field(1.0, ge=0, description=RETAIN_WEIGHT)

    def loss(self, step: Step) -> Tensor:
        here = self._layer(step, FORGET)
        forget = self._distance(step, FORGET, here - self.strength * self._direction(here))
        if not self.retain_weight:
            return forget
        moved = self._layer(step, RETAIN) - self._layer(step.before, RETAIN)
        return forget + self.retain_weight * self._distance(step, RETAIN, moved)

    def _layer(self, step: Step, name: str) -> Tensor:
        """What the layer gives: float32, shape (batch, tokens, width)."""
        _, *layers = step.hidden_states(name)
        chosen, count = self.layer, len(layers)
        if chosen is None:
            chosen = 7 * count // 32
        if not -count <= chosen < count:
            hint = f"Give one from 0 to {count - 1}, or null."
            raise ConfigError(
                f"layer: the model has no layer {chosen}", where=f"options of method {self.name}", hint=hint
            )
        return layers[chosen].float()

    def _direction(self, like: Tensor) -> Tensor:
        """Of length 1, shape (width,); the same on every machine."""
        words = draw(self.direction, "rmu", [0], words=like.shape[-1])[0] / 2.0**32
        direction = like.new_tensor(words)
        return direction / direction.norm()

    def _distance(self, step: Step, name: str, difference: Tensor) -> Tensor:
        return step.mean(name, (difference**2).mean(dim=-1))
