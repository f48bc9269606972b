"""Answering queries: rows of one physical partition, and plans for queries over both."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

from tests.cosmos.double.refusals import Refusal
from tests.cosmos.double.sql import AGGREGATES, UNDEFINED, Expression, Scope, Statement, parse, type_rank

# Source: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits ("Maximum response size")
MAX_PAGE_BYTES = 4 * 1024 * 1024
_FILTER = "{documentdb-formattableorderbyquery-filter}"

parsed = functools.lru_cache(maxsize=256)(parse)


def answer(documents: Sequence[dict[str, Any]], body: dict[str, Any], *, indexing_policy: dict[str, Any]) -> list[Any]:
    """All rows of a query."""
    statement = parsed(body["query"])
    check_order(statement, indexing_policy)
    parameters = {parameter["name"]: parameter["value"] for parameter in body.get("parameters") or []}
    scopes = [{"c": document, "parameters": parameters} for document in documents]
    rows = [scope for scope in scopes if statement.where is None or statement.where(scope) is True]
    for _, expression, descending in reversed(statement.order_by):
        if len(statement.order_by) > 1:
            # A composite index holds only what has a value under each of its paths.
            rows = [row for row in rows if type_rank(expression(row)) is not None]
        # Ordered by one property, what lacks it comes first (last if descending):
        # https://learn.microsoft.com/azure/cosmos-db/nosql/query/order-by#documents-with-missing-fields
        rows.sort(key=functools.partial(_place, expression), reverse=descending)
    if statement.top is not None:
        rows = rows[: statement.top({"c": {}, "parameters": parameters})]
    return _project(statement, rows, parameters)


def _place(expression: Expression, row: Scope) -> tuple[int, Any]:
    value = expression(row)
    rank = type_rank(value)
    return (-1, 0) if rank is None else (rank, 0 if value is None else value)


def check_order(statement: Statement, indexing_policy: dict[str, Any]) -> None:
    # "Queries that have an ORDER BY clause with two or more properties require a composite index"; its order must match, or
    # match the reverse: https://learn.microsoft.com/azure/cosmos-db/index-policy#order-by-queries-on-multiple-properties
    if len(statement.order_by) < 2:
        return
    wanted = [("/" + source.removeprefix("c."), descending) for source, _, descending in statement.order_by]
    reverse = [(path, not descending) for path, descending in wanted]
    for index in indexing_policy.get("compositeIndexes") or []:
        there = [(part["path"], part.get("order", "ascending") == "descending") for part in index]
        if there in (wanted, reverse):
            return
    raise Refusal(400, "The order by query does not have a corresponding composite index that it can be served from.")


def needs_plan(text: str) -> bool:
    """Whether the rows of several partitions cannot just be put one behind the other."""
    statement = parsed(text)
    return bool(statement.order_by or statement.aggregates or statement.top)


def plan(text: str, *, indexing_policy: dict[str, Any]) -> dict[str, Any]:
    """How the SDK is to merge the partitions' rows."""
    statement = parsed(text)
    check_order(statement, indexing_policy)
    if statement.top is not None and not statement.order_by:
        raise Refusal(400, "The double plans no TOP without ORDER BY.")
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": {
            "distinctType": "None",
            "top": None,
            "offset": None,
            "limit": None,
            "orderBy": ["Descending" if descending else "Ascending" for _, _, descending in statement.order_by],
            "orderByExpressions": [source for source, _, _ in statement.order_by],
            "groupByExpressions": [],
            "groupByAliases": [],
            "aggregates": [AGGREGATES[name] for name in statement.aggregates],
            "groupByAliasToAggregateType": {},
            "rewrittenQuery": _rewritten(statement),
            "hasSelectValue": statement.is_value,
            "hasNonStreamingOrderBy": False,
        },
        "queryRanges": [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}],
    }


def page(rows: list[Any], *, start: int, most: int | None) -> tuple[list[Any], int | None]:
    """The rows from `start` on that fit one response, and where the next page starts."""
    size, end = 0, start
    while end < len(rows) and (most is None or end - start < most):
        size += len(json.dumps(rows[end], ensure_ascii=False).encode())
        if size > MAX_PAGE_BYTES and end > start:
            break
        end += 1
    return rows[start:end], end if end < len(rows) else None


def _rewritten(statement: Statement) -> str:
    """The text that each partition answers, in a form that can be merged."""
    if statement.is_value and statement.aggregates:
        return f'SELECT VALUE [{{"item": {statement.text_of_columns}}}] {statement.text_after_columns}'
    if not statement.order_by:
        return ""
    items = ", ".join(f'{{"item": {source}}}' for source, _, _ in statement.order_by)
    where, order = statement.text_after_columns.split(" ORDER BY ")
    condition = where.removeprefix("FROM c").strip().removeprefix("WHERE ")
    return (
        f"SELECT c._rid, [{items}] AS orderByItems, {_payload(statement)} AS payload FROM c "
        f"WHERE ({condition or 'true'}) AND ({_FILTER}) ORDER BY {order}"
    )


def _payload(statement: Statement) -> str:
    if statement.is_star:
        return "c"
    if statement.is_value:
        return statement.text_of_columns
    named = enumerate(zip(statement.columns, statement.sources, strict=True), 1)
    return "{" + ", ".join(f'"{name or f"${number}"}": {source}' for number, ((name, _), source) in named) + "}"


def _project(statement: Statement, rows: list[dict[str, Any]], parameters: dict[str, Any]) -> list[Any]:
    if statement.aggregates:
        scope = {"c": {}, "rows": [row["c"] for row in rows], "parameters": parameters}
        return [_row(statement, scope)]
    if statement.is_star:
        return [row["c"] for row in rows]
    projected = [_row(statement, row) for row in rows]
    return [row for row in projected if row is not UNDEFINED]


def _row(statement: Statement, scope: dict[str, Any]) -> Any:
    if statement.is_value:
        return statement.columns[0][1](scope)
    named = ((name or f"${number}", column(scope)) for number, (name, column) in enumerate(statement.columns, 1))
    return {name: value for name, value in named if value is not UNDEFINED}
