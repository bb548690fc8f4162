"""Brings a run's files onto this machine: used in place where the path is ours, else fetched once by hash."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from .contract import Json
from .session import Session


def fetch_blob(session: Session, work: Path, file: Json, url: str) -> Path:
    """Path of a file with the wanted hash: its own path where that exists with the right size, else a copy."""
    path = file.get("path")
    if path is not None:
        local = Path(path)
        if local.is_file() and local.stat().st_size == file["sizeBytes"]:
            return local
    sha256 = file.get("sha256") or file["artifactSha256"]
    target = work / "blobs" / sha256
    if not (target.is_file() and target.stat().st_size == file["sizeBytes"]):
        session.log(f"fetching {file.get('name', sha256)} ({file['sizeBytes'] / 1e6:.1f} MB)")
        session.client.download(url, sha256, file["sizeBytes"], target, session.check)
    return target


def fetch_dataset(session: Session, work: Path, files: list[Json]) -> list[Path]:
    """Paths of the dataset's JSONL files, in the order given."""
    return [fetch_blob(session, work, file, file["url"]) for file in files if file["role"] == "dataset"]


def fetch_base(session: Session, work: Path, files: list[Json]) -> tuple[Path, str]:
    """The base model as a folder of links with the files' own names, and a hash of names and contents."""
    wanted = sorted((file for file in files if file["role"] == "base"), key=lambda file: file["name"])
    key = hashlib.sha256(json.dumps([[f["name"], f["sha256"]] for f in wanted]).encode()).hexdigest()
    folder = work / "bases" / key
    # Made anew each time: links are cheap, and a blob that moved must not leave one pointing nowhere.
    shutil.rmtree(folder, ignore_errors=True)
    for file in wanted:
        source = fetch_blob(session, work, file, file["url"])
        link = folder / file["name"]
        link.parent.mkdir(parents=True, exist_ok=True)
        try:
            link.symlink_to(source.resolve())
        except OSError:  # Windows without the right to link, or a file system without links
            shutil.copyfile(source, link)
    return folder, key
