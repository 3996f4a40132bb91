"""The gateway as it is operated: the application with all that guards, measures and reloads it, put together once."""

from __future__ import annotations

import os
from collections.abc import Callable

from tramite.config import Config

from .admin import build_admin, pages
from .admin_key import VARIABLE, AdminKey
from .app import Gateway
from .gate import Gate
from .guards import Guards
from .health import Readiness
from .metrics import Figures
from .reloading import Changes, Reloader
from .serving import Factory, Fleet, Service


def factory(load: Callable[[], Config]) -> Factory:
    """What makes a worker's service. `load` reads the configuration again, as it was read at the start."""

    def service(config: Config, fleet: Fleet) -> Service:
        gate = Gate(config)
        app = Gateway(gate)
        guards = Guards(app, config.gateway)
        figures = Figures(gate.metrics, guards, lambda: gate.core, fleet, lambda: len(gate.streams))
        admin_key = AdminKey(os.environ.get(VARIABLE, ""), lambda: gate.config.gateway)
        admin = build_admin(gate, admin_key)
        ready = Readiness(guards, lambda: gate.core).page
        app.add({"/metrics": admin_key.guard(figures.page), "/health/ready": ready, **pages(admin)}, admin)
        reloader = Reloader(gate, load, lambda fresh: guards.configure(fresh.gateway))

        async def reload_all() -> Changes:
            changes = await reloader.reload()  # where it is wrong, nobody else hears of it
            fleet.reload_all()
            return changes

        gate.reload = reload_all

        async def tell_draining() -> None:
            gate.drain()

        return Service(
            guards=guards,
            reload=reloader.reload,
            begin_draining=gate.drains.set,
            tell_draining=tell_draining,
            background=(figures.run,),
        )

    return service
