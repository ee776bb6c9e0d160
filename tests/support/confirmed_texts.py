"""Made-up texts of a few matters, for training in tests: short sentences put together from words of each matter."""

import random

from services.intake.domain.suggestion import Question
from services.intake.suggestion.examples import Example

WORDS = {
    "0101": ["垃圾", "清运", "臭味", "桶满了", "蚊蝇", "垃圾站", "没人收"],
    "0203": ["井盖", "窨井", "下沉", "响声", "车轮", "盖子", "缺口"],
    "0204": ["路灯", "不亮", "漆黑", "灯杆", "夜间", "照明", "闪烁"],
}
PLACES = ["建设路", "文峰路", "七一路", "东大街", "西关", "南关", "望田路", "天宝路"]
TAILS = ["请尽快处理", "已经好几天了", "居民意见很大", "希望解决", "谢谢"]


def made_up(label: str, count: int, *, seed: int = 1) -> list[Example]:
    """Return different texts of one matter, the same ones for the same seed."""
    chance = random.Random(f"{label} {seed}")
    texts: dict[str, None] = {}
    while len(texts) < count:
        words = chance.sample(WORDS[label], 3)
        texts[
            f"{chance.choice(PLACES)}{chance.randint(1, 300)}号{words[0]}{words[1]}，{words[2]}，{chance.choice(TAILS)}"
        ] = None
    return [Example(Question(text), label) for text in texts]


def made_up_city(per_label: int = 40, *, seed: int = 1) -> list[Example]:
    """Return texts of every matter."""
    return [example for label in WORDS for example in made_up(label, per_label, seed=seed)]
