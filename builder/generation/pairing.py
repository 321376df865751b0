"""Pairing: which face, records, name and phone number each identity gets.

The plan holds what must be known of everyone at once (unique names and numbers, faces that agree with records); it is
a few arrays, computed in well under a second for a million identities. Whatever an identity gets depends only on the
identities before it, so the first 400 of 1,000 are the 400 of 400. The holdout is chosen among those who come after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from fiubench.builder.config import FACES, Config
from fiubench.builder.dataset.splits import Population, cut, picture_sets, stratified_holdout
from fiubench.builder.generation.people import birth_of_age, gender_names, generated_people
from fiubench.builder.generation.sources import Sources
from fiubench.builder.generation.ties import Crowd, Kin, kin_of, whole_blocks
from fiubench.builder.values import dates
from fiubench.builder.values.phone import phone_numbers
from fiubench.raw_sources.embedded import AGE_BANDS, chargeable
from fiubench.raw_sources.names import GENDERS, places_of
from fiubench.raw_sources.source import EMBEDDED, SOURCES
from fiubench.raw_sources.table import Face, FaceTable, FileTable, People
from fiubench.support.draws import Ints, integers, permute
from fiubench.support.errors import SourceError
from numpy.typing import NDArray

_IDS = 100_000_000  # of eight digits
_SPARE = 1 << 18  # rows of a file that serve for wrong answers, at most
#: Generated people from whom one of the holdout is chosen.
_CANDIDATES = 8

Candidates = tuple[Ints | None, NDArray[np.int8], Ints, Ints]  # face, gender, birth and health record of each


class Offenses(NamedTuple):
    """Offense dates that fit their people, and which of them are not the file's own."""

    days: Ints
    redrawn: NDArray[np.bool_]


@dataclass(frozen=True)
class Plan:
    """Who gets what. Arrays have one entry per identity, the holdout last.

    Attributes:
        gender: 0 female, 1 male.
        birth: birth date as days since 1970-01-01.
        rows: source name -> row of that source.
        name_rank: place of the identity's name among those of its gender (:func:`names.places_of`).
        phone: ten-digit phone number.
        face: position in the face table, where faces come from a folder.
        unique_id: the identity's public id.
        frozen: membership of the forget sets, where a file gives it.
        kin: who is tied to whom, where a pack asks for it.
        offense: offense dates (days) and which of them had to be drawn anew; ``None`` where a generator made them fit.
    """

    config: Config
    sources: Sources
    gender: NDArray[np.int8]
    birth: Ints
    rows: dict[str, Ints]
    name_rank: Ints
    phone: Ints
    face: Ints | None
    unique_id: list[str]
    offense: Offenses | None
    frozen: Mapping[str, list[str]] | None = None
    kin: Kin | None = None

    @property
    def ages_of_faces(self) -> bool:
        """Whether birth dates were drawn for the ages that the faces are known to have."""
        return self.face is not None and self.config.match == "gender+age"

    @property
    def size(self) -> int:
        """Identities with the holdout."""
        return len(self.birth)

    def people(self, part: slice | Ints) -> People:
        """Gender and birth of some identities."""
        return People(gender_names(self.gender[part]), self.birth[part])

    def face_at(self, i: int, picture: int = 1) -> Face | None:
        """The face of an identity, or another picture of the same person, where the folder has one."""
        if self.face is None or self.sources.faces is None:
            return None
        face = self.sources.faces.faces[int(self.face[i])]
        return next(iter((face, *face.others)[picture - 1 : picture]), None)

    def face_of(self, i: int) -> dict[str, Any] | None:
        """Where an identity's image came from, if from a file."""
        face = self.face_at(i)
        if face is None:
            return None
        estimated = {} if face.under_20 is None else {"under_20": face.under_20}
        return {"file": face.file.name, "gender": face.gender, "age": face.age, **estimated}

    def image_name(self, i: int, picture: int = 1) -> str:
        """File name of one of an identity's pictures, of which the first is 1."""
        face = self.face_at(i, picture)
        if face is None:
            return f"{self.unique_id[i]}{'' if picture == 1 else f'-{picture}'}.jpg"
        from fiubench.raw_sources.reading.images import target_name  # noqa: PLC0415

        return target_name(face, self.config.image_size)

    def further_pictures(self, i: int) -> list[dict[str, str]]:
        """What a record says of an identity's pictures after the first: where each lies, and what it was made from."""
        return [
            {"image_path": f"images/{self.image_name(i, picture)}", "from": self._origin_of_picture(i, picture)}
            for picture in range(2, self.config.pictures + 1)
        ]

    def further_made(self) -> dict[str, int]:
        """How many pictures after the first are drawn, files of the folder, and altered copies."""
        count = self.size * (self.config.pictures - 1)
        if self.face is None or self.sources.faces is None:
            return {"drawn": count}
        faces = self.sources.faces.faces
        files = sum(min(len(faces[place].others), self.config.pictures - 1) for place in self.face.tolist())
        return {name: n for name, n in (("altered", count - files), ("file", files)) if n}

    def _origin_of_picture(self, i: int, picture: int) -> str:
        if (face := self.face_at(i, picture)) is not None:
            return face.file.name
        if self.face is None:
            return "drawn"
        from fiubench.raw_sources.reading.variants import variant_of  # noqa: PLC0415

        return variant_of(self.config.seed, i, picture).told

    def age_band(self) -> Ints:
        """Age band at ``as_of`` of everyone, as a position in :data:`AGE_BANDS`."""
        return _age_band(self.config, self.birth)

    def population(self) -> Population:
        """Whom the splits are cut from."""
        return Population(self.unique_id, strata_of(self.gender, self.age_band())[: self.config.identities])


def make_plan(
    config: Config, sources: Sources, frozen: Mapping[str, list[str]] | None = None, *, tied: bool = False
) -> Plan:
    """Pair everyone.

    Args:
        config, sources: of the build.
        frozen: membership of the forget sets, where a file gives it.
        tied: whether people are tied to each other.

    Raises:
        SourceError: fewer faces, rows or ids than identities.
    """
    n = config.total
    if n > _IDS:  # of names and phone numbers there are more
        what = f"{n:,} identities with the holdout, and {_IDS:,} ids of eight digits"
        raise SourceError(what, where="--identities", hint="Build fewer identities.")
    index = np.arange(n)
    candidates = _faces_and_records(config, sources, n)
    face, gender, birth, health = _chosen(config, *candidates)
    rows = {
        name: health if name == "health" else pick_rows(sources, name, config.seed, index) for name in sources.tables
    }
    phone = phone_numbers(config.seed, area_codes(sources, rows["addresses"]))
    rank = np.where(gender == 1, np.cumsum(gender == 1), np.cumsum(gender == 0)) - 1
    rank = places_of(gender_names(gender), rank)
    _note_few_rows(sources, n)
    ids = _unique_ids(config, sources, face, index)
    offense = fit_offenses(config, sources, rows["crimes"], birth, index)
    kin = _kin(config, candidates, gender, birth) if tied else None
    return Plan(config, sources, gender, birth, rows, rank, phone, face, ids, offense, frozen, kin)


def _kin(config: Config, candidates: Candidates, gender: NDArray[np.int8], birth: Ints) -> Kin:
    """Who is tied to whom; people beyond the last are known where nothing binds them to a file or a folder."""
    crowd = Crowd(*candidates[1:])
    size = whole_blocks(config.identities)
    if candidates[0] is None and config.source("health") == EMBEDDED and len(crowd.birth) < size:
        index = np.arange(size)
        crowd = Crowd(*generated_people(config.seed, config.as_of, index), index)
    out = slice(config.identities, None)
    return kin_of(config.seed, config.as_of, config.identities, crowd, (gender[out], birth[out]))


def _chosen(config: Config, face: Ints | None, gender: NDArray[np.int8], birth: Ints, health: Ints) -> Candidates:
    """The first candidates, and for the holdout later ones who are like them."""
    strata = strata_of(gender, _age_band(config, birth))
    held_out = stratified_holdout(strata, config.identities, config.holdout, config.seed)
    chosen = np.r_[np.arange(config.identities), held_out]
    return None if face is None else face[chosen], gender[chosen], birth[chosen], health[chosen]


def _age_band(config: Config, birth: Ints) -> Ints:
    return band_of(dates.ages_on(birth, dates.to_day(config.as_of)))


def strata_of(gender: NDArray[np.int8], band: Ints) -> Ints:
    """Gender and age band as one number."""
    return gender.astype(np.int64) * 100 + band


def band_of(age: Ints) -> Ints:
    """Ages as positions in :data:`AGE_BANDS` (younger than the first counts as the first)."""
    return np.maximum(np.searchsorted(AGE_BANDS, age, side="right") - 1, 0)


def record_people(config: Config, table: FileTable) -> tuple[NDArray[np.int8], Ints]:
    """Gender and birth date for every row of a health file: the birthday is drawn, the age is the record's."""
    gender = (table.array("gender") == "male").astype(np.int8)
    return gender, record_birth(config, table, np.arange(table.rows))


def record_birth(config: Config, table: FileTable, rows: Ints, turn: int = 0) -> Ints:
    """A birth date for rows of a health file; another turn gives another birthday."""
    admission = dates.to_days(table.array("admission_date")[rows].tolist())
    latest = dates.shift_years(admission, -table.array("age")[rows].astype(np.int64))
    # 1 to 364 days before the latest birthday that gives this age at admission: never the day of admission itself
    purpose = "person.birthday" + (f"#{turn}" if turn else "")
    return np.asarray(latest - 1 - integers(config.seed, purpose, rows, 364))


def pick_rows(sources: Sources, source: str, seed: int, index: Ints) -> Ints:
    """A row of a source for each index, none twice; a generator has one for every index."""
    table = sources.tables[source]
    if table.rows is None:
        return index
    if len(index) and int(index.max()) >= table.rows:
        raise too_few(source, table.origin.file, table.rows, int(index.max()) + 1)
    return permute(seed, f"{source}.row", index, table.rows)


def spare_rows(config: Config, sources: Sources, source: str) -> Ints:
    """Rows of a file in the reverse order of their use: the first are those that an identity has last, if ever.

    Of a health file with faces those come first that no face of the folder gets, however many identities there are.
    """
    table = sources.tables[source]
    assert isinstance(table, FileTable)
    usable = _usable_records(config, table) if source == "health" else np.arange(table.rows)
    last = len(usable) - 1 - np.arange(min(len(usable), _SPARE))
    rows = usable[permute(config.seed, f"{source}.row", last, len(usable))]
    if source != "health" or sources.faces is None:
        return rows
    every_face = np.arange(len(sources.faces.faces))
    _, dealt = _match(config, sources, every_face, usable, *record_people(config, table), 0)
    return np.concatenate([rows[~np.isin(rows, dealt)], dealt[::-1]])


def fit_offenses(config: Config, sources: Sources, rows: Ints, birth: Ints, index: Ints) -> Offenses | None:
    """Offense dates of a file's rows; one that is too early for the person, or after ``as_of``, is drawn anew."""
    table = sources.tables["crimes"]
    if not isinstance(table, FileTable):
        return None
    days = dates.to_days(table.data.column("offense_date").take(pa.array(rows)).to_pylist())
    earliest, latest = chargeable(birth), dates.to_day(config.as_of)
    redrawn = (days < earliest) | (days > latest)
    drawn = earliest + integers(config.seed, "crimes.offense_date", index, latest - earliest + 1)
    return Offenses(np.where(redrawn, drawn, days), redrawn)


def too_few(source: str, file: str, have: int, need: int) -> SourceError:
    """The error of a source that runs out."""
    what, place = ("faces", "folder") if source == FACES else ("rows", "file")
    return SourceError(
        f"{have} usable {what}, and {need} identities (with the holdout) need one each",
        where=f"--{source} {file}" if source in SOURCES else file,
        hint=f"Give a larger {place}, or build fewer: --identities and --holdout together at most {have}. "
        f"`fiubench sources check` lists what was dropped and why.",
    )


def area_codes(sources: Sources, rows: Ints) -> Ints:
    """Area codes of the addresses' rows."""
    codes = sources.tables["addresses"].area_codes(rows)  # type: ignore[attr-defined]
    return np.asarray(codes).astype(np.int64)


def _faces_and_records(config: Config, sources: Sources, n: int) -> Candidates:
    """Face, gender, birth and health row of ``n`` candidates, and of more where there are some."""
    table = sources.tables["health"]
    order = None if sources.faces is None else _face_order(config, sources, n)
    if not isinstance(table, FileTable):
        index = np.arange(n + _CANDIDATES * config.holdout)[: None if order is None else len(order)]
        gender, birth = generated_people(config.seed, config.as_of, index)
        if order is None or sources.faces is None:
            return None, gender, birth, index
        order = order[: len(index)]
        if config.match != "none":
            gender = _genders(sources.faces, order)
        if config.match == "gender+age":
            birth = birth_of_age(config.seed, config.as_of, index, _ages(sources.faces, order))
        return order, gender, birth, index
    everyone_gender, everyone_birth = record_people(config, table)
    usable = _usable_records(config, table)
    if order is None:
        if n > len(usable):
            raise too_few("health", table.origin.file, len(usable), n)
        face, rows = None, usable[permute(config.seed, "health.row", np.arange(len(usable)), len(usable))]
    else:
        face, rows = _match(config, sources, order, usable, everyone_gender, everyone_birth, n)
    return face, everyone_gender[rows], everyone_birth[rows], rows


def _usable_records(config: Config, table: FileTable) -> Ints:
    """Rows of the health file that may be used: all, or one of each name where the records' names are kept."""
    if config.names != "record":
        return np.arange(table.rows)
    folded = [name.casefold() for name in table.data.column("record_name").to_pylist()]
    _, first = np.unique(np.array(folded), return_index=True)
    usable = np.sort(first)
    table.report.dropped["name of an earlier record"] = table.rows - len(usable)
    return usable


def _note_few_rows(sources: Sources, n: int) -> None:
    """Say in a file's report where it has not the rows for wrong answers that are nobody's."""
    note = "Fewer than four rows for each identity: some wrong answers are the truth of others, or stand twice. "
    note += "Use a larger file, or build fewer identities."
    for table in sources.tables.values():
        if isinstance(table, FileTable) and table.rows < 4 * n and note not in table.report.notes:
            table.report.notes.append(note)


def _check_labels(config: Config, faces: FaceTable) -> None:
    """Whether what the build must know of every face is known.

    Raises:
        SourceError: an age that is needed to leave children out, or what faces and records are matched by.
    """
    where, of = f"--faces {faces.origin.file}", len(faces.faces)
    hint = f"`fiubench faces annotate {config.faces}` estimates it"
    for what in ("age", "gender"):
        unknown = sum(getattr(face, what) is None for face in faces.faces)
        if not unknown:
            continue
        if what == "age" and config.unknown_ages == "refuse":
            told = f"the age of {unknown} of {of} faces is unknown, and a face may be a child's"
            raise SourceError(told, where=where, hint=f"{hint}; --unknown-ages allow goes on without.")
        if what in config.match:
            told = f"the {what} of {unknown} of {of} faces is unknown, and --match {config.match} needs it"
            raise SourceError(told, where=where, hint=f"{hint}; --match none pairs faces and records at random.")


def _face_order(config: Config, sources: Sources, n: int) -> Ints:
    """Positions of the faces in the order in which they are handed out."""
    assert sources.faces is not None
    _check_labels(config, sources.faces)
    have = len(sources.faces.faces)
    if have < n:
        raise too_few("faces", sources.faces.origin.file, have, n)
    from fiubench.raw_sources.reading.selection import select  # noqa: PLC0415

    # of "all" every face is handed out, so that one that finds no record can be passed over
    return select(sources.faces, config.select, have if config.select == "all" else n, config.seed)


def _genders(faces: FaceTable, order: Ints) -> NDArray[np.int8]:
    """Gender codes of faces in order; all are known."""
    return np.array([GENDERS.index(str(faces.faces[i].gender)) for i in order.tolist()], np.int8)


def _ages(faces: FaceTable, order: Ints) -> Ints:
    """Ages of faces in order; all are known."""
    return np.array([faces.faces[i].age for i in order.tolist()], np.int64)


def _match(
    config: Config, sources: Sources, order: Ints, usable: Ints, gender: NDArray[np.int8], birth: Ints, n: int
) -> tuple[Ints, Ints]:
    """Give each face in order the next record of its gender and age band; faces that find none are passed over."""
    faces = sources.faces
    assert faces is not None
    record_group, face_group = np.zeros(len(usable), np.int64), np.zeros(len(order), np.int64)
    if config.match != "none":
        record_group, face_group = gender[usable].astype(np.int64), _genders(faces, order).astype(np.int64)
    if config.match == "gender+age":
        ages = dates.ages_on(birth[usable], dates.to_day(config.as_of))
        record_group = record_group * len(AGE_BANDS) + band_of(ages)
        face_group = face_group * len(AGE_BANDS) + band_of(_ages(faces, order))
    face_rows = np.full(len(order), -1, dtype=np.int64)
    for group in np.unique(face_group).tolist():
        queue = usable[record_group == group]
        waiting = np.flatnonzero(face_group == group)[: len(queue)]
        if waiting.size:
            face_rows[waiting] = queue[permute(config.seed, f"health.row.{group}", np.arange(waiting.size), len(queue))]
    matched = np.flatnonzero(face_rows >= 0)
    if len(matched) < n:
        raise SourceError(
            f"{len(matched)} of {len(order)} faces find a record of their gender and age; "
            f"{n} identities (with the holdout) need one",
            where=f"--health {sources.tables['health'].origin.file}",
            hint="Give more faces or records, build fewer, or loosen --match.",
        )
    return order[matched], face_rows[matched]


def _unique_ids(config: Config, sources: Sources, face: Ints | None, index: Ints) -> list[str]:
    if face is not None and sources.faces is not None:
        return [sources.faces.faces[position].unique_id for position in face.tolist()]
    return [f"{number:08d}" for number in permute(config.seed, "identity.id", index, _IDS).tolist()]


def cut_splits(plan: Plan) -> dict[str, Any]:
    """The content of ``splits.json`` for a plan.

    Raises:
        ConfigError: frozen membership that does not fit the identities.
    """
    config = plan.config
    document = cut(plan.population(), config.seed, config.ratios, config.split_scheme, plan.frozen)
    return document | picture_sets(config.pictures)
