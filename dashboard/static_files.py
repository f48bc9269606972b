"""Static files under names that carry a hash of their content, and collecting them before the site starts."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import HashedFilesMixin, staticfiles_storage
from django.core.files import locks
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise carries no types
    support_js_module_import_aggregation = True  # a module's imports are rewritten to the hashed names too
    # Of our own modules only: htmx has an example in a comment that Django takes for an import of a missing file.
    _js_module_import_aggregation_patterns = ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1])  # type: ignore[attr-defined]  # noqa: SLF001


def collect_if_stale() -> bool:
    """Collect the static files if any is newer than the last collection. Returns whether that was needed."""
    if not isinstance(staticfiles_storage, HashedFiles) or not _is_stale():
        return False
    root = Path(settings.STATIC_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".collecting").open("w") as file:
        locks.lock(file, locks.LOCK_EX)  # of two sites that start at once, the second finds everything collected
        if not _is_stale():
            # This storage read its list of names before the other site had written it.
            staticfiles_storage.hashed_files, staticfiles_storage.manifest_hash = staticfiles_storage.load_manifest()
            return False
        call_command("collectstatic", interactive=False, verbosity=0)
    return True


def _is_stale() -> bool:
    manifest = Path(settings.STATIC_ROOT) / HashedFiles.manifest_name
    return not manifest.exists() or manifest.stat().st_mtime < _newest_source()


def _newest_source() -> float:
    files = (Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([]))
    return max((file.stat().st_mtime for file in files), default=0.0)
