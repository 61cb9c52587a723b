# Copyright (c) 2026 GreenLang. All rights reserved.
"""What s6 runs of a cluster: a script for each daemon, for its log, and for the supervision itself. Pure.

Two processes watch each other, so that either may be killed: `outer`, an s6-supervise, keeps the scanner, which keeps
one s6-supervise a daemon; and of these one, `guard`, waits for the outer's end and starts another. Each holds a lock
that the kernel frees with the process (s6-setlock), so that there is never a second.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from .daemon import PATH, Daemon

# With its s6-supervise a daemon ends too: the next one would find its ports and files taken by an orphan. The kernel
# sees to it from here on (prctl(2), PR_SET_PDEATHSIG, which outlives execve), but not to an end that came before.
WITH_PARENT = "setpriv --pdeathsig KILL"
TIED = f"""[ "$1" = tied ] || exec {WITH_PARENT} "$0" tied
read -r parent < "/proc/$PPID/comm" && [ "$parent" = s6-supervise ] || exit 0
"""
LOGS = "n4 s8000000"  # of a daemon: the current log, and four before it, of 8 MB each
# What ends within ten seconds of its start is started again at once twice, then after 2, 4, 8 … 60 s.
AT_ONCE = 2
BACK_OFF = f"""early=0
if [ -n "$(find started -newermt '10 seconds ago' 2>/dev/null)" ]; then
  read -r early < early || true
  early=$((${{early:-0}} + 1))
fi
echo "$early" > early || true  # a full disk is no reason not to start
if [ "$early" -gt {AT_ONCE} ]; then
  trap 'kill $!; exit 0' TERM
  {WITH_PARENT} sleep $((early > 7 ? 60 : 1 << (early - {AT_ONCE}))) &
  wait $!
  trap - TERM
fi
"""


def daemon(daemon: Daemon, digest: str, cgroup: Path | None) -> str:
    """Starts a daemon, in `cgroup` if there is one; says beforehand, in files beside it, what was started how often."""
    environment = {"PATH": PATH, "HOME": "/", **daemon.env}
    words = ["env", "-i", *(f"{name}={value}" for name, value in sorted(environment.items())), *daemon.inside]
    lines = [
        f"#!/bin/sh\n# {daemon.name}, again whenever it ends.\nset -e\nexec 2>&1\n{TIED}{BACK_OFF}",
        *([f"echo $$ > {shlex.quote(f'{cgroup}/cgroup.procs')}"] if cgroup else []),
        "starts=0\nif [ -e starts ]; then read -r starts < starts || true; fi",
        "echo $((${starts:-0} + 1)) > starts || true",
        f"echo {digest} > started || true",
        "echo >&3  # from here on it counts as up\nexec 3>&-\ncd /",
        f"exec {shlex.join(words)} {shlex.join(daemon.argv)}",
    ]
    return "\n".join(lines) + "\n"


def log(folder: Path) -> str:
    """Keeps a daemon's output in a folder of its own, and rotates it."""
    return f"#!/bin/sh\n{TIED}exec s6-log -b {LOGS} {shlex.quote(str(folder))}\n"


def supervision(folder: Path) -> Mapping[str, str]:
    """The scripts of the supervision in `folder`, by their paths there; services/ has one directory a daemon."""
    services = shlex.quote(str(folder / "services"))
    # A scanner that was killed leaves its children: they end, or those of the next could not take their places.
    take = f"""#!/bin/sh
for service in {services}/* {services}/*/log; do
  s6-svok "$service" 2>/dev/null && s6-svc -Okx "$service"
done
exec s6-svscan -c 2000 {services}
"""
    again = "sleep 1; exec s6-setlock -n outer.lock s6-supervise outer"
    guard = f"""#!/bin/sh
{TIED}cd ../..
exec s6-setlock outer.lock sh -c 'setsid sh -c "{again}" </dev/null >/dev/null 2>&1 &'
"""
    return {
        "outer/run": "#!/bin/sh\nexec 2>>../supervision.log\nexec s6-setlock ../services.lock ./take\n",
        "outer/take": take,
        "services/guard/run": guard,
    }


def boot(state: Path, collection: Path, python: str) -> str:
    """Brings a cluster back after a reboot; what runs, or was stopped, stays as it is. `--wait` is for systemd."""
    outer, where = shlex.quote(str(state / "supervision/outer")), shlex.quote(str(state))
    program, module = shlex.quote(python), "plugins.plugin_utils.local_cluster.boot"
    gone = f"{python} or {collection} is gone. Remedy: run make up in a clone of the collection."
    return f"""#!/bin/sh
# Brings the cluster back after a reboot. Where nothing else does (systemd), a line for cron, which also heals what
# nobody is left to heal:
#   * * * * * {state}/boot
export PATH={PATH}
[ ! -e {where}/stopped ] || exit 0
[ "$1" = --wait ] || ! s6-svok {outer} 2>/dev/null || exit 0
[ -x {program} ] && cd {shlex.quote(str(collection))} || {{ echo {shlex.quote(f"error: {gone}")} >&2; exit 1; }}
exec {program} -m {module} {where} "$@"
"""


def unit(name: str, state: Path) -> str:
    """A unit of systemd that starts the cluster at boot, and its supervision again when nobody else does."""
    return f"""[Unit]
Description=Local Kubernetes cluster {name} of greenlang.vcci
After=local-fs.target network.target
RequiresMountsFor={_unit_word(state)}

[Service]
ExecStart=:/bin/sh {_unit_word(state / "boot")} --wait
Restart=always
RestartSec=1
KillMode=process
Delegate=yes

[Install]
WantedBy=multi-user.target
"""


def _unit_word(path: Path) -> str:
    """A path as one word of a unit, where quotes, backslashes and percent signs mean something (systemd.syntax(7)).

    The name of a program could have none of these, so that this is an argument. The colon before the program keeps
    dollars as they are."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'
