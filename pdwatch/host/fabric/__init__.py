"""RDMA devices and their ports, read from sysfs: InfiniBand, RoCE, iWARP, EFA, Omni-Path and software ones."""

from pdwatch.host.fabric.collector import FabricCollector
from pdwatch.host.fabric.pairing import Nearness, Pairing, Place, nearest, pair, place_of
from pdwatch.host.fabric.siblings import slow_ports, with_siblings

__all__ = [
    "FabricCollector",
    "Nearness",
    "Pairing",
    "Place",
    "nearest",
    "pair",
    "place_of",
    "slow_ports",
    "with_siblings",
]
