#!/usr/bin/env python3
"""Makes the Homebrew formula and the winget manifest of a release out of its archives.

    tui/packaging/manifests.py --from https://HOST/releases/download/v0.1.0 --homepage https://HOST target/package/*.tar.gz target/package/*.zip

writes unmask.rb and winget/ beside the archives. What an archive's name does not say (`unmask-VERSION-TARGET`) is refused.
"""

import argparse
import hashlib
import pathlib
import re
import sys

NAME = re.compile(r"unmask-(?P<version>\d+\.\d+\.\d+\S*?)-(?P<target>(x86_64|aarch64)-[a-z0-9_-]+)\.(tar\.gz|zip)")
DESCRIPTION = "Chat with masked diffusion language models in a terminal"
LICENCE = "MIT OR Apache-2.0"
# How Homebrew tells machines apart, and what is built for each.
BREW = {
    "aarch64-apple-darwin": ("macos", "arm"),
    "aarch64-unknown-linux-gnu": ("linux", "arm"),
    "x86_64-unknown-linux-gnu": ("linux", "intel"),
}
WINGET = {"x86_64-pc-windows-msvc": "x64", "aarch64-pc-windows-msvc": "arm64"}
WINGET_VERSION = "1.10.0"


def read(paths):
    """Version, and by target the archive's name and hash."""
    archives, versions = {}, set()
    for path in paths:
        match = NAME.fullmatch(path.name)
        if not match:
            sys.exit(f"{path} is not called unmask-VERSION-TARGET.tar.gz or .zip")
        versions.add(match["version"])
        if match["target"] not in BREW | WINGET:
            sys.exit(f"{path} is for {match['target']}, which no manifest knows")
        archives[match["target"]] = (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    if len(versions) != 1:
        sys.exit(f"the archives are of several versions: {', '.join(sorted(versions))}")
    return versions.pop(), archives


def formula(version, archives, address, homepage):
    lines = [
        "class Unmask < Formula",
        f'  desc "{DESCRIPTION}"',
        f'  homepage "{homepage}"',
        f'  version "{version}"',
        '  license any_of: ["MIT", "Apache-2.0"]',
        "",
    ]
    for target, (system, processor) in BREW.items():
        if target in archives:
            file, digest = archives[target]
            lines += [f"  on_{system} do", f"    on_{processor} do", f'      url "{address}/{file}"',
                      f'      sha256 "{digest}"', "    end", "  end", ""]
    lines += [
        "  def install",
        "    # The program finds its backends beside itself, not beside a link to it.",
        '    libexec.install "unmask", *Dir["libunmask_backend_*"]',
        '    bin.install_symlink libexec/"unmask"',
        '    man1.install Dir["man/*.1"]',
        '    bash_completion.install "completions/unmask.bash" => "unmask"',
        '    zsh_completion.install "completions/_unmask"',
        '    fish_completion.install "completions/unmask.fish"',
        '    pkgshare.install "licences"',
        "  end",
        "",
        "  test do",
        '    assert_match "candle", shell_output("#{bin}/unmask backends")',
        "  end",
        "end",
    ]
    return "\n".join(lines) + "\n"


def winget(version, archives, address, homepage):
    """The three files that winget-pkgs asks for."""
    head = "PackageIdentifier: Unmask.Unmask\n" f"PackageVersion: {version}\n"

    def file(kind, text):
        schema = f"# yaml-language-server: $schema=https://aka.ms/winget-manifest.{kind}.{WINGET_VERSION}.schema.json\n"
        return schema + head + text + f"ManifestType: {kind}\nManifestVersion: {WINGET_VERSION}\n"

    installers = ""
    for target, processor in WINGET.items():
        if target in archives:
            name, digest = archives[target]
            folder = name.removesuffix(".zip")
            installers += (f"- Architecture: {processor}\n  InstallerUrl: {address}/{name}\n"
                           f"  InstallerSha256: {digest.upper()}\n  NestedInstallerFiles:\n"
                           f"  - RelativeFilePath: {folder}\\unmask.exe\n    PortableCommandAlias: unmask\n")
    return {
        "Unmask.Unmask.yaml": file("version", "DefaultLocale: en-US\n"),
        "Unmask.Unmask.installer.yaml": file(
            "installer",
            # Its backends lie beside it: it is started where it was unpacked, through PATH.
            f"InstallerType: zip\nNestedInstallerType: portable\nArchiveBinariesDependOnPath: true\nInstallers:\n{installers}"),
        "Unmask.Unmask.locale.en-US.yaml": file(
            "defaultLocale",
            f"PackageLocale: en-US\nPublisher: unmask\nPackageName: unmask\nPackageUrl: {homepage}\n"
            f"License: {LICENCE}\nShortDescription: {DESCRIPTION}\n"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archives", nargs="+", type=pathlib.Path)
    parser.add_argument("--from", dest="address", required=True, help="where the archives are downloaded from")
    parser.add_argument("--homepage", required=True, help="the project's page")
    arguments = parser.parse_args()
    version, archives = read(arguments.archives)
    address = arguments.address.rstrip("/")
    out = arguments.archives[0].resolve().parent
    (out / "unmask.rb").write_text(formula(version, archives, address, arguments.homepage))
    print(out / "unmask.rb")
    if set(archives) & set(WINGET):
        (out / "winget").mkdir(exist_ok=True)
        for name, text in winget(version, archives, address, arguments.homepage).items():
            (out / "winget" / name).write_text(text)
            print(out / "winget" / name)


if __name__ == "__main__":
    main()
