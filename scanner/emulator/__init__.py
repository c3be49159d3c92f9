"""A local Azure for demo, tests and rule authors: real HTTP, real SDK clients."""

from scanner.emulator.behaviour import Behaviour, BehaviourError, with_switches
from scanner.emulator.generate import Scale, generate, parse_scale
from scanner.emulator.kql import EngineMissingError
from scanner.emulator.server import Emulator, PortError, Recorded, serve
from scanner.emulator.tenant import Tenant, TenantError, load_tenant

__all__ = [
    "Behaviour",
    "BehaviourError",
    "Emulator",
    "EngineMissingError",
    "PortError",
    "Recorded",
    "Scale",
    "Tenant",
    "TenantError",
    "generate",
    "load_tenant",
    "parse_scale",
    "serve",
    "with_switches",
]
