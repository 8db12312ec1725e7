"""Tools for the tests of the infrastructure: example settings, recording, policy checks, and a cloud in memory."""
