"""The identity itself, as a source that packs can name."""

from fiubench.raw_sources.source import Source, register


@register
class Person(Source):
    """Name, gender, birth date and phone number, made when faces and records are paired."""

    name = "person"
    title = "The identity itself"
    license = "Apache-2.0"
    columns = {
        "full_name": "name",
        "given_name": "name",
        "family_name": "name",
        "gender": "enum",
        "date_of_birth": "date",
        "phone_number": "phone",
    }
    place = 0
