"""The proxy between this machine and a site, where the environment names one."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from chatlog.client.address import SiteAddress
from chatlog.errors import ConfigurationError


def find_proxy(address: SiteAddress) -> str | None:
    """`HTTPS_PROXY`, unless `NO_PROXY` has the site's host; read as Python's own urllib reads them.

    Through it the token travels inside of TLS. Plain `http` goes straight to the site: a proxy would be one more who listens.

    aiohttp's own `trust_env` would also look into `~/.netrc`, and fail where that has a password for the site.

    Raises:
        ConfigurationError: it is no address. The text is not shown, for it may hold a password.
    """
    site = urlsplit(address.root)
    named = getproxies().get("https", "")
    if site.scheme != "https" or not named or proxy_bypass(site.hostname or ""):
        return None
    proxy = named if "://" in named else f"http://{named}"
    try:
        parts = urlsplit(proxy)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, and the like
        is_address = False
    if not is_address:
        raise ConfigurationError(
            "HTTPS_PROXY is no address of a proxy. Write it like http://proxy.example.org:3128, or name the site's host in "
            "NO_PROXY."
        )
    return proxy
