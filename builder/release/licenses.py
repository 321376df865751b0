"""Licences of the sources, as the Hub and Croissant name them."""

import re
from collections.abc import Iterable
from typing import Any

#: Licence as the sources state it -> (the Hub's identifier, address of the text).
KNOWN = {
    "Apache-2.0": ("apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    "CC-BY-4.0": ("cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC-BY-SA-4.0": ("cc-by-sa-4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "CC0-1.0": ("cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "CC-BY-NC-4.0": ("cc-by-nc-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    "CC-BY-NC-SA-4.0": ("cc-by-nc-sa-4.0", "https://creativecommons.org/licenses/by-nc-sa/4.0/"),
    "MIT": ("mit", "https://opensource.org/license/mit"),
}
#: The section of the card on licences, as a link.
LICENSES_SECTION = "README.md#sources-repairs-and-licenses"


def how_to_license(source: str, declared: bool) -> str:
    """How its user says what licence the file or folder of a source has, and with it the other things of a card."""
    if declared:
        return "Write `license:` into the YAML file that declares the table, and build again."
    return (
        f"Say it with --{source}-license (and --{source}-title), to `fiubench build` or `fiubench publish`, or in "
        f"a source.yaml {'in the folder' if source == 'faces' else 'beside the file'}, and build again."
    )


def hub_license(licenses: Iterable[str], link: str = LICENSES_SECTION) -> dict[str, Any]:
    """The card's licence fields: the Hub's identifiers if it knows all of them, else ``other`` with a link."""
    stated = sorted(set(licenses))
    if stated and all(name in KNOWN for name in stated):
        names = [KNOWN[name][0] for name in stated]
        return {"license": names[0] if len(names) == 1 else names}
    name = re.sub(r"[^a-z0-9.]+", "-", stated[0].lower()).strip("-") if len(stated) == 1 else ""
    return {"license": "other", "license_name": name or "licenses-of-the-sources", "license_link": link}


def croissant_license(licenses: Iterable[str]) -> list[str]:
    """Addresses of known licences, the others as they are stated."""
    return [KNOWN[name][1] if name in KNOWN else name for name in sorted(set(licenses)) if name]
