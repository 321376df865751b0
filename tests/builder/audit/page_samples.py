"""Reports and cards such as an audit makes, for the page alone."""

import io
from typing import Any

from fiubench.builder.audit.attributes import AttributeRow
from fiubench.builder.audit.page import Card, thumbnail
from fiubench.builder.audit.people import Pair
from fiubench.builder.audit.registry import Histogram, Result, Table, declared_measures
from fiubench.builder.audit.report import Report
from PIL import Image

HOSTILE = "<img src=x onerror=alert(1)>"
BREAKOUT = "</script><script>alert(2)</script><!-- \u2028 & ]]> -->"
ATTRIBUTES = {  # name: (category, type, distinct, entropy, most frequent value, its share)
    "full_name": ("personal", "name", 400, 8.64, "Tanisha Dotson", 0.0025),
    "date_of_birth": ("personal", "date", 396, 8.62, "May 26, 1965", 0.005),
    "address": ("personal", "address", 400, 8.64, "6354 Liberty Avenue, Apt 502, Eagle Rock, VA 24085", 0.0025),
    "occupation": ("personal", "enum", 60, 5.71, "airline pilot", 0.0375),
    "blood_type": ("health", "enum", 8, 2.84, "O+", 0.19),
    "medical_condition": ("health", "enum", 40, 5.1, "leukemia", 0.05),
    "billing_amount": ("health", "money", 400, 8.64, "$111,317.19", 0.0025),
    "offense": ("criminal", "enum", 48, 5.33, "extortion", 0.045),
}


def sample_report(name: str = "runs/dataset", *, clean: bool = True, identities: int = 400) -> dict[str, Any]:
    """A report in the shape of the schema: of a clean dataset, or of one in which much fails."""
    return Report(
        target={
            "name": name,
            "kind": "dataset" if clean else "qa",
            "identities": identities,
            "qa_pairs": identities * 20,
            "images": identities if clean else 0,
            "as_of": "2024-12-31" if clean else None,
            "learned": "retain90",
            "applied": "forget10",
        },
        measures=[_measure(rule, clean, identities) for rule in declared_measures()],
        attributes=[_row(name, clean) for name in ATTRIBUTES if clean or name != "billing_amount"],
        histograms=_histograms(clean),
        strata=_strata(clean, identities),
        tables={"guesses": _guesses()} if clean else {},
    ).as_dict()


def _guesses() -> Table:
    columns = ["attribute", "questions", "chance", "most_common", "verdict"]
    rows = [["full_name", 3520, 0.25, 0.2614, "pass"], [HOSTILE, 352, None, 0.5, "fail"]]
    return Table("Guesses", "Of four.", columns, rows)


def _measure(name: str, clean: bool, identities: int) -> Result:
    rule = declared_measures()[name]
    if not clean and rule.group == "faces":
        return Result(name, None)
    if rule.unit in ("share", "bits", "years", "wordings", "-log10 p"):
        fine = {"share": 0.02, "bits": 123.4, "years": 7.31, "wordings": 5, "-log10 p": 0.41}
        poor = {"share": 0.31, "bits": 48.0, "years": 8.9, "wordings": 1, "-log10 p": 0.2}
        value = (fine if clean else poor)[rule.unit]
        note = "" if clean else "Measured on what is known."
        return Result(name, 0.98 if name == "recognised" else value, note=note)
    if clean:
        return Result(name, 2 if name == "small_faces" else 0, identities * 20)
    examples = (("00044363", "What is the person'sblood type?"), ("x", BREAKOUT))
    return Result(name, 288, identities * 20, examples=examples)


def _row(name: str, clean: bool) -> AttributeRow:
    category, kind, distinct, entropy, top, share = ATTRIBUTES[name]
    shrink = 1.0 if clean else 0.6
    counts = [(top, max(1, round(share * 400 / shrink)))]
    counts += [(f"{top} {i}", max(1, round(counts[0][1] * 0.9**i))) for i in range(1, min(distinct, 12))]
    return AttributeRow(
        name=name,
        category=category,
        type=kind,
        asked=400,
        valued=400,
        distinct=round(distinct * shrink),
        entropy=entropy * shrink,
        top_value=top,
        top_share=share / shrink,
        constant_em=share * 0.8,
        constant_rouge=0.61,
        other_em=None if kind == "name" else share * 1.2,
        other_fact=None if kind == "name" else "address (ZIP code)",
        phrasings=5 if clean else 1,
        values=counts,
    )


def _histograms(clean: bool) -> dict[str, Histogram]:
    bell = [1, 4, 12, 30, 58, 90, 110, 92, 57, 31, 11, 5]
    found = {
        "length_gap": Histogram(
            "Wrong answers longer or shorter than the truth",
            "characters",
            [float(x) for x in range(-12, 14, 2)],
            {"wrong answers": bell if clean else [*bell[2:], 70, 40]},
        ),
        "answer_length": Histogram(
            "Length of answers",
            "characters",
            [float(x) for x in range(20, 150, 10)],
            {"forget10": [x // 9 for x in bell], "retain90": bell},
        ),
    }
    if clean:
        edges = [float(x) for x in range(0, 130, 10)]
        found["face_distance"] = Histogram("Distance to the nearest face", "bits", edges, {"faces": bell})
    return found


def _strata(clean: bool, identities: int) -> dict[str, dict[str, int]]:
    bands = ("18-34", "35-49", "50-64", "65 and over")
    names = [f"{gender}, {band}" for gender in ("female", "male") for band in bands]
    forget = {name: 5 if clean else 1 + number for number, name in enumerate(names)}
    return {"forget10": forget, "retain90": dict.fromkeys(names, (identities - 40) // 8)}


def sample_cards(number: int = 60) -> list[Card]:
    """Cards with faces, the first of them with a hostile name and facts."""
    cards = []
    for i in range(number):
        picture = io.BytesIO()
        Image.new("RGB", (256, 256), ((i * 37) % 256, 90, 160)).save(picture, "JPEG")
        name = (HOSTILE, BREAKOUT, "Zoë Núñez")[i] if i < 3 else f"Person {i:03} Example"
        cards.append(
            Card(
                unique_id=f"{10_000_000 + i}",
                name=name,
                face=None if i == 3 else thumbnail(picture.getvalue()),
                profile=[(attribute, f"{value[4]} {i}") for attribute, value in ATTRIBUTES.items()] + [("note", name)],
                qa=[
                    Pair(
                        attribute="occupation",
                        category="personal",
                        kind="enum",
                        value=None,
                        text=None,
                        sourced=True,
                        question=f"What does the person in picture {i} do?",
                        answer=f"The person is a {'glassblower' if i == 50 else 'pilot'}.",
                        other_questions=[],
                        other_answer=None if i == 4 else "As a pilot.",
                        wrong_answers=[HOSTILE, "As a baker."],
                        wrong=None,
                    )
                ],
                splits=["forget10"] if i % 10 == 0 else ["retain90"],
            )
        )
    return cards
