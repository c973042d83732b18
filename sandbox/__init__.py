"""The cloud on one machine: stand-ins that obey the services' rules, for people and for tests."""
