"""The clock of a container: timestamps that restart, wrap around or jump are continued."""
