"""Ids and names that a path or a query could mistake for something of its own."""

ODD_IDS = {
    "slash": "a/b",
    "two slashes": "a//b",
    "slash in front": "/a",
    "slash at the end": "a/",
    "blank": "a b",
    "plus": "a+b",
    "unicode": "ключ-🙂",
    "percent": "100%",
    "escape": "a%2Fb",
    "escaped percent": "a%25b",
    "literal %41": "a%41",
    "question mark": "a?b#c",
    "extension": "a.json",
    "dots": "..",
    "ampersand": "a&q.field=x",
    "statistics": "statistics",
    "semicolon": "a;b=c",
    "quotes": "'\"",
    "255 long": "x" * 255,
}
