"""What the tests of the infrastructure prove things with."""
