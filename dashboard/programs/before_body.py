"""Whether a request's body is wanted: decided by its headers, before any of the body is read."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.programs import audit, known_tokens
from dashboard.programs.access import check_scope, get_grant, read_token, scope_of
from dashboard.programs.problems import Problem, describe
from dashboard.programs.tokens import Grant


@dataclass(frozen=True, slots=True)
class Head:
    """What has come of a request.

    Attributes:
        path: decoded, without its query.
        authorization: the header, empty if there is none.
        client: from where.
    """

    method: str
    path: str
    authorization: str
    client: str


def is_wanted(head: Head) -> bool:
    """Whether that is known already; if not, `find_refusal` has to ask."""
    try:
        grant = known_tokens.current.get().recall(read_token(head.authorization))
        if grant is not None:
            check_scope(grant, scope_of(head.method))
    except Problem:  # described, and logged, by `find_refusal`
        return False
    return grant is not None


async def find_refusal(head: Head) -> Problem | None:
    """Why the body is not wanted: the same as the view would say that never sees it."""
    grant: Grant | None = None
    try:
        grant = await get_grant(read_token(head.authorization))
        check_scope(grant, scope_of(head.method))
    except Exception as error:  # described, logged if nobody foresaw it, never shown
        problem = describe(error)
        audit.note(status=problem.status, method=head.method, path=head.path, grant=grant, client=head.client)
        return problem
    return None
