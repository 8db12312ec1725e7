"""How a plan is carried out: the bake definition, the build, its log, and reproduction."""
