"""Apptainer, real: of Debian's unstable packages, in a tree of their own that a user without privileges enters as root.

    apptainer("build", "--fakeroot", "x.sif", "x.def", work=folder)

runs as a user in *folder*, which is all that it shares with this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.cache import kept

PROGRAMS = ("mmdebstrap", "unshare", "pivot_root", "setpriv")
PACKAGES = "apptainer,ca-certificates,fakeroot,fuse2fs,squashfuse,uidmap"
USER = 1000
# A root that was changed by chroot alone may not open the namespaces that Apptainer needs.
ENTER = """\
set -eu
tree=$1 work=$2; shift 2
mount --bind "$tree" "$tree"
cd "$tree"
mount --rbind /proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs tmp
mount --bind "$work" work
mkdir -p old
pivot_root . old
umount --lazy /old
cd /work
exec setpriv --reuid {user} --regid {user} --clear-groups env -i HOME=/home/user PATH=/usr/bin:/bin TMPDIR=/work "$@"
"""


def missing():
    """What :func:`apptainer` needs and this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None] + ["root"] * (os.geteuid() != 0)


def bootstrap(tree):
    """Write a Debian with Apptainer, and a user, into *tree*."""
    # A mirror may be some weeks behind, and unstable's lists expire after one.
    old = 'Acquire::Check-Valid-Until "false"'
    options = ["--quiet", "--mode=root", "--variant=minbase", f"--include={PACKAGES}", f"--aptopt={old}"]
    subprocess.run(["mmdebstrap", *options, "sid", tree], check=True, stdin=subprocess.DEVNULL)
    for folder in ("home/user", "work"):
        (tree / folder).mkdir(parents=True)
    os.chown(tree / "home/user", USER, USER)
    for name, line in (("passwd", f"user:x:{USER}:{USER}::/home/user:/bin/sh"), ("group", f"user:x:{USER}:")):
        with open(tree / "etc" / name, "a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    (tree / "etc" / "hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")  # it is copied into images
    for name in ("subuid", "subgid"):
        (tree / "etc" / name).write_text("user:100000:65536\n", encoding="utf-8")


def tree():
    """The folder of that Debian, made once (1 min)."""
    return kept("apptainer-sid", bootstrap)


def apptainer(*command, work, timeout=1800):
    """Run Apptainer to any end: a CompletedProcess with stdout and stderr as text. *work* must belong to the user."""
    enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER.format(user=USER), "sh"]
    return subprocess.run(
        [*enter, tree(), Path(work), "apptainer", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
