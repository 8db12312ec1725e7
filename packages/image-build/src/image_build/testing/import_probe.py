"""The program that imports the declared packages of an image inside a container."""

from __future__ import annotations

from typing import Final

# Each package is imported in a process of its own: a crash does not hide the others, and packages that cannot be
# imported together do not clash. The processes are forks, because starting Python for each would take longer than most
# imports. They share byte code in a temporary folder, because an image has none and its user cannot write to /opt/venv.
#
# The names of the modules come from the files of the distribution: the module with its name if there is one
# (scikit-learn has `sklearn` instead), else all public ones without those that packages install by accident.
IMPORTS: Final = """\
import importlib, importlib.machinery, json, os, re, signal, sys, tempfile, traceback
from importlib import metadata
TIMEOUT_S = 120
SUFFIXES = sorted(importlib.machinery.all_suffixes(), key=len, reverse=True)
ACCIDENTAL = {"test", "tests", "doc", "docs", "example", "examples", "benchmarks", "scripts", "setup", "conftest"}

def normalized(name):
    return re.sub("[-_.]+", "-", name).lower()

def module_parts(path):
    suffix = next((suffix for suffix in SUFFIXES if path.endswith(suffix)), None)
    parts = tuple(path[: -len(suffix)].split("/")) if suffix else ()
    if not parts or "__pycache__" in parts or not all(part.isidentifier() for part in parts):
        return ()
    return parts[:-1] if parts[-1] == "__init__" else parts

def module_names(distribution):
    found = {}
    paths = {module_parts(str(path)) for path in distribution.files or ()}
    # A package comes before its modules, which are then omitted. In a namespace, the packages are found.
    for parts in sorted(paths, key=lambda parts: (len(parts), parts)):
        if parts and not any(parts[:length] in found for length in range(1, len(parts))):
            found[parts] = None
    name = normalized(distribution.metadata["Name"])
    same = [parts for parts in found if normalized(".".join(parts)) == name]
    public = [parts for parts in found if parts[0] not in ACCIDENTAL and not any(part[0] == "_" for part in parts)]
    return [".".join(parts) for parts in same or public]

def import_all(modules, log):
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    signal.alarm(TIMEOUT_S)
    for module in modules:
        try:
            importlib.import_module(module)
        except BaseException as error:
            text = " ".join("".join(traceback.format_exception_only(type(error), error)).split())
            os.write(2, ("\\nimport %s: %s" % (module, text[:400])).encode("utf-8", "replace"))
            os._exit(1)
    os._exit(0)

def problem(status, log):
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGALRM:
            return "the import takes more than %d s" % TIMEOUT_S
        return "Python is killed by %s during the import" % signal.Signals(number).name
    log.seek(0)
    return log.read().decode("utf-8", "replace").rpartition("\\n")[2] if os.WEXITSTATUS(status) else None

sys.pycache_prefix = tempfile.mkdtemp()
installed = {}
for distribution in metadata.distributions():
    if distribution.metadata["Name"]:
        installed.setdefault(normalized(distribution.metadata["Name"]), distribution)
modules = {name: module_names(installed[name]) for name in sys.argv[1:] if name in installed}
waiting = [name for name in modules if modules[name]]
running, failed = {}, {}
while waiting or running:
    while waiting and len(running) < min(os.cpu_count() or 1, 4):
        name, log = waiting.pop(0), tempfile.TemporaryFile()
        process = os.fork()
        if not process:
            import_all(modules[name], log)
        running[process] = (name, log)
    process, status = os.wait()
    if process in running:
        name, log = running.pop(process)
        if problem(status, log):
            failed[name] = problem(status, log)
print(json.dumps({"modules": modules, "failed": failed}))
"""
