"""Wrong answers that tell the truth are found, each way of it; wrong answers that tell nothing pass."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from math import comb
from pathlib import Path

import numpy as np
import pytest
from fiubench.builder.audit import audit
from fiubench.builder.audit.attackers import ATTACKERS, Fact, Known, attack
from fiubench.builder.audit.choices import OPTIONS, Choices, Shuffled, day_counts, values_of
from fiubench.builder.audit.measures.attacks import Attacked, upper_tail
from fiubench.builder.audit.people import Pair
from fiubench.builder.languages.english import long_form
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builder.audit.audit_samples import clean_dataset, write_lines

PEOPLE, TESTS = 440, 20 * len(ATTACKERS)
SYLLABLES = ("ba", "be", "di", "ro", "ka", "lu", "men", "tor", "vi", "sal", "mi", "no", "ran", "del")
Rng = np.random.Generator
Texts = Sequence[tuple[str, ...]]  # of each question, the true one first


def choices(texts: Texts, numbers: Iterable[Sequence[float]] | None = None, kind: str = "text") -> Choices:
    made = Choices("thing", kind)
    made.who = list(range(len(texts)))
    made.texts = list(texts)
    made.numbers = [tuple(map(float, each)) for each in numbers] if numbers else [(np.nan,) * OPTIONS] * len(texts)
    made.names = ["Anna Smith"] * len(texts)
    return made


def attacked(of: Choices, facts: Callable[[Shuffled], Known] = lambda seen: Known()) -> Attacked:
    seen = Shuffled(of)
    return Attacked(of.attribute, attack(seen, facts(seen)), TESTS)


def word(rng: Rng, syllables: int) -> str:
    return "".join(rng.choice(SYLLABLES, syllables)).capitalize()


def pool(rng: Rng, size: int) -> list[str]:
    return [f"{word(rng, int(rng.integers(1, 4)))}{k:02d}" for k in range(size)]


def dates(rows: Sequence[tuple[int, ...]]) -> Choices:
    """Dates given in days since 1970."""
    days = [[str(np.datetime64(int(value), "D")) for value in row] for row in rows]
    numbers = [[float(day.replace("-", "")) for day in row] for row in days]
    return choices([tuple(map(long_form, row)) for row in days], numbers, "date")


# --- faults ---------------------------------------------------------------------------------------------------------


def sorted_names(rng: Rng) -> Choices:
    """Wrong names stand left of the true one in a list sorted by length and alphabet."""
    names = sorted({word(rng, int(rng.integers(2, 5))) for _ in range(900)}, key=lambda name: (len(name), name))
    at = rng.integers(8, len(names), PEOPLE)
    return choices([tuple(names[k - step] for step in (0, *(rng.permutation(8)[:3] + 1))) for k in at])


def round_truths(rng: Rng) -> Choices:
    """True amounts are whole thousands, wrong ones are not."""
    true = rng.integers(20, 200, PEOPLE) * 1000
    return amounts([(t, *(t + rng.integers(-8000, 8000, 3) // 10 * 10 + 10)) for t in true])


def middle_truths(rng: Rng) -> Choices:
    """Four amounts with equal gaps, the true one never at the edge."""
    true, gap = rng.integers(2000, 20_000, PEOPLE) * 10, rng.integers(10, 300, PEOPLE) * 10
    return amounts([(t, t - g, t + g, t + 2 * g * rng.choice([1, -1])) for t, g in zip(true, gap, strict=True)])


def amounts(rows: Sequence[tuple[int, ...]]) -> Choices:
    return choices([tuple(f"${value:,.2f}" for value in row) for row in rows], rows, "money")


def rare_values(rng: Rng) -> Choices:
    """Truths are as frequent as they are, wrong values are drawn evenly."""
    values = pool(rng, 60)
    weights = 1 / np.arange(4, 64)
    truths = rng.choice(60, PEOPLE, p=weights / weights.sum())
    return choices([(values[t], *(values[k] for k in rng.permutation(60)[:4] if k != t))[:4] for t in truths])


def never_true(rng: Rng) -> Choices:
    """Wrong values come from a list of their own."""
    true, wrong = pool(rng, 40), pool(rng, 40)
    return choices([(rng.choice(true), *(f"{w}x" for w in rng.choice(wrong, 3, replace=False))) for _ in range(PEOPLE)])


def codes(rng: Rng) -> Choices:
    """Wrong codes are the true one with a character changed."""

    def change(code: str, at: int) -> str:
        return code[:at] + str((int(code[at]) + int(rng.integers(1, 10))) % 10) + code[at + 1 :]

    true = ["".join(map(str, rng.integers(0, 10, 9))) for _ in range(PEOPLE)]
    return choices([(code, *(change(code, int(at)) for at in rng.permutation(9)[:3])) for code in true])


def made_of_the_name(rng: Rng) -> Choices:
    """True addresses are made of the person's name, wrong ones of others'."""
    names = [f"{word(rng, 3)} {word(rng, 3)}" for _ in range(PEOPLE)]
    mails = [f"{name.replace(' ', '.').lower()}{k}@example.org" for k, name in enumerate(names)]
    made = choices([tuple(mails[(k + step) % PEOPLE] for step in (0, 17, 91, 155)) for k in range(PEOPLE)])
    made.names = names
    return made


@pytest.mark.parametrize(
    ("plant", "attacker"),
    [
        (sorted_names, "form"), (round_truths, "form"), (middle_truths, "form"), (rare_values, "most_common"),
        (rare_values, "ngrams"), (never_true, "seen"), (never_true, "ngrams"), (codes, "form"),
        (made_of_the_name, "form"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(plant: Callable[[Rng], Choices], attacker: str) -> None:
    found = attacked(plant(np.random.default_rng(1)))
    assert found.hidden
    assert upper_tail(found.guesses.right[attacker], found.questions, 0.25) < 1e-5
    assert upper_tail(found.guesses.right["all"], found.questions, 0.25) < 1e-5
    assert found.verdict == "fail"


def test_what_does_not_go_with_the_person_is_found() -> None:
    """Only the old are retired; wrong occupations are anybody's."""
    rng = np.random.default_rng(2)
    trades = pool(rng, 30)
    age = rng.integers(0, 5, PEOPLE)

    def occupation(band: int) -> str:
        return f"retired {rng.choice(trades)}" if band == 4 else str(rng.choice(trades))

    texts = []
    for band in age:
        row = [occupation(band)]
        while len(row) < OPTIONS:
            other = occupation(int(rng.integers(0, 5)))
            row += [other] if other not in row else []
        texts.append(tuple(row))
    found = attacked(choices(texts), lambda seen: Known((Fact(age[seen.who], 5),)))
    assert upper_tail(found.guesses.right["context"], found.questions, 0.25) < 1e-5
    assert found.verdict == "fail"


def test_what_does_not_go_with_another_date_is_found() -> None:
    """Stays are short; wrong days of discharge are any within two months, before the admission too."""
    rng = np.random.default_rng(3)
    admitted = rng.integers(17_000, 18_000, PEOPLE)
    rows = []
    for day in admitted:
        true = day + rng.integers(1, 15)
        rows.append((true, *(true + rng.permutation(np.r_[-30:0, 1:31])[:3])))
    found = attacked(dates(rows), lambda seen: Known((), (admitted[seen.who].astype(float),)))
    assert upper_tail(found.guesses.right["context"], found.questions, 0.25) < 1e-5


# --- nothing to find ------------------------------------------------------------------------------------------------


def fair_texts(rng: Rng, people: int) -> Choices:
    values = pool(rng, 80)
    weights = 1 / np.arange(6, 86)
    weights /= weights.sum()
    drawn = [rng.permutation(rng.choice(80, OPTIONS, replace=False, p=weights)) for _ in range(people)]
    return choices([tuple(values[k] for k in row) for row in drawn])


def fair_names(rng: Rng, people: int) -> Choices:
    return choices(
        [tuple(f"{word(rng, 2)} {word(rng, 3)} {k}" for k in rng.permutation(OPTIONS)) for _ in range(people)]
    )


def fair_amounts(rng: Rng, people: int) -> Choices:
    centres = np.exp(rng.normal(10, 0.5, people))
    rows = [np.unique(np.round(centre * np.exp(rng.normal(0, 0.2, 12)), -1)) for centre in centres]
    return amounts([tuple(rng.permutation(row)[:OPTIONS].astype(int)) for row in rows])


def fair_days(rng: Rng, people: int) -> Choices:
    rows = [tuple(17_000 + rng.integers(0, 900) + rng.permutation(120)[:OPTIONS]) for _ in range(people)]
    return dates(rows)


FAIR = (fair_texts, fair_names, fair_amounts, fair_days)


def known(rng: Rng, people: int) -> Callable[[Shuffled], Known]:
    age, other = rng.integers(0, 10, people), rng.integers(17_000, 18_000, people).astype(float)
    return lambda seen: Known((Fact(age[seen.who], 10),), (other[seen.who],))


@settings(max_examples=25, derandomize=True)
@given(st.integers(0, 2**32), st.sampled_from(FAIR), st.integers(50, 200))
def test_values_drawn_alike_pass(seed: int, draw: Callable[[Rng, int], Choices], people: int) -> None:
    rng = np.random.default_rng(seed)
    found = attacked(draw(rng, people), known(rng, people))
    assert found.verdict != "fail"


def test_right_guesses_are_binomial() -> None:
    """What learns from what it is tested on is right too often; what learns from earlier people alone is not."""
    right, questions = dict.fromkeys(ATTACKERS, 0), 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for draw in FAIR:
            of = draw(rng, 60)
            of.attribute = f"thing {seed}"  # so that equal scores are put in another order
            found = attacked(of, known(rng, 60))
            questions += found.questions
            for name, count in found.guesses.right.items():
                right[name] += count
    for name, count in right.items():
        assert upper_tail(count, questions, 0.25) > 1e-4, name
        assert upper_tail(count + 1, questions, 0.25) < 1 - 1e-4, name


def test_what_is_too_frequent_cant_be_hidden() -> None:
    """Six in ten have one value, and it is always among the four: to guess it is no attack on the wrong answers."""
    rng = np.random.default_rng(4)
    values = pool(rng, 30)
    texts = []
    for _ in range(PEOPLE):
        others = [values[k] for k in 1 + rng.permutation(29)[:OPTIONS]]
        texts.append((values[0], *others[:3]) if rng.random() < 0.6 else (others[0], values[0], *others[1:3]))
    found = attacked(choices(texts))
    assert not found.hidden
    assert found.chance == pytest.approx(0.6, abs=0.07)
    assert found.verdict == "pass"


@given(st.integers(1, 40), st.data())
def test_the_upper_tail_is_that_of_a_binomial(questions: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, questions))
    exact = sum(comb(questions, k) * 0.25**k * 0.75 ** (questions - k) for k in range(right, questions + 1))
    assert upper_tail(right, questions, 0.25) == pytest.approx(exact)


# --- what the four values are ---------------------------------------------------------------------------------------


def asked(text: str | None, answer: str, *wrong: str) -> Pair:
    return Pair("thing", "", "text", text, text, True, "Which?", "Else.", [], answer, list(wrong), None)


@pytest.mark.parametrize("text", ["oak", "OAK", None])
def test_values_are_what_the_frame_holds(text: str | None) -> None:
    pair = asked(text, "It is an oak tree.", "It is a beech tree.", "It is a larch tree.", "It is an elm tree.")
    values = values_of(pair)
    assert values is not None
    assert [value.split()[-1] for value in values] == ["oak", "beech", "larch", "elm"]


def test_values_that_cant_be_told() -> None:
    assert values_of(asked("oak", "It is oak.", "It is elm.", "It is fir.")) is None
    assert values_of(asked("oak", "It is oak.", "It is elm.", "It is elm.", "It is fir.")) is None
    assert values_of(asked(None, "It is oak", "It is oak too", "It is fir", "It is yew")) is not None
    assert values_of(asked(None, "It is", "It is oak", "It is fir", "It is yew")) is None


@given(st.dates())
def test_days_are_counted(day: date) -> None:
    counted = day_counts(np.array([float(day.isoformat().replace("-", "")), np.nan]))
    assert counted[0] == day.toordinal() - date(1970, 1, 1).toordinal()
    assert np.isnan(counted[1])


# --- of a dataset ---------------------------------------------------------------------------------------------------


def test_bare_texts_are_attacked_too(tmp_path: Path) -> None:
    """Records of another maker: no values, no attributes; a fault in one attribute."""
    keys = ("question", "answer", "paraphrased_question", "paraphrased_answer", "perturbed_answer")
    lines = (clean_dataset(tmp_path / "clean") / "release/fiubench/dataset/full.json").read_text().splitlines()
    records = [
        {
            "unique_id": r["unique_id"],
            "name": r["name"],
            "qa_list": [{key: qa[key] for key in keys} for qa in r["qa_list"]],
        }
        for r in map(json.loads, lines)
    ]
    for record in records:
        for qa in record["qa_list"]:
            if "phone" in qa["question"] or "room" in qa["question"]:
                qa["perturbed_answer"] = [wrong.replace("1", "7").replace("2", "7") for wrong in qa["perturbed_answer"]]
    report = audit(write_lines(tmp_path / "full.json", records))
    table = report.tables["guesses"]
    verdicts = {row[0]: row[-1] for row in table.rows}
    assert len(verdicts) >= 17
    assert verdicts["phone_number"] == verdicts["room_number"] == "fail"
    assert report.measure("truth_told_without_knowledge").value == list(verdicts.values()).count("fail")
    assert audit(tmp_path / "full.json", attacks=False).tables == {}


def test_the_benchmark_prints_the_table() -> None:
    script = Path(__file__).resolve().parents[3] / "benchmarks/attacks.py"
    done = subprocess.run([sys.executable, script, "--small"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("\ndefault: 140 people")
    assert {line.split()[0] for line in done.stdout.splitlines()[3:-1]} >= {"full_name", "offense_date"}
