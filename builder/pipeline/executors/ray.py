"""Tasks of `Ray <https://docs.ray.io>`_, on the cluster that it is connected to, or on this machine."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from fiubench.builder.pipeline.executing import Executor, register
from fiubench.builder.pipeline.work import Work
from fiubench.builder.release.pieces import Range
from fiubench.support.extras import need
from fiubench.support.registry import load_plugins, plugin_files


def _make(location: str, rank: int, world_size: int, plugins: Sequence[str]) -> None:
    from fiubench.builder.pipeline.steps import part  # noqa: PLC0415  (which imports the registry of executors)

    load_plugins(map(Path, plugins))
    part(location, rank, world_size)


@register
class Ray(Executor):
    """A task for each worker."""

    name = "ray"
    title = "Tasks of Ray, on the cluster of RAY_ADDRESS or on this machine."

    def run(self, work: Work, missing: Sequence[Range], workers: int) -> Iterator[Range]:
        """The parts, as tasks end."""
        need("ray")
        import ray  # noqa: PLC0415  few have it

        started = not ray.is_initialized()
        if started:
            ray.init(log_to_driver=False, include_dashboard=False)
        try:
            plugins = [str(file) for file in plugin_files()]
            make = ray.remote(_make)
            waiting = [make.remote(work.location, rank, workers, plugins) for rank in range(workers)]
            ray.get(waiting)
            yield from missing
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        finally:
            if started:
                ray.shutdown()
