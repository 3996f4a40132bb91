"""The gateway as it is operated: the application with all that guards, measures and reloads it, put together once."""

from __future__ import annotations

from collections.abc import Callable

from tramite.config import Config

from .app import Gateway
from .gate import Gate
from .guards import Guards
from .health import Readiness
from .metrics import Figures
from .reloading import Reloader
from .serving import Factory, Fleet, Service


def factory(load: Callable[[], Config]) -> Factory:
    """What makes a worker's service. `load` reads the configuration again, as it was read at the start."""

    def service(config: Config, fleet: Fleet) -> Service:
        gate = Gate(config)
        app = Gateway(gate)
        guards = Guards(app, config.gateway)
        figures = Figures(gate.metrics, guards, lambda: gate.core, fleet)
        app.add({"/metrics": figures.page, "/health/ready": Readiness(guards, lambda: gate.core).page})
        reloader = Reloader(gate, load, lambda fresh: guards.configure(fresh.gateway))

        async def tell_draining() -> None:
            gate.drains.set()

        return Service(guards=guards, reload=reloader.reload, tell_draining=tell_draining, background=(figures.run,))

    return service
