"""Media types: those that answers have, and those that bodies may have."""

from collections.abc import Collection

from metering.errors import UnsupportedMedia

JSON = "application/json"
XML = ("application/xml", "text/xml")
NDJSON = "application/x-ndjson"
CSV = "text/csv"
# The forms of answers that are rows.
ROWS = (JSON, *XML, NDJSON, CSV)
# What clients call JSON that they send.
JSON_TYPES = (JSON, "text/javascript", "application/javascript")
FORM = "application/x-www-form-urlencoded"


def check_media_type(content_type: str, known: Collection[str]) -> None:
    """Refuse a body of another type.

    Raises:
        UnsupportedMedia: it is none of those that are known.
    """
    if content_type not in known:
        raise UnsupportedMedia(f"Unknown mimetype: {content_type[:100]}")
