from tests.modes.gatys.conftest import painting

__all__ = ["painting"]
