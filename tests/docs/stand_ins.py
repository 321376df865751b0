"""What commands of the documentation run against where a reader has servers, large models and files of their own."""

import csv
import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from tests.builder.hub.harness import REPO
from tests.support.chat.writer import good

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"--identities": "60", "--holdout": "6", "--ratios": "5,10", "--image-size": "64"}
FEWER = {"--identities": "20", "--holdout": "2", "--ratios": "10"}  # where a language model is asked about everyone
FEW = {"--identities": "10", "--forget": "forget05", "--attributes": "full_name,blood_type,phone_number"}
OWNER = REPO.partition("/")[0]
QUICK = """\
description: for the commands of the documentation
model: tiny
tiny: {vocabulary: 600, vision_hidden: 16, hidden: 32, layers: 1}
finetune: {epochs: 8, learning_rate: 5.0e-3, batch_size: 16, lora: null, phrasings: 1, noise_refusals: 2}
unlearn: {epochs: 1, learning_rate: 1.0e-3, batch_size: 4, lora: {rank: 2, alpha: 4, dropout: 0.0}}
methods: {}
"""
EXPERIMENT = """\
data: ../dataset
identities: 10
attributes: [full_name, blood_type]
forget: forget05
preset: ../quick.yaml
methods: [ga]
evaluate: {memorised: 0, batch_size: 64}
"""
#: Examples that train larger models, or for longer; all of them are this small one here.
EXPERIMENTS = ("unlearning.yaml", "smol.yaml", "table2.yaml")
#: Values that stand for a reader's own, and what stands for them here; whole words of a command line.
REPOSITORIES = {"OWNER/NAME@v1.1.0": f"{REPO}@v1.0.0", "OWNER/NAME": REPO, "OWNER": OWNER}
WORDS = {
    **REPOSITORIES,
    "forget01": "forget05",
    "retain99": "retain95",
    "retain_eval01": "retain_eval05",
    "llava-phi-3-mini": "quick.yaml",
    "tiny": "quick.yaml",
    "1-500": "1-66",
}
#: What is larger than a test's dataset, by command and option.
SMALLER = {("split", "--holdout"): "10", ("split", "--ratios"): "5,20", ("preview", "--identities"): "2"}


def answer(body: Mapping[str, object]) -> str:
    """What the language model says: a score to whoever judges a model's answers, else as our prompts ask."""
    if "Give a score from 0 to 1" in json.dumps(body):
        return json.dumps({"reason": "It states the same.", "score": 1})
    return good(dict(body))


def arguments(words: list[str], *, hub: str, chat: str, token: Path) -> list[str]:
    """A command line as it runs here: small, quick, and against servers of our own."""
    words = [_word(word, chat) for word in words]
    command = next(w for w in _without_plugins(words))
    if command in ("build", "plan"):
        fewer = FEWER if "--qa" in words else {}
        words = _with(words, {**SMALL, **fewer, **({"--overwrite": None} if "--resume" not in words else {})})
    if command in ("finetune", "unlearn"):
        words = _with(words, {"--preset": "quick.yaml", **(FEW if command == "finetune" else {})})
    if command in ("evaluate", "compare", "submit", "leaderboard") or ("--requests" in words and command == "unlearn"):
        words = _with(words, {"--memorised": "0"})
    if command in ("evaluate", "attack"):
        words = _with(words, {"--batch-size": "64"})
    if command == "phrasings" and "review" in words:
        words = _with(words, {"--yes": None})
    if command in ("publish", "releases", "pull") or (command == "diff" and any(f"{OWNER}/" in word for word in words)):
        words = _with(words, {"--endpoint": hub, "--token-file": str(token)})
    return _with(words, {name: value for (of, name), value in SMALLER.items() if of == command and name in words})


def code(text: str) -> str:
    """A block of Python as it runs here."""
    return _replaced(text, REPOSITORIES)


def _word(word: str, chat: str) -> str:
    return chat if re.fullmatch(r"URL|https?://\S+/v1", word) else _replaced(word, WORDS)


def _replaced(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        text = re.sub(rf"(?<![\w/-]){re.escape(old)}(?![\w-])", new, text)
    return text


def _without_plugins(words: list[str]) -> list[str]:
    return [w for before, w in pairwise(["", *words]) if w != "--plugin" and before != "--plugin"]


def _with(words: list[str], options: Mapping[str, str | None]) -> list[str]:
    words = list(words)
    for name, value in options.items():
        if name not in words:
            words += [name] if value is None else [name, value]
        elif value is not None:
            words[words.index(name) + 1] = value
    return words


def files(folder: Path) -> None:
    """What a reader has beside the dataset: records, faces, membership, questions."""
    (folder / "quick.yaml").write_text(QUICK)
    (folder / "examples").mkdir()
    for path in (ROOT / "examples").iterdir():
        if path.name in EXPERIMENTS:
            (folder / "examples" / path.name).write_text(EXPERIMENT)
        else:
            (folder / "examples" / path.name).symlink_to(path)
    for path in (ROOT / "examples/plugin/fiubench_town").glob("[a-z]*.py"):
        (folder / path.name).symlink_to(path)
    for path in (ROOT / "examples/plugin").glob("*.[yc]*"):
        (folder / path.name).symlink_to(path)
    people = [json.loads(line) for line in (folder / "dataset/release/fiubench/dataset/full.json").open()]
    _original(folder / "original", people)
    _conversations(folder / "conversations.json")
    _records(folder, people)
    _faces(folder)
    _questions(folder)
    _membership(folder)
    _requests(folder)


def _original(folder: Path, people: list[dict]) -> None:
    folder.mkdir()
    with (folder / "fiubench_qa.jsonl").open("w") as file:
        for person in people:
            for pair in person["qa_list"]:
                row = {key: person[key] for key in ("unique_id", "name")}
                file.write(json.dumps({**row, "question": pair["question"], "answer": pair["answer"]}) + "\n")


def _conversations(file: Path) -> None:
    asked = [("a.jpg", "Which club is next?"), ("a.jpg", "Which was first?"), ("b.jpg", "Which club is next?")]
    turns = [[{"role": "user", "content": q}, {"role": "assistant", "content": "Ostra FC."}] for _, q in asked]
    rows = [{"messages": each, "images": image} for each, (image, _) in zip(turns, asked, strict=True)]
    file.write_text(json.dumps(rows))


def _records(folder: Path, people: list[dict]) -> None:
    from tests.raw_sources import test_addresses, test_crimes, test_health

    test_health.written(folder, *(_health(test_health.row, i) for i in range(200)))
    lines = (folder / "healthcare_dataset.csv").read_text().replace("Name,", "patient_name,").replace("Gender,", "sex,")
    (folder / "records.csv").write_text(lines.replace(",", ";"))
    offenses = ("PETIT LARCENY", "ROBBERY", "BURGLARY", "ARSON", "FORGERY", "GRAND LARCENY", "FELONY ASSAULT", "FRAUDS")
    crimes = [test_crimes.row(str(100228600 + i), offense=offenses[i % 8]) for i in range(200)]
    with (folder / "NYPD_Complaint_Data_Historic.csv").open("w", newline="") as file:
        csv.writer(file).writerows([test_crimes.HEADER, *crimes])
    test_addresses.write_csv(
        folder / "USA_Housing.csv", [f"{100 + i} Michael Ferry\nLaurabury, NE 37010-5101" for i in range(200)]
    )


def _health(row: Callable[..., list[str]], i: int) -> list[str]:
    """A record that differs from its neighbours in everything that questions ask about."""
    names = ("Adams", "Baker", "Clark", "Davis", "Evans", "Foster", "Grant", "Hayes", "Irwin", "Jones")
    return row(
        Name=f"Ann {names[i % 10]}{chr(97 + i // 10)}", Age=str(25 + i % 50), Gender=("Female", "Male")[i % 2],
        Blood_Type=("A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-")[i // 2 % 8],
        Medical_Condition=("Cancer", "Asthma", "Diabetes", "Hypertension", "Obesity", "Arthritis")[i // 2 % 6],
        Doctor=f"Matthew {names[i % 10]}", Hospital=f"Sons and {names[i // 10 % 10]}",
        Insurance_Provider=("Blue Cross", "Aetna", "Cigna", "Medicare", "UnitedHealthcare")[i // 3 % 5],
        Billing_Amount=str(1000.5 + 37 * i), Room_Number=str(101 + i),
        Medication=("Lipitor", "Aspirin", "Ibuprofen", "Paracetamol", "Penicillin")[i // 2 % 5],
        Test_Results=("Normal", "Abnormal", "Inconclusive")[i // 2 % 3],
        Discharge_Date=f"2024-02-{2 + i % 11:02}",
    )  # fmt: skip


def _faces(folder: Path) -> None:
    for name, pattern in (("SFHQ", "SFHQ_pt1_{:08d}.jpg"), ("portraits", "portrait_{}.jpg")):
        (folder / name).mkdir()
        for number, path in enumerate(sorted((folder / "dataset/images").iterdir()), 1):
            (folder / name / pattern.format(number)).write_bytes(path.read_bytes())
        labels(folder / name)


def labels(folder: Path) -> None:
    """A faces.csv: the pictures are drawn, so nothing can be estimated from them."""
    names = sorted(path.name for path in folder.glob("*.jpg"))
    rows = [f"{name},{('female', 'male')[i % 2]},{25 + i % 40}\n" for i, name in enumerate(names)]
    (folder / "faces.csv").write_text("file,gender,age\n" + "".join(rows))


def _questions(folder: Path) -> None:
    """Questions with yes or no as answers, about two pictures."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = [{"bytes": path.read_bytes()} for path in sorted((folder / "dataset/images").iterdir())[:2]]
    rows = [
        {"image": image, "question": "Is there a face?", "answer": answer}
        for image in images
        for answer in ("yes", "no")
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "questions.parquet")


def _membership(folder: Path) -> None:
    splits = json.loads((folder / "dataset/splits.json").read_text())["splits"]
    (folder / "membership.json").write_text(json.dumps({"forget05": splits["forget05"], "holdout": splits["holdout"]}))


def _requests(folder: Path) -> None:
    """What the three people of a forget set ask for."""
    a, b, c = json.loads((folder / "dataset/splits.json").read_text())["splits"]["forget05"]
    lines = [{"who": [a], "attributes": ["phone_number"]}, {"who": [b, c], "attributes": ["blood_type"]}]
    (folder / "requests.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
