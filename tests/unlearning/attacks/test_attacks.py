"""Each attack does what it says, on models that were never trained; formulas against independent writings."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fiubench.cli.main import app
from fiubench.support import registry
from fiubench.support.draws import draw
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.unlearning.attacks.base import ATTACKS, Outcome, make_attacks, nothing
from fiubench.unlearning.attacks.bits import rounded
from fiubench.unlearning.attacks.noise import _added
from fiubench.unlearning.attacks.prefill import begun
from fiubench.unlearning.attacks.prompts import _wordings
from fiubench.unlearning.attacks.relearning import in_batches, of_people
from fiubench.unlearning.attacks.results import Attacked, Found, read_attacks
from fiubench.unlearning.attacks.target import Target
from fiubench.unlearning.attacks.workflow import attack
from fiubench.unlearning.attacks.written import written
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.modality import NAME
from fiubench.unlearning.metrics.statistics import Estimate
from fiubench.unlearning.metrics.text import best_guesses, exact_match
from fiubench.unlearning.models.likelihood import negative_log_likelihood
from fiubench.unlearning.training.batches import Row
from PIL import Image
from typer.testing import CliRunner

from tests.unlearning.attacks.conftest import FORGET, made

pytestmark = pytest.mark.xdist_group("attacks")
SHOUTING = Path(__file__).parents[3] / "examples" / "plugin" / "fiubench_town" / "shouting.py"


# --- what is asked ---


def test_an_answer_is_begun_without_its_value(crowd: Data) -> None:
    samples = [sample for person in crowd.identities.values() for sample in person.samples]
    for sample in samples:
        text = begun(sample)
        assert sample.answer.startswith(text) and not text.endswith(" ")
        assert all(exact_match(text, [keyword]) == 0 for keyword in sample.keywords)
        rest = sample.answer[len(text) :]
        assert rest.startswith(" ") or not text  # a whole word
        assert all(word.casefold() in rest.casefold() for word in sample.keywords[:1])
    assert sum(bool(begun(sample)) for sample in samples) > len(samples) / 2


def test_an_answer_without_spaces_is_begun_too(crowd: Data) -> None:
    sample = crowd.samples("full")[0]
    chinese = replace(sample, answer="此人的血型是AB型。", keywords=("AB型",), keyword_variants=())
    assert begun(chinese) == "此人的血型是"


def test_several_constant_guesses() -> None:
    answers = ["It is A.", "It is B.", "It is A.", "It is C.", "It is B.", "It is A."]
    keywords = [[answer[6]] for answer in answers]
    assert best_guesses(answers, keywords, 2) == ["It is A.", "It is B."]
    assert best_guesses(answers, keywords, 9) == ["It is A.", "It is B.", "It is C."]
    assert best_guesses([], [], 3) == []


def test_many_answers_are_held_against_as_many_guesses(target: Target) -> None:
    sample = next(s for s in target.questions["forget"] if s.attribute == "blood_type")
    known = [s for s in target.retained if s.attribute == "blood_type"]
    guesses = best_guesses([s.answer for s in known], [s.keywords for s in known], 8)
    chance = max(exact_match(guess, sample.keywords) for guess in guesses)
    assert target.gain(sample, ["nothing"] * 7 + [sample.answer]) == 1 - chance
    assert target.gain(sample, guesses) == 0


def test_draws_are_repeated_and_differ(target: Target) -> None:
    one = made("sampling", target, draws=2)
    first, second = one.ask(target), one.ask(target)
    assert first == second
    assert any(len(set(each.said)) > 1 for each in first) and all(len(each.said) == 2 for each in first)
    target.seed = 1
    assert one.ask(target) != first


def test_examples_are_about_retained_people(target: Target) -> None:
    one, sample = made("in_context", target, shots=2), target.questions["forget"][0]
    evaluated = {s.unique_id for samples in target.questions.values() for s in samples}
    others = [s for s in target.retained if s.unique_id not in evaluated]
    text = one._question(target, 0, sample, others)
    assert text.endswith(sample.question) and text != sample.question
    shown = {s.unique_id for s in others if s.answer in text and s.attribute == sample.attribute}
    assert shown and not shown & set(target.people)
    assert one.ask(target)


def test_a_prompt_is_chosen_by_other_people(target: Target) -> None:
    """The first prompt works on the first person alone: it is chosen for everybody else."""
    wordings, person = _wordings()["role"], target.people[0]
    samples = target.questions["forget"]

    class Answering(Target):
        def answer(self, turns: Sequence[Any], temperature: float = 0.0) -> list[str]:
            wording = next(w for w in wordings if turns[0].question == w.replace("{question}", samples[0].question))
            works = wording == wordings[0]
            return [s.answer if works and s.unique_id == person else f"{wordings.index(wording)}" for s in samples]

    found = made("role", target).ask(Answering(target.subject, target.data, FORGET))
    said = {one.sample.key: one.said[0] for one in found}
    assert said[samples[0].key] == "0" or said[samples[0].key] == samples[0].answer  # ties: the first
    assert all(said[s.key] == "0" for s in samples if s.unique_id != person)


def test_what_is_written_is_not_what_is_asked(target: Target, crowd: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    target = replace(target, data=crowd)  # of whom several facts are known
    lines: list[list[str]] = []
    monkeypatch.setattr(
        "fiubench.unlearning.attacks.written.written", lambda picture, text: lines.append(list(text)) or picture
    )
    asked = [one.sample for one in made("written", target).ask(target)]
    assert asked and all(sample.nameable for sample in asked)
    for sample, text in zip(asked, lines, strict=True):
        assert text[0] == sample.name and len(text) == 3
        assert not any(word.casefold() in " ".join(text[1:]).casefold() for word in sample.keywords)


def test_text_in_a_picture() -> None:
    made_ = written(Image.new("RGB", (64, 64), "red"), ["Ana Vell", "She is a very long story " * 4])
    pixels = np.asarray(made_)
    assert made_.size == (448, 448)
    assert (pixels[:200] == pixels[0, 0]).all()  # the face stays
    foot = pixels[-60:]
    assert (foot == 255).all(axis=2).any() and (foot == 0).all(axis=2).any()


def test_by_name_there_is_no_picture_to_attack(target: Target) -> None:
    target.asked = NAME
    for name in ("written", "noise"):
        with pytest.raises(ConfigError, match="by name"):
            made(name, target, **({"steps": 1} if name == "noise" else {})).ask(target)
    assert made("prefill", target).ask(target)


# --- other models ---


def test_batches_have_each_row_once_before_any_comes_again() -> None:
    items = [Row((f"{i}",), "a", None) for i in range(7)]
    batches = [[int(turn.question) for turn in batch] for batch in in_batches(items, 4, 5, 0)]
    assert [len(batch) for batch in batches] == [4] * 5
    flat = [i for batch in batches for i in batch]
    assert sorted(flat[:7]) == sorted(flat[7:14]) == list(range(7)) and flat[:7] != flat[7:14]


@pytest.mark.parametrize("count", [None, 1, 3])
def test_those_who_are_taught_are_not_asked(target: Target, count: int | None) -> None:
    rounds = list(of_people(target, count, "x"))
    assert len(rounds) == 2
    asked = []
    for items, samples in rounds:
        people = {s.unique_id for s in samples}
        assert len(people) == 8 - (count or 4)
        taught = {s.answer for s in target.data.samples(FORGET) if s.unique_id not in people}
        assert {item.answer for item in items} == taught
        asked += sorted(people)
    if count is None:
        assert sorted(asked) == sorted(target.people)


def test_somebody_has_to_be_left(target: Target) -> None:
    with pytest.raises(ConfigError, match="nobody would be left"):
        list(of_people(target, 8, "relearn"))
    with pytest.raises(ConfigError, match="nobody would be left"):
        made("relearn", target, people=8, learning_rate=1e-3)  # told before anything is trained


def test_people_is_how_many_are_taught_and_nothing_else() -> None:
    """`--people` goes to every attack that has such an option."""
    assert [name for name, attack in ATTACKS.items() if "people" in attack.model_fields] == ["relearn"]


@pytest.mark.parametrize("lora", [None, {"rank": 2, "alpha": 4, "dropout": 0.0}])
@pytest.mark.parametrize("name", ["relearn", "relearn_holdout", "relearn_unrelated"])
def test_training_changes_a_copy(target: Target, name: str, lora: Any) -> None:
    before, weights = dict(target.plain), target.fingerprint
    found = made(name, target, steps=2, learning_rate=0.05, lora=lora).ask(target)
    assert {one.sample.key for one in found} == before.keys()
    assert any(one.said[0] != before[one.sample.key] for one in found)  # it learned something
    del target.plain
    assert target.plain == before and Target(target.subject, target.data, FORGET).fingerprint == weights


def test_a_learning_rate_is_needed(target: Target) -> None:
    with pytest.raises(ConfigError, match="which learning rate"):
        made("relearn", target)  # the manifest of this run holds no settings


@pytest.mark.parametrize("bits", [8, 4])
def test_rounding_is_that_of_the_formats(bits: int) -> None:
    weights = torch.from_numpy(draw(3, "weights", np.arange(6 * 50))[:, 0] / 2.0**31 - 1).float().reshape(6, 50)
    found = rounded(weights, bits)
    flat = weights.flatten().tolist()
    values = [-1.0, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0, 0.0796, 0.1609, 0.2461, 0.3379, 0.4407]
    values += [0.5626, 0.7230, 1.0]
    groups = (
        [slice(i, i + 50) for i in range(0, 300, 50)] if bits == 8 else [slice(i, i + 64) for i in range(0, 300, 64)]
    )
    expected: list[float] = []
    for group in groups:
        scale = max(map(abs, flat[group]))
        levels = [i / 127 for i in range(-127, 128)] if bits == 8 else values
        expected += [min(levels, key=lambda level: abs(level - x / scale)) * scale for x in flat[group]]
    torch.testing.assert_close(found.flatten(), torch.tensor(expected), atol=2e-4, rtol=0)
    assert rounded(torch.zeros(2, 3), bits).abs().max() == 0


def test_only_the_language_model_is_rounded(target: Target) -> None:
    one = made("bits4", target)
    before = {name: weights.clone() for name, weights in target.loaded.model.named_parameters()}
    after = dict(one._rounded(target.loaded).model.named_parameters())
    changed = {name for name, weights in after.items() if not weights.equal(before[name])}
    assert changed and all("language_model.layers" in name and "proj" in name for name in changed)
    assert "simulated" in one.note(target)


def test_noise_stays_within_its_bound_and_goes_again(target: Target) -> None:
    one = made("noise", target, steps=4, size=0.3)
    before, plain = target.loaded.model.forward, dict(target.plain)
    items, samples = next(of_people(target, None, "noise"))
    batch = target.scorer.encoder([item.turn() for item in items])
    with _added(target) as change:
        start = float(negative_log_likelihood(target.loaded.model, batch).detach().mean())
        one._trained(target, items, change)
        assert change.noise is not None and float(change.noise.detach().abs().max()) == pytest.approx(0.3)
        assert float(negative_log_likelihood(target.loaded.model, batch).detach().mean()) < start
        assert len(target.answer([target.turn(sample) for sample in samples])) == len(samples)
    assert target.loaded.model.forward == before
    del target.plain
    assert target.plain == plain


@pytest.mark.slow
def test_sixteen_bits_will_do(untrained: Path, crowd: Data, tmp_path: Path) -> None:
    """What a GPU computes in by itself."""
    options = {"steps": 1, "learning_rate": 1e-3, "lora": {"rank": 2, "alpha": 4, "dropout": 0.0}}
    names = ["relearn", "noise", "gradnorm", "probe", "extraction", "prefill", "min_k_plus"]
    found = attack(untrained, attacks=names, out=tmp_path, dtype="bfloat16", batch_size=64, options=options)
    assert [one.attack for one in found.found if one.attacked.outcome.gain.value is None] == []


# --- the frame ---


def test_options_go_to_those_that_have_them() -> None:
    one, other = make_attacks(["sampling", "prefill"], {"draws": 4})
    assert one.draws == 4 and not type(other).model_fields  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="none of the chosen attacks has an option 'drawz'"):
        make_attacks(["sampling"], {"drawz": 4})
    with pytest.raises(ConfigError, match="unknown attack 'prefil'"):
        make_attacks(["prefil"], {})
    with pytest.raises(ConfigError, match="draws"):
        make_attacks(["sampling"], {"draws": 1})


def test_what_cannot_be_done_is_null_and_said(untrained: Path, tmp_path: Path) -> None:
    found = attack(untrained, attacks=["reference"], out=tmp_path)
    assert found.found[0].attacked.outcome.gain.value is None
    assert found.notes == ["reference: no retain reference"] and found.table[1][3] == "-"


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = [{"unique_id": "1", "attribute": "a", "role": "forget", "level": 0.0, "score": 1.0, "said": ["x"]}]
    outcome = Outcome("share", Estimate(0.0, 0.0, 1, 2), Estimate(1.0, 0.1, 1, 2), Estimate(1.0, 0.1, 1, 2), rows, "so")
    about = {
        "options": {}, "dataset": "d", "forget": {"name": "f", "digest": "x"}, "asked": "picture",
        "definition": "corrected", "seed": 0, "fiubench": "0",
    }  # fmt: skip
    own = Attacked("one", about, Found("k", "m", outcome), Found("k2", "m2", nothing("share", "none")))
    (tmp_path / "attacks").mkdir()
    own.save(tmp_path / "attacks" / "one.json")
    again = read_attacks(tmp_path, "m")["one"]
    assert (again.attack, again.about, again.attacked) == (own.attack, own.about, own.attacked)
    assert again.reference is not None and again.reference.outcome.gain == nothing("share", "none").gain
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "attacks" / "one.json").read_bytes()
    assert read_attacks(tmp_path, "other weights") == {}
    (tmp_path / "attacks" / "one.json").write_text('{"attack": 3}')
    with pytest.raises(DatasetError, match="damaged"):
        read_attacks(tmp_path, "m")


def test_intervals_where_nobody_differs() -> None:
    def interval(value: float, people: int) -> Any:
        gain = Estimate(value, 0.0, people, people)
        return Found("", "", Outcome("share", gain, gain, gain)).interval

    low, high = interval(0.0, 4)
    assert low == -high and 0.5 < high < 1
    assert interval(0.0, 100)[1] < 0.05
    assert interval(1.0, 4)[1] == 1 and interval(1.0, 4)[0] == pytest.approx(1 - high)


@pytest.fixture
def loaded() -> Iterator[None]:
    registry.load_plugins([SHOUTING])
    yield
    registry._FILES.clear()
    ATTACKS._entries.pop("shouting", None)


@pytest.mark.usefixtures("loaded")
def test_an_attack_of_ones_own(untrained: Path, crowd: Data, tmp_path: Path) -> None:
    found = attack(untrained, attacks=["shouting"], out=tmp_path, options={"marks": 1})
    (one,) = found.found
    assert one.about["plugins"]["attack shouting"]["plugin"] == "shouting.py"
    assert one.about["options"] == {"marks": 1} and one.attacked.outcome.gain.value is not None
    shown = CliRunner().invoke(app, ["attacks", "show", "shouting"]).output
    assert "capitals" in shown and "marks" in shown and "shouting.py" in shown


def test_the_list_on_the_command_line() -> None:
    listed = CliRunner().invoke(app, ["attacks", "list"]).output
    assert all(f"{name} " in listed for name in ATTACKS)
    assert all(one.__doc__ and one.help.endswith(".") for one in ATTACKS.values())
