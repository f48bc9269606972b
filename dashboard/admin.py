"""What members of staff look after: people and groups, and the tokens of programs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dashboard import shown_once
from dashboard.forms import TokenForm
from dashboard.models import ApiToken
from dashboard.programs.tokens import TokenState, create_token, list_valid, revoke_tokens, state_of

_STATES = {
    TokenState.VALID: gettext_lazy("valid"),
    TokenState.REVOKED: gettext_lazy("revoked"),
    TokenState.OVER: gettext_lazy("over"),
    TokenState.BARRED: gettext_lazy("owner may not log in"),
}


class ForSuperusers:
    """Who may change people could make themselves a superuser; so only those do who are one already."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)


admin.site.unregister([User, Group])


@admin.register(User)
class People(ForSuperusers, UserAdmin):  # type: ignore[type-arg]  # Django's class takes no parameter
    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Never: what they did and which tokens were theirs has to stay. Who leaves is made inactive."""
        return False


@admin.register(Group)
class Groups(ForSuperusers, GroupAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _is_superuser(request)


class IsValid(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "valid"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _STATES[TokenState.VALID]), ("0", gettext_lazy("not valid any more"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
        valid = list_valid(now=timezone.now()).values("pk")
        match self.value():
            case "1":
                return queryset.filter(pk__in=valid)
            case "0":
                return queryset.exclude(pk__in=valid)
        return queryset


@admin.register(ApiToken)
class Tokens(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no parameter
    """Made, looked at and revoked. Never changed, so that the log stays true; never deleted, so that it is known whose."""

    form = TokenForm
    list_display = ("name_or_number", "user", "allowed", "state", "last_used_at", "expires_at", "created_at")
    list_filter = (IsValid,)
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    ordering = ("-pk",)
    actions = ("revoke",)
    fields = ("user", "name", "may_read", "may_write", "days")
    _shown = ("user", "name", "allowed", "state", "created_at", "last_used_at", "expires_at", "revoked_at")

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return self.fields if obj is None else self._shown

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk, "may_read": True, "may_write": True}

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        """What comes after making one is always the page that shows it."""
        one_way = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context | one_way, *args, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return self.has_revoke_permission(request) or super().has_view_permission(request, obj)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Django's permission to change a token: revoking is all that can be changed of one."""
        return super().has_change_permission(request)

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def name_or_number(self, token: ApiToken) -> str:
        return token.name or _("token %(number)d") % {"number": token.pk}

    @admin.display(description=gettext_lazy("scopes"))
    def allowed(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description=gettext_lazy("state"))
    def state(self, token: ApiToken) -> str:
        return str(_STATES[state_of(token, now=timezone.now())])

    @admin.action(description=gettext_lazy("Revoke; this cannot be undone"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        valid = list(tokens.filter(revoked_at=None))  # before they are
        count = revoke_tokens(tokens, by=request.user.get_username())
        for token in valid:
            self.log_change(request, token, "Revoked.")
        text = ngettext("%(n)d token is revoked.", "%(n)d tokens are revoked.", count) % {"n": count}
        self.message_user(request, text, messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:  # noqa: FBT001  # Django's signature
        """Made by the module that makes all of them. Its text is kept for `response_add`, which comes next, and nowhere."""
        token, text = create_token(by=request.user.get_username(), **form.cleaned_data)
        obj.pk = token.pk
        obj.text = text  # type: ignore[attr-defined]  # no field: never saved

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """To the page that shows the text, once. Not as one of Django's messages, which lie in a cookie or the database."""
        page = reverse("admin:dashboard_apitoken_made", args=[obj.pk])
        response = redirect(page)
        shown_once.keep(request, response, name=_kept_as(obj.pk), secret=obj.text, path=page)  # type: ignore[attr-defined]  # see above
        return response

    def get_urls(self) -> list[Any]:
        made = path("<int:number>/made/", self.admin_site.admin_view(self.made_view), name="dashboard_apitoken_made")
        return [made, *super().get_urls()]

    def made_view(self, request: HttpRequest, number: int) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        token = get_object_or_404(ApiToken, pk=number)
        text = shown_once.take(request, name=_kept_as(number))
        title = _("The new token") if text else self.name_or_number(token)
        context = {"title": title, "token": token, "text": text, "opts": self.opts}
        response = render(request, "admin/token_made.html", self.admin_site.each_context(request) | context)
        shown_once.forget(response, name=_kept_as(number), path=request.path)
        return response


def _kept_as(number: int) -> str:
    return f"new_token_{number}"


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser
