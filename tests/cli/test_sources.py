"""``fiubench sources``: what is printed, and the exit codes."""

import gzip
import hashlib
import subprocess
from pathlib import Path

import pytest
from fiubench.raw_sources.source import SOURCES
from PIL import Image

from tests.commands import fiubench

CRIMES = (
    "CMPLNT_NUM,CMPLNT_FR_DT,OFNS_DESC,LAW_CAT_CD,PREM_TYP_DESC\n"
    "123456789,01/22/2010,PETIT LARCENY,MISDEMEANOR,STREET\n"
    "223456789,01/02/1015,PETIT LARCENY,MISDEMEANOR,STREET\n"
)


def sources(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = fiubench("sources", *arguments)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stderr == "" if code == 0 else done.stdout == ""
    return done


@pytest.fixture
def crimes(tmp_path: Path) -> Path:
    file = tmp_path / "NYPD.csv"
    file.write_text(CRIMES)
    return file


def test_list_has_a_line_for_each() -> None:
    heading, rule, *rows = sources("list").stdout.splitlines()
    assert heading.split() == ["source", "title", "license", "option"]
    assert set(rule) == {"-", " "}
    assert [row.split()[0] for row in rows] == list(SOURCES)
    assert [name for name, row in zip(SOURCES, rows, strict=True) if row.endswith(f"--{name}")] == [
        "faces",
        "health",
        "crimes",
        "addresses",
    ]


@pytest.mark.parametrize("name", SOURCES)
def test_show_tells_license_citation_and_columns(name: str) -> None:
    info, shown = SOURCES[name], sources("show", name).stdout
    assert shown.startswith(f"{info.title}\n{info.description}\n")
    for text in (info.license, info.citation, info.url, info.expects):
        assert text in shown
    for column, kind in info.columns.items():
        assert [line.split() for line in shown.splitlines() if line.startswith(f"  {name}.{column} ")] == [
            [f"{name}.{column}", kind]
        ]
    if info.kaggle:
        assert f"{info.kaggle.handle}, version {info.kaggle.version}\n" in shown


def test_check_tells_rows_drops_digest_and_sample(crimes: Path) -> None:
    first, *lines = sources("check", crimes).stdout.splitlines()
    assert first == f"{crimes}: crimes (2 read, 1 kept)"
    assert [line.split(None, 2)[:2] for line in lines if line.startswith("  dropped")] == [["dropped", "1"]]
    assert f"  sha256 {hashlib.sha256(crimes.read_bytes()).hexdigest()}" in lines
    assert "  title        Records of the file NYPD.csv" in lines
    assert [line for line in lines if line.startswith("  no license: Say it with --crimes-license")]
    sample = lines[lines.index("row 1") + 1 :]
    assert [line.split(None, 1) for line in sample] == [
        ["offense", "petit larceny"],
        ["complaint_number", "123456789"],
        ["offense_date", "2010-01-22"],
        ["law_category", "misdemeanor"],
        ["premises", "street"],
    ]


def test_check_of_a_folder_of_faces(tmp_path: Path) -> None:
    Image.effect_noise((200, 200), 60).convert("RGB").save(tmp_path / "SFHQ_pt1_00000007.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    shown = sources("check", tmp_path).stdout
    assert shown.startswith(f"{tmp_path}: faces (2 read, 1 kept)\n")
    assert "unique_id            00000007\n" in shown
    assert "dropped      1" in shown


def test_a_declaration_says_which_source_it_is() -> None:
    said = sources("check", "examples/table/clubs.yaml", "--source", "health", code=2).stderr
    assert "declares which source it is: clubs" in said


def test_check_with_a_source_named_and_another_day(crimes: Path) -> None:
    crimes.write_text(CRIMES.replace("1015", "2020"))
    assert "(2 read, 2 kept)" in sources("check", crimes, "--source", "crimes").stdout
    assert "(2 read, 1 kept)" in sources("check", crimes, "--as-of", "2015-01-01").stdout


def test_check_reads_what_a_build_reads(tmp_path: Path) -> None:
    rows = "".join(f"{100000000 + i};{i % 9 + 1:02d}/{i % 7 + 1:02d}/2010;ROBBERY;FELONY;BANK\r\n" for i in range(90))
    file = tmp_path / "file"
    file.write_bytes(
        gzip.compress(f"Number;Day;OFNS_DESC;LAW_CAT_CD;Premises\r\n{rows}x;;ROBBERY;FELONY;\r\n".encode())
    )
    (tmp_path / "columns.yaml").write_text("crimes: {CMPLNT_NUM: Number, cmplnt fr dt: day, PREM_TYP_DESC: Premises}\n")
    mine = ("--columns", tmp_path / "columns.yaml")
    assert "no known source: Number, Day" in sources("check", file, code=2).stderr
    told = sources("check", file, *mine, code=2).stderr
    assert "CMPLNT_FR_DT: '01/02/2010'" not in told and "(month first) or 2010-" in told and "--date-order dmy" in told
    shown = sources("check", file, *mine, "--date-order", "dmy").stdout
    assert shown.startswith(f"{file}: crimes (91 read, 90 kept)\n")
    assert "  dropped      1  CMPLNT_FR_DT: blank\n" in shown
    assert "  note: Read as a gzip archive, fields separated by semicolons.\n" in shown
    assert "  note: CMPLNT_FR_DT: dates are read with the day first.\n" in shown
    (tmp_path / "columns.yaml").write_text("crime: {CMPLNT_NUM: Number}\n")
    told = sources("check", file, *mine, code=2).stderr
    assert "--columns: unknown source 'crime'. Did you mean 'crimes'?" in told


def test_check_shows_a_cell_that_can_not_be_read(crimes: Path) -> None:
    assert "  dropped      1  CMPLNT_FR_DT: unreadable, such as '01/02/1015'\n" in sources("check", crimes).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "helth"], ["unknown source 'helth'", "Did you mean 'health'?"]),
        (["check", "{}/nowhere.csv"], ["nowhere.csv: no such file"]),
        (["check", "{}"], ["none of 1 files can be used", "not a picture (.csv)"]),
        (["check", "{}/other.csv"], ["other.csv", "no known source: Rooms, Area", "--source"]),
        (["check", "{}/other.csv", "--source", "crime"], ["unknown source 'crime'", "'crimes'"]),
        (["check", "{}/other.csv", "--source", "crimes"], ["other.csv", "CMPLNT_NUM"]),
        (["check", "{}/other.csv", "--source", "careers"], ["generated by fiubench"]),
        (["check", "{}/other.csv", "--as-of", "soon"], ["--as-of", "'soon' is not a date", "YYYY-MM-DD"]),
        (
            ["check", "{}/other.csv", "--date-order", "dym"],
            ["--date-order: should be 'mdy', 'dmy' or 'ymd', not 'dym'"],
        ),
        (["check", "{}/other.csv", "--columns", "{}/no.yaml"], ["no.yaml: no such file"]),
        (["fetch", "careers", "--out", "{}/raw"], ["nothing to fetch"]),
        (["fetch", "face", "--out", "{}/raw"], ["unknown source 'face'", "'faces'"]),
        (["fetch", "faces", "--out", "{}/raw", "--numbers", "5-1"], ["--numbers", "'5-1' is no number or range"]),
        (["fetch", "health", "--out", "{}/raw", "--numbers", "5"], ["--numbers", "only faces"]),
        (["fetch", "health", "--out", "{}/raw", "--version", "0"], ["--version", "0 is no version"]),
        (["fetch", "health", "--out", "{}/raw", "--version", "two"], ["--version", "integer"]),
    ],
)
def test_errors_are_one_message_and_exit_code_2(arguments: list[str], says: list[str], tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("Rooms,Area\n1,2\n")
    told = sources(*(argument.format(tmp_path) for argument in arguments), code=2).stderr
    for words in says:
        assert words in told
    assert [path.name for path in tmp_path.iterdir()] == ["other.csv"]
