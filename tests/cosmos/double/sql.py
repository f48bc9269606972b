"""A small evaluator of Cosmos DB SQL: what chatlog sends, and the rewritten forms that a query plan makes of it.

Undefined values and three-valued logic follow https://learn.microsoft.com/azure/cosmos-db/nosql/query/equality-comparison-operators
and https://learn.microsoft.com/azure/cosmos-db/nosql/query/logical-operators
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.cosmos.double.refusals import Refusal

UNDEFINED = object()
Scope = dict[str, Any]
Expression = Callable[[Scope], Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<number>\d+(?:\.\d+)?)|(?P<name>[@A-Za-z_]\w*)"
    r"|(?P<sign><=|>=|!=|<>|\?\?|[=<>.,()\[\]{}:*?]))"
)
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
AGGREGATES = {"COUNT": "Count", "SUM": "Sum", "MIN": "Min", "MAX": "Max", "AVG": "Average"}


@dataclass
class Statement:
    """A parsed SELECT."""

    columns: list[tuple[str | None, Expression]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    is_star: bool = False
    is_value: bool = False
    top: Expression | None = None
    where: Expression | None = None
    order_by: list[tuple[str, Expression, bool]] = field(default_factory=list)
    aggregates: list[str] = field(default_factory=list)
    text_of_columns: str = ""
    text_after_columns: str = ""


def parse(text: str) -> Statement:
    return _Parser(text).statement()


def type_rank(value: Any) -> int | None:
    """The place of a value's type in the order of types, `None` for what ORDER BY leaves out."""
    for rank, kinds in enumerate((type(None), bool, (int, float), str)):
        if isinstance(value, kinds):
            return rank
    return None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokenize(text)
        self.at = 0
        self.result = Statement()

    @staticmethod
    def _tokenize(text: str) -> list[tuple[str, str, int]]:
        tokens, position = [], 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise Refusal(400, f"Syntax error near {text[position : position + 20]!r}.")
            tokens.append((match.lastgroup or "", match[match.lastgroup or 0], match.start(match.lastgroup or 0)))
            position = match.end()
        return [*tokens, ("end", "", len(text))]

    def statement(self) -> Statement:
        self.need("SELECT")
        if self.take("TOP"):
            self.result.top = self.expression()
        self.columns()
        self.need("FROM")
        self.need("C")
        if self.take("WHERE"):
            self.result.where = self.expression()
        if self.take("ORDER"):
            self.need("BY")
            self.order_by()
        if self.tokens[self.at][0] != "end":
            raise Refusal(400, f"Syntax error near {self.tokens[self.at][1]!r}.")
        return self.result

    def columns(self) -> None:
        if self.take("*"):
            self.result.is_star = True
            self.result.text_after_columns = self.text[self.tokens[self.at][2] :]
            return
        self.result.is_value = self.take("VALUE")
        first = self.tokens[self.at][2]
        while True:
            start = self.at
            column = self.expression()
            source = self.text[self.tokens[start][2] : self.tokens[self.at][2]].strip()
            name = self.tokens[self.at - 1][1] if self.at - start > 1 else None
            if self.take("AS"):
                name = self.next()[1]
            self.result.columns.append((name, column))
            self.result.sources.append(source)
            if not self.take(","):
                break
        end = self.tokens[self.at][2]
        self.result.text_of_columns, self.result.text_after_columns = self.text[first:end].strip(), self.text[end:]

    def order_by(self) -> None:
        while True:
            start = self.tokens[self.at][2]
            expression = self.expression()
            source = self.text[start : self.tokens[self.at][2]].strip()
            descending = self.take("DESC")
            if not descending:
                self.take("ASC")
            self.result.order_by.append((source, expression, descending))
            if not self.take(","):
                return

    def expression(self) -> Expression:
        left = self.conjunction()
        while self.take("OR"):
            left = _either(left, self.conjunction())
        return left

    def conjunction(self) -> Expression:
        left = self.negation()
        while self.take("AND"):
            left = _both(left, self.negation())
        return left

    def negation(self) -> Expression:
        if self.take("NOT"):
            inner = self.negation()
            return lambda scope: not value if isinstance(value := inner(scope), bool) else UNDEFINED
        return self.comparison()

    def comparison(self) -> Expression:
        left = self.coalesced()
        sign = self.tokens[self.at][1]
        if sign in _COMPARE or sign in {"=", "!=", "<>"}:
            self.at += 1
            return _compared(sign, left, self.coalesced())
        return left

    def coalesced(self) -> Expression:
        # https://learn.microsoft.com/azure/cosmos-db/nosql/query/ternary-coalesce-operators
        left = self.operand()
        while self.take("??"):
            left = _first_defined(left, self.operand())
        return left

    def operand(self) -> Expression:
        kind, value, _ = self.next()
        if kind == "string":
            return _constant(value[1:-1].replace("\\'", "'").replace('\\"', '"'))
        if kind == "number":
            return _constant(float(value) if "." in value else int(value))
        if value == "(":
            inner = self.expression()
            self.need(")")
            return inner
        if value in {"[", "{"}:
            return self.literal(value)
        return self.named(value)

    def literal(self, opening: str) -> Expression:
        parts: list[tuple[str, Expression]] = []
        closing = "]" if opening == "[" else "}"
        while not self.take(closing):
            name = self.next()[1][1:-1] if opening == "{" else ""
            if opening == "{":
                self.need(":")
            parts.append((name, self.expression()))
            self.take(",")
        if opening == "[":
            return lambda scope: [part(scope) for _, part in parts]
        return lambda scope: {name: value for name, part in parts if (value := part(scope)) is not UNDEFINED}

    def named(self, name: str) -> Expression:
        if name.startswith("@"):
            return lambda scope: scope["parameters"].get(name, UNDEFINED)
        if (word := name.upper()) in {"TRUE", "FALSE", "NULL", "UNDEFINED"}:
            return _constant({"TRUE": True, "FALSE": False, "NULL": None, "UNDEFINED": UNDEFINED}[word])
        if self.take("("):
            return self.call(word)
        if word != "C":
            raise Refusal(400, f"Identifier '{name}' could not be resolved.")
        path = []
        while self.take("."):
            path.append(self.next()[1])
        return lambda scope: _at(scope["c"], path)

    def call(self, name: str) -> Expression:
        arguments = []
        while not self.take(")"):
            arguments.append(self.expression())
            self.take(",")
        if name in AGGREGATES:
            self.result.aggregates.append(name)
            return lambda scope: _aggregate(name, [arguments[0]({**scope, "c": row}) for row in scope["rows"]])
        if name not in FUNCTIONS:
            raise Refusal(400, f"'{name}' is not a recognized built-in function name.")
        return lambda scope: FUNCTIONS[name](*(argument(scope) for argument in arguments))

    def next(self) -> tuple[str, str, int]:
        if self.tokens[self.at][0] == "end":
            raise Refusal(400, "Syntax error, the text ends too early.")
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, word: str) -> bool:
        if self.tokens[self.at][1].upper() == word and self.tokens[self.at][0] in {"name", "sign"}:
            self.at += 1
            return True
        return False

    def need(self, word: str) -> None:
        if not self.take(word):
            raise Refusal(400, f"Syntax error, incorrect syntax near {self.tokens[self.at][1]!r}; expected {word}.")


def _constant(value: Any) -> Expression:
    return lambda _: value


def _at(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value.get(name, UNDEFINED) if isinstance(value, dict) else UNDEFINED
    return value


def _both(left: Expression, right: Expression) -> Expression:
    def evaluate(scope: Scope) -> Any:
        values = (left(scope), right(scope))
        return False if False in values else (True if values == (True, True) else UNDEFINED)

    return evaluate


def _either(left: Expression, right: Expression) -> Expression:
    def evaluate(scope: Scope) -> Any:
        values = (left(scope), right(scope))
        return True if True in values else (False if values == (False, False) else UNDEFINED)

    return evaluate


def _first_defined(left: Expression, right: Expression) -> Expression:
    return lambda scope: value if (value := left(scope)) is not UNDEFINED else right(scope)


def _compared(sign: str, left: Expression, right: Expression) -> Expression:
    def evaluate(scope: Scope) -> Any:
        one, other = left(scope), right(scope)
        if type_rank(one) is None or type_rank(one) != type_rank(other):
            return UNDEFINED
        if sign in _COMPARE:
            return UNDEFINED if one is None else _COMPARE[sign](one, other)
        return (one == other) == (sign == "=")

    return evaluate


def _aggregate(name: str, values: list[Any]) -> Any:
    defined = [value for value in values if value is not UNDEFINED]
    if name == "COUNT":
        return len(defined)
    if name in {"MIN", "MAX"}:
        return {"MIN": min, "MAX": max}[name](defined, default=UNDEFINED)
    return sum(defined) if name == "SUM" else (sum(defined) / len(defined) if defined else UNDEFINED)


def _contains(text: Any, part: Any, *flags: Any) -> Any:
    if not isinstance(text, str) or not isinstance(part, str):
        return UNDEFINED
    return part.lower() in text.lower() if True in flags else part in text


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "IS_DEFINED": lambda value: value is not UNDEFINED,
    "IS_NULL": lambda value: value is None,
    "ARRAY_CONTAINS": lambda array, value: value in array if isinstance(array, list) else UNDEFINED,
    "CONTAINS": _contains,
    "LOWER": lambda text: text.lower() if isinstance(text, str) else UNDEFINED,
}
