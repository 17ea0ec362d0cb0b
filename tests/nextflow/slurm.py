"""A real SLURM of two nodes on this machine, in a folder of its own, and the means to cut a node's power.

    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder)) as cluster:
        subprocess.run(["srun", "-N2", "hostname"], env=os.environ | cluster.env)
        cluster.stop_node("n1")

Each daemon is the first process of a process namespace: when it is killed, the kernel kills all that it started, jobs
too, as when a machine loses power; and all daemons die with the process that started them.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "unshare", "setpriv")
NODES = ("n1", "n2")
ALONE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]

SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0
ReturnToService=2
MinJobAge=86400
SlurmdTimeout=2
MessageTimeout=2
TCPTimeout=1
KillWait=2
NodeName={nodes[0]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=4000
NodeName={nodes[1]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=4000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE
"""

NEXTFLOW_CONFIG = """\
process.executor = 'slurm'
process.resourceLimits = [cpus: 1, memory: 4000.MB]
executor {
    pollInterval = '1 sec'
    queueStatInterval = '1 sec'
    exitReadTimeout = '5 sec' // a task whose node is lost leaves no exit code: how long to wait for one
}
"""


class Job(NamedTuple):
    name: str
    state: str
    """RUNNING, COMPLETED, NODE_FAIL, ..."""
    node: str


def configured():
    """The configuration of a SLURM that this machine has already, which must not be touched, or None."""
    usual = "/etc/slurm/slurm.conf"
    return os.environ.get("SLURM_CONF") or (usual if os.path.exists(usual) else None)


def missing():
    """What a :class:`Cluster` needs and this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None] + ["root"] * (os.geteuid() != 0)


def free_ports(count):
    """Ports on which nothing listens now."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


class Cluster:
    """Two nodes, n1 and n2, of one core and 4 GB each; a context manager, which needs root."""

    def __init__(self, folder):
        if configured():
            raise RuntimeError(f"this machine has a SLURM of its own ({configured()})")
        self.folder = folder
        self.env = {"SLURM_CONF": str(folder / "slurm.conf")}
        """What a program needs in its environment to speak to this cluster."""
        self.config = folder / "slurm.config"
        """Settings of Nextflow: ``nextflow run main.nf -c CONFIG``."""
        self._daemons = {}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        for name in tuple(self._daemons):
            self._kill(name)

    def _start(self):
        host = socket.gethostname().partition(".")[0]
        conf = SLURM_CONF.format(host=host, folder=self.folder, ports=free_ports(3), nodes=NODES)
        (self.folder / "slurm.conf").write_text(conf, encoding="utf-8")
        self.config.write_text(NEXTFLOW_CONFIG, encoding="utf-8")
        self._start_munge()
        self._daemon("slurmctld", "slurmctld", "-D")
        for name in NODES:
            self.start_node(name)

    def _start_munge(self):
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={self.folder}/munge.{suffix}" for option, suffix in files.items()]
        self._daemon("munged", "munged", "--foreground", "--force", *options)
        self._wait((self.folder / "munge.socket").exists, "munged")

    def _daemon(self, name, *command):
        with (self.folder / f"{name}.out").open("w") as out:
            self._daemons[name] = subprocess.Popen(
                [*ALONE, *command], env=os.environ | self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def _kill(self, name):
        daemon = self._daemons.pop(name)
        children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
        # Where the first process of a namespace dies, unshare ends only after all others there are gone.
        os.kill(int(children[0]) if children else daemon.pid, signal.SIGKILL)
        daemon.wait()

    def _wait(self, condition, what, timeout=30):
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                logs = "".join(log.read_text(errors="replace")[-2000:] for log in self.folder.glob("*.log"))
                raise TimeoutError(f"waited {timeout} s for {what}:\n{logs}")
            time.sleep(0.1)

    def start_node(self, name):
        """Start the node *name*, and wait until jobs can run there."""
        self._daemon(name, "slurmd", "-D", "-N", name)
        self._wait(lambda: self.state(name) in ("idle", "mixed", "allocated"), name)

    def stop_node(self, name):
        """Cut the power of the node *name*: its slurmd and its jobs are gone at once. SLURM sees it 10 s later."""
        self._kill(name)

    def state(self, name):
        """The state of the node *name* as SLURM sees it: "idle", "allocated", "down*"."""
        return self.ask("sinfo", "--noheader", "--nodes", name, "--format", "%T")

    def jobs(self):
        """Every job there was, in the order of submission."""
        rows = self.ask("squeue", "--noheader", "--states", "all", "--sort", "i", "--format", "%j|%T|%N").splitlines()
        return [Job(*row.split("|")) for row in rows]

    def ask(self, *command):
        """What a command of SLURM writes on stdout; nothing where the controller does not answer yet."""
        answer = subprocess.run(command, env=os.environ | self.env, capture_output=True, text=True, timeout=60)
        return answer.stdout.strip()
