# Settings of every notebook's kernel, in a container and without one.
import os

# A relative path is then a result, in notebooks/out/NAME, however the notebook was started.
if os.environ.get("SHRINKWRAP_OUT"):
    os.chdir(os.environ["SHRINKWRAP_OUT"])
