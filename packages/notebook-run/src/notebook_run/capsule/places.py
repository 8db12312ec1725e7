"""The places of recorded runs: what a capsule records of them, their packages, and their paths."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from env_spec import PROBE, image_environment, load_spec, parse_installed, read_project
from notebook_run.capsule.image import ImageSearch, current_image, recorded_image
from notebook_run.capsule.record import Capsule, EnvironmentRecord, ImageRecord
from notebook_run.container import PROJECT
from notebook_run.engine import Engine
from notebook_run.local.environment import local_environment
from notebook_run.local.process import home_folder
from notebook_run.place import PlaceName
from notebook_run.processes import run_command
from notebook_run.run.in_environment import LocalPlace
from notebook_run.run.in_image import ImagePlace
from notebook_run.run.request import RunRequest
from notebook_run.run.run_log import unusable_place


@dataclass(frozen=True, kw_only=True)
class RunPlace:
    """A place that exists, and the capsule's record of it: an image or an environment."""

    place: ImagePlace | LocalPlace
    image: ImageRecord | None = None
    environment: EnvironmentRecord | None = None

    @property
    def name(self) -> str:
        """Of the image that it is, or whose groups it has."""
        found = self.image or self.environment
        return found.name if found else ""


@dataclass(frozen=True, kw_only=True)
class InstalledPackages:
    """What is installed in a place: the versions of Python and of the packages of the image's slice of the lock."""

    platform: str
    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RunPlaceSearch:
    """A search for the place of a run; what does not exist is made.

    Attributes:
        root: The project, whose environments are used.
        checkout: The commit to run, or the project itself.
        engine: None for a local place.
        base: Base of the image, if it must be built.
    """

    root: Path
    checkout: Path
    engine: Engine | None
    on_line: Callable[[str], None]
    base: str | None = None

    def current(self, image: str) -> RunPlace:
        """The place that the checkout describes.

        Raises:
            NotebookRunError: The environment cannot be made.
            ImageBuildError: The image is neither available nor can be built.
        """
        if self.engine is None:
            found = local_environment(self.checkout, image, store=self._store(image), on_line=self.on_line)
            record = EnvironmentRecord(name=image, fingerprint=found.fingerprint)
            return RunPlace(place=LocalPlace(environment=found), environment=record)
        built = current_image(self.checkout, image, self.engine, self.on_line, base=self.base)
        return self._image_place(self.engine, built.record)

    def _store(self, image: str) -> Path:
        """The project whose environments are used.

        Packages of the repository are installed editable: an environment with one of them runs the files of the
        checkout that it was made from, so it is used for that checkout alone, and removed with it.
        """
        packages = image_environment(read_project(self.checkout), image).packages
        return self.checkout if any(package.path for package in packages) else self.root

    def recorded(self, capsule: Capsule) -> tuple[RunPlace, str]:
        """The place that a capsule records, and a sentence about it.

        Where the capsule records a place of the other kind, it is the one that the checkout describes.
        """
        if self.engine is not None and capsule.image is not None:
            search = ImageSearch(
                root=self.root, checkout=self.checkout, engine=self.engine, on_line=self.on_line, base=self.base
            )
            image, sentence = recorded_image(search, capsule, capsule.image)
            return self._image_place(self.engine, image), sentence
        found = self.current(capsule.packages.name)
        if capsule.environment is None or found.environment is None:
            return found, f"The packages are those of poetry.lock in commit {capsule.commit[:12]}."
        before, after = capsule.environment.fingerprint, found.environment.fingerprint
        if before == after:
            return found, f"The local environment is identical: {after}."
        return found, f"The local environment has another fingerprint: {before} → {after}."

    def _image_place(self, engine: Engine, image: ImageRecord) -> RunPlace:
        # A fact of this machine, not of the capsule's commit.
        has_selinux = load_spec(self.root / "pyproject.toml").has_selinux
        return RunPlace(place=ImagePlace(engine=engine, image=image.reference, has_selinux=has_selinux), image=image)


def installed_packages(project: Path, place: RunPlace) -> InstalledPackages:
    """The versions of Python and of the packages in the image's slice of the lock, as the place reports them.

    Raises:
        NotebookRunError: Its Python cannot be run.
    """
    exit_code, output = _probed(place.place)
    if exit_code:
        raise unusable_place(place.place.title, exit_code, output.splitlines())
    installed = parse_installed(output)
    locked = {package.name for package in image_environment(read_project(project), place.name).packages}
    versions = {name: version for name, version in installed.versions.items() if name in locked}
    facts = installed.environment
    return InstalledPackages(
        platform=f"{facts['sys_platform']}/{facts['platform_machine']}",
        versions={"python": str(facts["python_full_version"]), **versions},
    )


def place_note(recorded: Capsule, found: Capsule) -> tuple[str, ...]:
    """A note if a run was in the other place than the recorded one."""
    if recorded.place == found.place:
        return ()
    words: Mapping[PlaceName, str] = {"docker": "a container of its image", "local": "a local environment"}
    return (f"This run was in {words[found.place]}; the capsule was frozen in {words[recorded.place]}.",)


def container_text(text: str, request: RunRequest) -> str:
    """The JSON of an executed notebook with the paths that a container has.

    Without this, a printed path would differ between two local runs, and between both places.
    """
    if isinstance(request.place, ImagePlace):
        return text
    name, home = request.notebook.name, home_folder(request.root, request.notebook.name)
    paths = {
        request.out_folder: f"{PROJECT}/notebooks/out/{name}",
        home / "tmp": "/tmp",
        home: "/tmp",
        request.root: PROJECT,
    }
    for path, inner in paths.items():
        for form in {str(path), str(path.resolve())}:
            text = text.replace(json.dumps(form, ensure_ascii=False)[1:-1], inner)
    return text


def _probed(place: ImagePlace | LocalPlace) -> tuple[int, str]:
    if isinstance(place, LocalPlace):
        # Isolated, so that packages of the user's home are not reported.
        command = [str(place.environment.interpreter), "-I", "-c", PROBE]
        done = run_command(command, folder=place.environment.folder)
        return done.exit_code, done.stdout if done.exit_code == 0 else done.stderr
    result = place.engine.run(place.image, ["python", "-c", PROBE])
    return result.exit_code, result.output
