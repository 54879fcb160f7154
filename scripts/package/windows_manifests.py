"""The manifests of scoop and winget for a zip: made of the version and of the zip's own bytes, never by hand.

    windows_manifests.py VERSION REPOSITORY EPOCH ZIP FOLDER
"""
import hashlib
import json
import sys
import time
from pathlib import Path

version, repository, epoch, archive, folder = sys.argv[1:]
archive, folder = Path(archive), Path(folder)
sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
name = archive.stem
url = f"{repository}/releases/download/v{version}/{archive.name}"
description = "Records a screen and every input on one clock, crash-safe, straight into training data"
licence = "MIT OR Apache-2.0"

scoop = {
    "version": version,
    "description": description,
    "homepage": repository,
    "license": licence.replace(" OR ", "|"),
    "architecture": {"64bit": {"url": url, "hash": sha256, "extract_dir": name}},
    "bin": "watchcap.exe",
}
(folder / "scoop").mkdir(parents=True, exist_ok=True)
(folder / "scoop/watchcap.json").write_text(json.dumps(scoop, indent=4) + "\n", encoding="utf-8")

identifier, kind = "Watchcap.Watchcap", "1.9.0"
common = {"PackageIdentifier": identifier, "PackageVersion": version}
files = {
    "": ("version", {"DefaultLocale": "en-US"}),
    ".installer": (
        "installer",
        {
            "InstallerType": "zip",
            "NestedInstallerType": "portable",
            "NestedInstallerFiles": [{"RelativeFilePath": f"{name}\\watchcap.exe", "PortableCommandAlias": "watchcap"}],
            "ReleaseDate": time.strftime("%Y-%m-%d", time.gmtime(int(epoch))),
            "Installers": [{"Architecture": "x64", "InstallerUrl": url, "InstallerSha256": sha256.upper()}],
        },
    ),
    ".locale.en-US": (
        "defaultLocale",
        {
            "PackageLocale": "en-US",
            "Publisher": "the authors of watchcap",
            "PackageName": "watchcap",
            "PackageUrl": repository,
            "License": licence,
            "ShortDescription": description,
        },
    ),
}
(folder / "winget").mkdir(parents=True, exist_ok=True)
for suffix, (what, fields) in files.items():
    # JSON in its values, which is YAML too.
    lines = [f"# yaml-language-server: $schema=https://aka.ms/winget-manifest.{what}.{kind}.schema.json"]
    everything = {**common, **fields, "ManifestType": what, "ManifestVersion": kind}
    lines += [f"{key}: {json.dumps(value)}" for key, value in everything.items()]
    (folder / f"winget/{identifier}{suffix}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
print(f"{sha256}  {archive}")
