"""What holds for all tests."""

from hypothesis import settings

# A busy machine is no mistake of the code: what must be fast is measured in tests/bench.
settings.register_profile("midas", deadline=None)
settings.load_profile("midas")
