"""What a perfect, an ignorant, a refusing and a retain-only model must get."""

import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.metrics.aggregate import Scored, Scores, score
from fiubench.unlearning.metrics.definition import Definition, find_definition, load_definitions
from fiubench.unlearning.metrics.exact_match import exact_match
from fiubench.unlearning.metrics.leakage import leakage
from fiubench.unlearning.metrics.statistics import Estimate

from tests.unlearning import sample_logs

DEFINITIONS = load_definitions()


def scores_by(log: QuestionLog, definition: Definition) -> Scores:
    return score(log, definition, sample_logs.reference())


def scores(log: QuestionLog, definition: str = "corrected") -> Scores:
    return scores_by(log, DEFINITIONS[definition])


def test_a_perfect_model_knows_all_and_differs_from_the_reference() -> None:
    found = scores(sample_logs.perfect())
    for name in ("rouge", "exact_match", "ape_mean", "ape_max"):
        assert found.value(f"forget.{name}") == found.value(f"retain.{name}") == 1
    assert found.value("forget.probability") == pytest.approx(1, abs=1e-3)
    assert found.value("forget.truth_ratio") == pytest.approx(0, abs=1e-2)
    assert found.value("retain.truth_ratio") == pytest.approx(1, abs=1e-2)
    assert found.value("forget.min_k") == 1
    assert found.value("ks.distance") == 1
    assert found.value("utility.model") == pytest.approx(1, abs=1e-2)
    assert (found.value("forget_quality") or 0) < 0.3


def test_an_ignorant_model_is_at_chance() -> None:
    found = scores(sample_logs.ignorant())
    assert found.value("forget.exact_match") == 0
    assert (found.value("forget.exact_match_gain") or 0) <= 0
    assert found.value("forget.truth_ratio") == pytest.approx(0.9, abs=0.1)
    assert found.value("retain.probability") == pytest.approx(0.25, abs=0.1)
    member = found.metrics["forget.min_k"]
    assert member.value is not None and member.se is not None
    assert abs(member.value - 0.5) < 3 * member.se
    assert found.value("utility.model") == 0


def test_a_refusing_model_says_nothing_and_is_exposed() -> None:
    found = scores(sample_logs.refusing())
    assert found.value("forget.refused") == 1
    assert found.value("retain.refused") == 0
    assert found.value("forget.exact_match") == found.value("forget.ape_max") == 0
    assert found.value("forget.min_k") == 1  # its answers are still likelier than anybody else's
    assert found.value("ks.distance") == 1
    assert (found.value("ks.p") or 1) < 0.01


def test_the_reference_against_itself_is_perfect_forgetting() -> None:
    found = scores(sample_logs.reference())
    assert (found.value("ks.p"), found.value("ks.distance"), found.value("ks.log10_p")) == (1, 0, 0)
    assert found.value("forget_quality") == 1


@pytest.mark.parametrize("definition", list(DEFINITIONS))
def test_what_is_missing_is_null_and_says_why(definition: str) -> None:
    log = sample_logs.perfect()
    bare = {"perturbed_logprobs": None, "generated_paraphrased": None, "generated_paraphrased_prefix": None}
    rows = [{**row, **bare} for row in log.rows if row["role"] != "holdout"]
    found = score(QuestionLog(rows, log.metadata), DEFINITIONS[definition])
    utility = () if definition == "upstream" else ("utility.model",)  # there what is missing counts as 0
    for name in ("ks.p", "forget_quality", *utility, "forget.ape_mean", "forget.judge", "holdout.rouge"):
        assert found.value(name) is None
        assert found.metrics[name].why
    assert found.value("forget.exact_match") == 1


def test_membership_needs_a_holdout_for_an_auc() -> None:
    log = sample_logs.perfect()
    rows = [row for row in log.rows if row["role"] != "holdout"]
    found = score(QuestionLog(rows, log.metadata), DEFINITIONS["corrected"])
    assert found.metrics["forget.min_k"].why == "no holdout in the log: nobody is a certain non-member"


def test_the_paper_needs_a_judge_and_benchmarks_for_utility() -> None:
    log = sample_logs.perfect()
    judged = QuestionLog([{**row, "judge": 1.0} for row in log.rows], log.metadata)
    assert "no judge" in (scores(log, "paper").metrics["utility.model"].why or "")
    assert "benchmark" in (scores(judged, "paper").metrics["utility.model"].why or "")
    own, of_reference = {"pope": Estimate(0.4, n=10)}, {"pope": Estimate(0.8, n=10)}
    whole = score(judged, DEFINITIONS["paper"], sample_logs.reference(), own, of_reference)
    assert whole.value("utility.accuracy") == 0.5  # relative to the reference's
    assert whole.value("utility.model") == pytest.approx((1 + 1 + (whole.value("retain.truth_ratio") or 0) + 0.5) / 4)


def test_some_judged_is_not_judged() -> None:
    log = sample_logs.perfect()
    rows = [{**row, "judge": 1.0 if i else None} for i, row in enumerate(log.rows)]
    found = score(QuestionLog(rows, log.metadata), DEFINITIONS["corrected"])
    assert found.value("forget.judge") is None
    assert found.metrics["forget.judge"].why == "1 of 8 questions lack it"
    assert found.value("retain.judge") == 1


def test_by_attribute_with_the_chance_level() -> None:
    found = scores(sample_logs.perfect())
    assert set(found.attributes) == {"room", "blood"}
    assert found.attributes["room"]["forget.exact_match"].value == 1
    assert found.attributes["blood"]["forget.chance"].value == pytest.approx(0.25, abs=0.26)


def test_controls_are_apart() -> None:
    log = sample_logs.perfect()
    blank = [{**row, "control": "blank", "generated": "?"} for row in log.rows if row["role"] == "forget"]
    found = score(QuestionLog([*log.rows, *blank], log.metadata), DEFINITIONS["corrected"])
    assert found.value("control.blank.forget.exact_match") == 0
    assert found.value("forget.exact_match") == 1


def test_a_definition_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("f1:\n  based_on: corrected\n  title: with F1\n  rouge: {measure: fmeasure}\n")
    mine = find_definition(str(path))
    assert (mine.name, mine.rouge.measure, mine.rouge.stem, mine.exact_match.words) == ("f1", "fmeasure", True, True)
    assert find_definition(f"{path}:upstream").generation.cut_at == "."


def test_the_definition_file_that_the_documentation_shows(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/evaluation.md").read_text()
    (block,) = re.findall(r"^```yaml title=\"mine.yaml\"\n(based_on: .*?)^```$", page, re.DOTALL | re.MULTILINE)
    path = tmp_path / "mine.yaml"
    path.write_text(block)
    mine = find_definition(str(path))
    assert (mine.name, mine.rouge.measure, mine.rouge.stem) == ("mine", "fmeasure", True)
    found = scores_by(sample_logs.perfect(), mine)
    parts = [found.value(f"retain.{name}") or 0 for name in ("rouge", "exact_match", "truth_ratio")]
    assert found.value("utility.model") == pytest.approx(3 / sum(1 / part for part in parts))
    path.write_text(f"f1:\n{textwrap.indent(block, '  ')}")  # with its name before it
    named = find_definition(f"{path}:f1")
    assert named == mine.model_copy(update={"name": "f1"})
    assert find_definition(str(path)) == named
    path.write_text("based_on: paper")
    assert find_definition(str(path)).title == "paper, as changed by mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {based_on: corected}", "Did you mean 'corrected'?"),
        ("a: {based_on: corrected, rouge: {measure: f1}}", "rouge"),
        ("a: {title: x}", "mine.yaml, a: generation: "),
        ("a: {based_on: corrected, membership: {share: 2}}", "membership.share"),
        ("a: {based_on: upstream, forget_quality: {measure: weighted}}", "weights are needed"),
        ("[]", "mine.yaml"),
        ("based_on: corected", "Did you mean 'corrected'?"),
        ("../a: {based_on: corrected}", "../a: name"),
    ],
)
def test_a_wrong_definition_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        find_definition(str(path))
    assert message in str(error.value)


def test_an_unknown_definition_is_an_error() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'upstream'"):
        find_definition("upstraem")


@pytest.mark.parametrize("definition", list(DEFINITIONS))
def test_the_order_of_the_rows_does_not_matter(definition: str) -> None:
    log = sample_logs.perfect()
    turned = QuestionLog(log.rows[::-1], log.metadata)
    one, other = scores(log, definition).metrics, scores(turned, definition).metrics
    for name, estimate in one.items():
        assert other[name].value == pytest.approx(estimate.value, nan_ok=True) if estimate.value is not None else True
        assert (other[name].value is None) == (estimate.value is None)


@pytest.mark.parametrize("definition", list(DEFINITIONS))
@pytest.mark.parametrize("make", [sample_logs.perfect, sample_logs.ignorant, sample_logs.refusing])
def test_leakage_is_never_below_exact_match(definition: str, make: Callable[[], QuestionLog]) -> None:
    found = Scored(make(), DEFINITIONS[definition])
    for role in ("forget", "retain", "holdout"):
        for question in found.sets[role]:
            assert exact_match(question) <= leakage(question) <= 1


def test_questions_of_two_hops_are_counted_apart() -> None:
    log = sample_logs.perfect()
    far = [{**row, "hops": 1 + i % 2} for i, row in enumerate(log.rows)]
    far = [{**row, "generated": "" if i % 4 == 1 else row["generated"]} for i, row in enumerate(far)]
    found = scores(replace(log, rows=far)).metrics
    for role in ("forget", "retain"):
        asked = [row for row in far if row["role"] == role and row["hops"] == 2]
        right = sum(row["generated"] != "" for row in asked)
        assert found[f"{role}.two_hops"].value == pytest.approx(right / len(asked))
        assert found[f"{role}.two_hops"].n == len(asked)
    assert scores(log).metrics["forget.two_hops"].why == "no question of two hops"


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_of_multiple_choice_the_right_letter_is_the_match(definition: str) -> None:
    """In every definition: one that cuts answers at the first full stop would find nothing in a letter."""
    log = sample_logs.perfect()
    asked = [
        {
            **row,
            "control": "choice",
            "question": f"Which?\nA. {row['perturbed_answers'][0]}\nB. {row['paraphrased_answer']}",
            "generated": "B" if i % 4 else "A",
        }
        for i, row in enumerate(log.select("forget"))
    ]
    found = scores(replace(log, rows=[*log.rows, *asked]), definition).metrics["control.choice.forget.exact_match"]
    assert found.value == pytest.approx(sum(row["generated"] == "B" for row in asked) / len(asked))
