"""Who keeps samples in a store: the project that asks, and others, whose every word is marked.

The others share with it whatever can be shared: resources, meters, users, sources, ids, instants.
"""

import base64
import re
from datetime import timedelta
from typing import Any

from builders import NOON, after_noon, submission

from metering.model import MeterType, Submission

OWN = "p-a"
VOLUME = 31415926535897  # too long to be part of a random id

_CANARY = re.compile(rf"zq-[a-z0-9]+-qz|{str(VOLUME)[:8]}[0-9]*")
_BASE64 = re.compile("[-_+/A-Za-z0-9]{8,}")
_STANDARD = bytes.maketrans(b"-_", b"+/")


def marked(word: str) -> str:
    """A word that only others have, each one of its own."""
    return f"zq-{word}-qz"


FOREIGN = marked("project")
# Names that a careless comparison takes for the own one, and nobody's.
_NEIGHBOURS = (None, "", "P-A", "p-a ", "p-a:x", "p-ab", marked("neighbour"))
_METADATA = {"kind": "own", "n": 1, "deep": {"a": "x"}}

_OWN: list[dict[str, Any]] = [
    {},
    {"timestamp": after_noon(1), "volume": 2, "metadata": {"kind": "other", "n": 2}},
    {"timestamp": after_noon(60), "resource_id": "vm-2", "user_id": "u-2", "source": "p-a:own"},
    {"timestamp": after_noon(3600), "meter": "disk", "type": MeterType.CUMULATIVE, "volume": 10},
    {"timestamp": after_noon(3660), "meter": "disk", "type": MeterType.CUMULATIVE, "volume": 25},
    {"timestamp": after_noon(7200), "resource_id": "a/b", "user_id": None, "metadata": {}},
    {"timestamp": after_noon(90000), "meter": "x.json", "unit": "", "source": "p-a:openstack"},
]
_OF_OTHERS: list[dict[str, Any]] = [
    {"user_id": marked("user"), "timestamp": NOON - timedelta(days=1)},
    {"meter": marked("meter")},
    {"unit": marked("unit"), "timestamp": after_noon(1.5)},
    {"resource_id": marked("resource"), "user_id": marked("owner")},
    {"source": marked("source"), "timestamp": NOON + timedelta(days=1.5)},
    # Not the streams of the own samples: where these are shared, `test_changing_hands.py` looks.
    {
        "source": "openstack",
        "unit": marked("shared"),
        "metadata": {"kind": marked("kind"), marked("key"): {"a": 1}},
    },
    {"type": MeterType.DELTA, "metadata": {"n": VOLUME, "deep": {"a": marked("deep")}}},
]


def own() -> list[Submission]:
    """What the project has that asks."""
    common = {"project_id": OWN, "metadata": _METADATA}
    return [submission(**{**common, "id": f"s-{place}"} | one) for place, one in enumerate(_OWN, 1)]


def foreign() -> list[Submission]:
    """What all others have: as the own samples, but for one thing each; ids come again, too."""
    found = []
    for place, one in enumerate(_OWN, 1):
        for number, change in enumerate(_OF_OTHERS):
            differs = {
                "project_id": FOREIGN,
                "id": f"s-{place}" if number % 2 else marked(f"id{place}{number}"),
                "source": f"{FOREIGN}:{number}",
                "volume": VOLUME + number,
            }
            found.append({"metadata": _METADATA} | one | differs | change)
    found += [
        {"project_id": name, "id": marked(f"nb{place}"), "volume": VOLUME, "source": "nobody"}
        for place, name in enumerate(_NEIGHBOURS)
    ]
    # Keys are (source, id): of two samples with the same the first would be kept, in silence.
    by_key = {one.sample.key: one for one in (submission(**each) for each in found)}
    return [*by_key.values()]


def canaries(text: str) -> set[str]:
    """The words and volumes of others in a text, and in what is written there in base64."""
    found = set(_CANARY.findall(text))
    for word in _BASE64.findall(text):
        standard = word.encode().translate(_STANDARD)
        plain = base64.b64decode(standard[: len(standard) // 4 * 4])
        found.update(_CANARY.findall(plain.decode("latin-1")))
    return found
