"""A whole cloud for tests, run by the nube program.

The plugin's fixture ``nube`` is a :class:`Cloud`. Outside of pytest,
``Cloud.start("app")`` is one that the caller stops.

The package drives the program over the platform's own HTTP API and needs nothing
but Python's standard library.
"""

from .cloud import Cloud, FunctionError, NubeError, Response

__all__ = ["Cloud", "FunctionError", "NubeError", "Response"]
