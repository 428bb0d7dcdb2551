"""From the configuration to the settings of each room."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from pdwatch.config.access import HttpAccess
from pdwatch.config.model import Config
from pdwatch.config.services import Pool, Service
from pdwatch.judge.advice import Limits, ServiceLimits
from pdwatch.model.target import Role
from pdwatch.road.road import RoadSettings, ServicePolicy
from pdwatch.scrape.series import PageLimits
from pdwatch.scrape.settings import TransportSettings
from pdwatch.scrape.turns import LoopSettings
from pdwatch.signals.service import Objectives


def road_settings(config: Config) -> RoadSettings:
    """Return how to judge."""
    return RoadSettings(
        interval=config.scrape.interval,
        window=config.window,
        thresholds=config.thresholds,
        services={name: _policy(service) for name, service in config.services.items()},
        page_limits=PageLimits(max_samples=config.scrape.max_samples),
    )


def _policy(service: Service) -> ServicePolicy:
    pools = {Role.PREFILL: service.pools.prefill, Role.DECODE: service.pools.decode, Role.BOTH: service.pools.both}
    return ServicePolicy(
        objectives=Objectives(service.slo.ttft, service.slo.itl, service.slo.target),
        limits=ServiceLimits({role: _limits(pool) for role, pool in pools.items()}, service.gpu_budget),
        connector=service.connector,
    )


def _limits(pool: Pool) -> Limits:
    return Limits(pool.min_replicas, pool.max_replicas, pool.gpus_per_replica or 1, pool.startup)


def loop_settings(config: Config) -> LoopSettings:
    """Return the rhythm of scraping."""
    return LoopSettings(interval=config.scrape.interval)


def host_loop_settings(config: Config) -> LoopSettings:
    """Return the rhythm of scraping pages about hosts."""
    return LoopSettings(interval=config.scrape.interval, probes=False)


def transport_settings(config: Config) -> TransportSettings:
    """Return how targets are asked."""
    scrape = config.scrape
    token, basic = scrape.authorization, scrape.basic_auth
    return TransportSettings(
        timeout=scrape.timeout,
        max_body=scrape.max_body,
        concurrency=scrape.concurrency,
        bearer_token_file=token.credentials_file if token is not None else None,
        username=basic.username if basic is not None and basic.password_file is not None else "",
        password_file=basic.password_file if basic is not None else None,
        ca_file=scrape.tls.ca_file,
        cert_file=scrape.tls.cert_file,
        key_file=scrape.tls.key_file,
        insecure_skip_verify=scrape.tls.insecure_skip_verify,
        headers=_secret_headers(scrape),
    )


def _secret_headers(access: HttpAccess) -> Mapping[str, str]:
    """Return the header for a secret that came by environment instead of by file."""
    token, basic = access.authorization, access.basic_auth
    if token is not None and token.credentials is not None:
        return {"Authorization": f"{token.type} {token.credentials.get_secret_value()}"}
    if basic is not None and basic.password is not None:
        pair = f"{basic.username}:{basic.password.get_secret_value()}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}
