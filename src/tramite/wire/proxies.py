"""Which HTTP proxy the environment names for an address. Knows no HTTP library and reads nothing else."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from tramite.errors import ConfigError


def proxy_for(url: str) -> str | None:
    """The proxy's URL, or None to connect directly.

    HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY (in either case; names, suffixes, ports, networks) are understood
    as by requests and curl; this machine itself (localhost, 127.0.0.0/8, ::1) is never reached through a proxy, as in
    Go: there the model servers of one's own listen. Raises `ConfigError` for a proxy that does not speak HTTP.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or _is_here(host):
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if proxy_bypass(f"{host}:{port}") or _in_networks(host, proxies.get("no", "")):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        kind = proxy.partition("://")[0]
        raise ConfigError(
            f"the environment names a {kind}:// proxy for {host}, and tramite goes through HTTP proxies only. "
            f"Set HTTPS_PROXY to an http:// proxy, or NO_PROXY={host}, "
            f"or hand over an httpx client that is built for {kind}."
        )
    return proxy


def _address(host: str) -> IPv4Address | IPv6Address | None:
    with suppress(ValueError):
        return ip_address(host)
    return None


def _is_here(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _in_networks(host: str, no_proxy: str) -> bool:
    """Whether NO_PROXY names a network, such as 10.0.0.0/8, that this address is in."""
    address = _address(host)
    if address is None:
        return False
    for entry in no_proxy.split(","):
        with suppress(ValueError):
            if address in ip_network(entry.strip(), strict=False):
                return True
    return False
