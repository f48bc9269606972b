"""Requests of exporters: handled as the API's are, refused in the form of OTLP."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse

from dashboard.otlp.receiving import refuse
from dashboard.programs.handler import ProgramHandler
from dashboard.programs.problems import Problem

_ONLY_TRACES = (
    "Only traces are taken here, at /v1/traces. "
    "Switch the other signals off with OTEL_METRICS_EXPORTER=none and OTEL_LOGS_EXPORTER=none."
)


class OtlpHandler(ProgramHandler):
    max_body_bytes = settings.MAX_OTLP_BODY_BYTES

    def refuse(self, problem: Problem, *, content_type: str) -> HttpResponse:
        return refuse(Problem(404, _ONLY_TRACES) if problem.status == 404 else problem, content_type=content_type)
