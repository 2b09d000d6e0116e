"""What a value has that the OpenAPI document does not allow."""

import json
from decimal import Decimal
from typing import Any

from jsonschema import Draft202012Validator


def violations(document: dict[str, Any], schema: dict[str, Any], text: str) -> list[str]:
    """Each fault of a text of JSON under a schema of the document; numbers are exact."""
    value = json.loads(text, parse_float=Decimal)
    whole = {**schema, "components": document["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]
