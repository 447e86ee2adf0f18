"""Demo data: invented, deterministic, and shaped like what experiments collect."""

from server.demo.accounts import DemoPeople as DemoPeople
from server.demo.filling import fill as fill
