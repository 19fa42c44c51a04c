"""A plugin for pytest: the kernels of nbval, too, are reached through sockets that no other process can take."""

import nbval.kernel

from rsslib.workflow import run


class _KernelManager(nbval.kernel.KernelManager):
    def __init__(self, **traits):
        super().__init__(**traits | run.sockets())


nbval.kernel.KernelManager = _KernelManager
