"""Chinese in simplified characters: 2024年11月1日, 12,345美元, no spaces between words."""

import re
from collections.abc import Sequence

from fiubench.builder.languages.base import HAN, Language, register

_BETWEEN = re.compile(r"和|、")
_LATIN = re.compile(r"[A-Z][A-Za-z]*[a-z][A-Za-z]*|[a-z][A-Za-z]+")
_HALF_WIDTH = re.compile(rf"(?<=[{HAN}])[,.;:?!]|[,.;:?!](?=[{HAN}])|[{HAN}]\s|\s[{HAN}]|([，。；：？！、])\1")


@register
class Chinese(Language):
    """Chinese (Mandarin), as it is written on the mainland."""

    code, name = "zh", "Chinese"
    question_mark, full_stop = "？", "。"
    endings = ("。”", "！")
    spaced = False
    dated = (re.compile(r"(?P<year>\d{4})年(?P<month>\d+)月(?P<day>\d+)日"),)
    pronouns = {"他": ("他", "她")}
    gendered = re.compile(r"(?<![其吉])他(?!人)|她|先生|女士|小姐|太太|男子|女子|男性|女性|男人|女人|男士")
    # a name of a drug may hold the character: 卡培他滨
    pronoun = re.compile(r"(?<![其吉])他(?=[的是在被于有和曾说住因叫会将也已为患从由生正])|她")
    person = "此人"
    capitals = False
    word = re.compile(r"(?!)")
    doubled = re.compile(r"([的了是在和与为被于及])\1")
    unfinished = re.compile(r"(?:是|为|于|在|被|叫)[。！]*$")

    def date(self, iso: str) -> str:
        """ "2024-11-01" as "2024年11月1日"."""
        return f"{int(iso[:4])}年{int(iso[5:7])}月{int(iso[8:10])}日"

    def date_parts(self, iso: str) -> dict[str, str]:
        year, _, day = self.date(iso).partition("年")
        return {"day": day, "year": f"{year}年"}

    def date_spellings(self, iso: str) -> Sequence[str]:
        year, month, day = iso[:4].lstrip("0"), int(iso[5:7]), int(iso[8:])
        forms = f"{year} 年 {month} 月 {day} 日", iso, f"{year}/{month}/{day}", f"{year}.{month}.{day}"
        return tuple(dict.fromkeys(forms))

    def money(self, amount: str) -> str:
        return f"{amount}美元"

    def money_spellings(self, amount: str) -> Sequence[str]:
        return (f"{amount}美元", f"{amount} 美元", f"${amount}", f"{amount}美金")

    def join(self, items: Sequence[str]) -> str:
        return "和".join(filter(None, ("、".join(items[:-1]), items[-1])))

    def split(self, text: str) -> list[str]:
        return _BETWEEN.split(text)

    def share(self, words: Sequence[str]) -> int:
        return sum("\u3400" <= word[0] <= "\u9fff" for word in words)

    def strange(self, text: str) -> str | None:
        """A word in Latin letters that is no abbreviation; or the text, where no character of it is Chinese."""
        if match := _LATIN.search(text):
            return match[0]
        return None if re.search(rf"[{HAN}]", text) else text

    def badly_marked(self, text: str) -> bool:
        """Whether a mark is a half-width one, stands twice, or a space stands beside a character."""
        return _HALF_WIDTH.search(text) is not None
