"""Parameters that are one of a few words."""

from collections.abc import Collection

from metering.errors import InvalidQuery


def read_choice(text: str | None, words: Collection[str], name: str, default: str) -> str:
    """The word that was given, or the default.

    Raises:
        InvalidQuery: it is another; the parameter is named.
    """
    if text is None:
        return default
    if text not in words:
        message = f"{name} must be one of {', '.join(words)}, not '{text[:100]}'"
        raise InvalidQuery(message, field=name)
    return text
