"""What every recorded result says: machine, commit, versions, time; and how a command is measured."""

import json
import os
import platform
import subprocess
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
SAMPLE_SECONDS = 0.05


def machine():
    """The machine in words, no names of hosts."""
    info = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    cpu = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    cpu = {key.strip(): value.strip() for key, value in cpu.items()}
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return (f"{os.cpu_count()} cores of an {cpu.get('model name', '?')} (family {cpu.get('cpu family')}, model "
            f"{cpu.get('model')}), {memory:.0f} GiB, Linux {platform.release().split('-')[0]}")


def commit():
    """Last commit that changed the program, with a mark when tracked files of it differ."""
    program = [".", ":(exclude)jobs/peers", ":(exclude)jobs/results", ":(exclude)*.md"]

    def git(*arguments):
        return subprocess.run(["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, check=True).stdout
    changed = git("status", "--porcelain", "--untracked-files=no", "--", *program).strip()
    return git("log", "-1", "--format=%H", "--", *program).strip() + (" with uncommitted changes" if changed else "")


def versions(python, *packages):
    """Versions of `packages` in the environment of the interpreter `python`."""
    code = ("import importlib.metadata as m, json, sys\n"
            "print(json.dumps({p: m.version(p) for p in sys.argv[1:]}))")
    result = subprocess.run([python, "-c", code, *packages], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def java_version():
    """First line of `java -version`."""
    return subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr.splitlines()[0]


def drop_caches():
    """Empties the page cache; needs root."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


def _tree(root):
    """Process ids of `root` and everything below it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [root]
    while todo:
        process = todo.pop()
        found.append(process)
        todo += children.get(process, [])
    return found


def _anonymous(process):
    """Private bytes of a process, file-backed pages left out."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


class Measured:
    """Result of `measure`."""

    def __init__(self, exit_code, seconds, peak, anonymous, user, system, log):
        self.exit_code, self.seconds, self.log = exit_code, seconds, log
        self.peak_bytes, self.anonymous_bytes, self.cpu_seconds = peak, anonymous, user + system

    def row(self):
        """For JSON."""
        return {"exit_code": self.exit_code, "seconds": round(self.seconds, 2), "cpu_seconds": round(self.cpu_seconds, 2),
                "peak_rss_mb": round(self.peak_bytes / 1e6), "peak_anonymous_mb": round(self.anonymous_bytes / 1e6)}


def measure(command, log, environment=None, sync=False):
    """Runs `command`, start included, its output into the file `log`.

    Peak memory is that of the largest process: the kernel's maximum of resident pages, and sampled over the tree those
    that are not file-backed. A sum over the tree would count a JVM twice while it forks. With `sync` the time ends when
    the disk has everything.
    """
    peak, stop = [0], threading.Event()
    with open(log, "wb") as output:
        begin = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=subprocess.STDOUT,
                                   env={**os.environ, **(environment or {})})

        def sample():
            while not stop.wait(SAMPLE_SECONDS):
                peak[0] = max([peak[0], *(_anonymous(one) for one in _tree(process.pid))])

        sampler = threading.Thread(target=sample, daemon=True)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if sync:
            os.sync()
        seconds = time.perf_counter() - begin
        stop.set()
        sampler.join()
    return Measured(process.returncode, seconds, usage.ru_maxrss * 1024, peak[0], usage.ru_utime,
                    usage.ru_stime, Path(log).read_text(errors="replace"))


def save(path, result):
    """Writes a result as JSON, with machine, commit, time and the load of the last minute in front."""
    head = {"machine": machine(), "commit": commit(), "load_average": os.getloadavg()[0], "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps({**head, **result}, indent=1) + "\n")
    print(f"wrote {path}")
