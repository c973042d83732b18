"""Properties are checked however slow the machine is just then."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
