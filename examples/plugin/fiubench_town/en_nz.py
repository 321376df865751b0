"""A language: English as it is written in New Zealand.

fiubench --plugin en_nz.py build --attributes visits.yaml --out dataset
"""

from fiubench.builder.languages.base import register
from fiubench.builder.languages.english import BritishEnglish


@register
class NewZealandEnglish(BritishEnglish):
    """British spelling and dates; amounts say whose dollars they are."""

    code, name = "en-NZ", "New Zealand English"

    def money(self, amount: str) -> str:
        """US$12,345, where "$" would be the country's own."""
        return f"US${amount}"
