"""Commands of the collection `data` that edit the list of remotes in DVC's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from shrinkwrap.command import Option, command
from shrinkwrap.options import Json
from shrinkwrap.root import find_root
from terminal import json_text, show

RemoteName: TypeAlias = Annotated[str, Option("name of the remote")]


@command("data.remote-add team s3://acme-data/traffic --region eu-central-1 --default")
def remote_add(
    name: RemoteName,
    url: Annotated[str, Option("s3://BUCKET/PREFIX, or a folder")],
    *,
    endpoint: Annotated[str | None, Option("address of a server other than AWS that speaks S3", metavar="URL")] = None,
    region: Annotated[str | None, Option("region of the bucket")] = None,
    profile: Annotated[str | None, Option("profile of ~/.aws/config with the role or the keys")] = None,
    default: Annotated[bool, Option("make it the default remote")] = False,
    replace: Annotated[bool, Option("change the remote of that name")] = False,
    json: Json = False,
) -> None:
    """Add a remote to .dvc/config: a folder, a bucket, any server that speaks S3; never a secret."""
    from data_share import RemoteSettings, add_remote, remote_json

    # The user types a folder relative to the working directory, which may be below the root.
    url = url if "://" in url or not url.strip() else str(Path.cwd() / url)
    settings = RemoteSettings(name=name, url=url, endpoint=endpoint, region=region, profile=profile)
    added = add_remote(find_root(), settings, is_default=default, replace=replace)
    text = f"remote '{added.name}' is {added.url}, in .dvc/config; commit that, and check it with `invoke data.doctor`"
    show(json_text(remote_json(added)) if json else text)


@command("data.remote-list")
def remote_list(*, json: Json = False) -> None:
    """List the remotes; a star marks the default."""
    from data_share import list_remotes, remotes_json, remotes_text

    remotes = list_remotes(find_root())
    show(json_text(remotes_json(remotes)) if json else remotes_text(remotes))


@command("data.remote-use team")
def remote_use(
    name: RemoteName,
    *,
    only_here: Annotated[bool, Option("only in this clone")] = False,
    json: Json = False,
) -> None:
    """Make a remote the default."""
    from data_share import remote_json, use_remote

    used = use_remote(find_root(), name, is_local=only_here)
    place = ".dvc/config.local, for this clone only" if only_here else ".dvc/config, for every clone"
    text = f"the default remote is '{used.name}' ({used.url}) now; written to {place}"
    show(json_text(remote_json(used)) if json else text)
