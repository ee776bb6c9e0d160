"""What the city itself has confirmed, as examples: public wording, the category as it is called today."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.intake.db.suggestions import Record
from services.intake.domain.categories import Tree
from services.intake.domain.suggestion import Question, mapped_code
from services.intake.suggestion.examples import Example
from services.intake.suggestion.wording import normalised
from shared.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class Gathered:
    """Examples, and how many records were of no use: their category is gone, or the text is only its name."""

    examples: tuple[Example, ...]
    left_out: int


def gather(records: Sequence[Record], tree: Tree) -> Gathered:
    """Turn records into examples, the oldest first, so that of repetitions the latest counts."""
    examples = tuple(_examples_of(list(reversed(records)), tree))
    return Gathered(examples, len(records) - len(examples))


def _examples_of(records: Sequence[Record], tree: Tree) -> Iterator[Example]:
    for record in records:
        code = mapped_code(tree, record.category_code)
        if code is None or _only_names(record, tree):
            continue
        question = Question(
            record.title, record.description, record.type, Channel(record.channel), located=record.located
        )
        yield Example(question, code)


def _only_names(record: Record, tree: Tree) -> bool:
    """Past requests often carry the name of their category for a title: that teaches nothing about texts."""
    category = tree.get(record.category_code)
    if category is None or record.description.strip():
        return False
    names = {normalised(category.name).strip(), normalised(category.name_zh).strip()}
    return normalised(record.title).strip() in names
