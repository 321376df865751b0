"""How a release is to be cited: itself, the paper that it follows, and what it was made from."""

from collections.abc import Mapping
from typing import Any

from fiubench.builder.release.markdown import escape
from fiubench.builder.release.publication import Publication

PAPER_TITLE = "Benchmarking Vision Language Model Unlearning via Fictitious Facial Identity Dataset"
PAPER_URL = "https://arxiv.org/abs/2411.03554"
PAPER_BIBTEX = f"""\
@inproceedings{{ma2025fiubench,
  title     = {{{PAPER_TITLE}}},
  author    = {{Ma, Yingzi and Wang, Jiongxiao and Wang, Fei and Ma, Siyuan and Li, Jiazhao and
               Pan, Jinsheng and Li, Xiujun and Huang, Furong and Sun, Lichao and Li, Bo and
               Choi, Yejin and Chen, Muhao and Xiao, Chaowei}},
  booktitle = {{International Conference on Learning Representations (ICLR)}},
  year      = {{2025}},
  url       = {{{PAPER_URL}}}
}}"""

_TEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_TEX |= {mark: f"\\{mark}" for mark in "&%$#_"}


def citations(sources: Mapping[str, Mapping[str, Any]], publication: Publication | None, title: str) -> str:
    """The card's text on citing, as Markdown."""
    paper = f"The benchmark that this dataset follows:\n\n```bibtex\n{PAPER_BIBTEX}\n```"
    cited = dict.fromkeys(source["citation"] for source in sources.values() if source.get("citation"))
    lines = "\n".join(f"- {escape(text)}" for text in cited)
    works = f"{paper}\n\nThe sources that it was made from:\n\n{lines}" if lines else paper
    if publication is None:
        return works
    return f"This dataset:\n\n```bibtex\n{bibtex(publication, title)}\n```\n\n{works}"


def bibtex(publication: Publication, title: str) -> str:
    """A BibTeX entry of a published version: by its authors, else by the owner of the repository."""
    owner, name = publication.repo.split("/")
    authors = [_person(author["name"]) for author in publication.metadata.authors] or [f"{{{_tex(owner)}}}"]
    fields = {
        "title": _tex(title),
        "author": " and ".join(authors),
        "year": publication.date[:4],
        "howpublished": f"Hugging Face dataset {_tex(publication.repo)}, version {publication.version}",
        "note": _tex(publication.metadata.text("funding")),
    }
    lines = [f"  {key:<12} = {{{text}}}" for key, text in fields.items() if text]
    return f"@misc{{{owner}_{name}_{publication.version},\n" + ",\n".join(lines) + "\n}"


def _person(name: str) -> str:
    """A name that BibTeX does not take apart where it holds its own separator or a comma."""
    return f"{{{_tex(name)}}}" if " and " in name or "," in name else _tex(name)


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in text).replace("`", "'")
