"""The IAM condition keys of a DynamoDB request, as AWS documents them.

MiniStack takes the attributes from a projection only, so that a policy on attributes would let every write through and
no batch of reads.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)

# The members that attributes are the keys of: those of an item's key, and what came before expressions.
ATTRIBUTE_MAPS = ("Key", "Item", "AttributeUpdates", "Expected", "KeyConditions", "QueryFilter", "ScanFilter")

# What of an expression looks like an attribute's name and is none.
KEYWORDS = {"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"}

# A name or its placeholder: the first of a path, and no function.
TOP_LEVEL_NAME = re.compile(r"(?<![\w:#.])(#\w+|[A-Za-z_]\w*)(?!\w|\s*\()")


def conditions(body: bytes) -> dict[str, Any]:
    """The condition keys of the request, or of all that a batch or a transaction has in it."""
    request = json.loads(body)
    parts = list(parts_of(request))
    select = "SPECIFIC_ATTRIBUTES" if all(map(has_projection, parts)) else "ALL_ATTRIBUTES"
    keys = {
        "dynamodb:Attributes": sorted({name for part in parts for name in attributes(part)}),
        "dynamodb:Select": request.get("Select") or select,
        "dynamodb:ReturnValues": request.get("ReturnValues"),
    }
    return {key: value for key, value in keys.items() if value}


def parts_of(request: dict) -> Iterator[dict]:
    """Each table's part of a batch, each item's of a transaction; the request itself where it is neither."""
    if "RequestItems" in request:
        yield from (part for part in request["RequestItems"].values() if isinstance(part, dict))
    elif "TransactItems" in request:
        yield from (part for item in request["TransactItems"] for part in item.values())
    else:
        yield request


def has_projection(part: dict) -> bool:
    """Whether it names the attributes that it reads."""
    return bool(part.get("ProjectionExpression") or part.get("AttributesToGet"))


def attributes(part: dict) -> Iterator[str]:
    """The top-level attributes it names, be it to read, to write or to compare them; the key's, too."""
    for named in (*(part.get(member) or {} for member in ATTRIBUTE_MAPS), *part.get("Keys", [])):
        yield from named
    yield from part.get("AttributesToGet") or []
    placeholders = part.get("ExpressionAttributeNames") or {}
    for expression in EXPRESSIONS:
        for name in TOP_LEVEL_NAME.findall(part.get(expression) or ""):
            if name.upper() not in KEYWORDS:
                yield placeholders.get(name, name)
