"""Long runs of a real notchd under load: kills at random moments, and hours at a steady rate.

What acknowledges and what checks are two programs beside notchd: bench/node_load submits signed records and writes down
what was acknowledged; chain_check reads the chain from the disk and replays it.
"""

import json
import random
import subprocess
import threading
import time

import notchd

LOAD_S_MAX = 3600 * 24
UNREACHABLE = 3


def load(node, folder, acknowledged, *, seed, rate, seconds):
    """A client that submits until the time is over or the node is gone."""
    command = [str((notchd.BUILD / "bench" / "node_load").resolve()), "--port", str(node.port), "--genesis",
               str(folder / "genesis"), "--cookie", str(folder / "rpc.cookie"), "--acknowledged", str(acknowledged),
               "--rate", str(rate), "--seed", str(seed), "--seconds", str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(client, *, may_be_late=False):
    """What the client says at its end; one that came when the node was gone already was told nothing."""
    out, _ = client.communicate(timeout=notchd.PATIENCE_S)
    if client.returncode == UNREACHABLE and may_be_late:
        return {"stored": 0}
    if client.returncode != 0:
        raise AssertionError(f"node_load ended with {client.returncode}: {out}")
    return json.loads(out.splitlines()[-1])


def start(chain):
    """The files of the one before say nothing about this one."""
    (chain / "rpc.port").unlink(missing_ok=True)
    (chain / "rpc.cookie").unlink(missing_ok=True)
    return notchd.Node(chain)


def known(node, ids):
    """The ids that the node does not answer as stored, or better."""
    missing = []
    for first in range(0, len(ids), 200):
        some = ids[first:first + 200]
        calls = [{"jsonrpc": "2.0", "id": i, "method": "getrecordstatus", "params": {"id": record}}
                 for i, record in enumerate(some)]
        for answer in node.post(calls):
            status = answer.get("result", {}).get("status")
            if status not in ("stored", "included", "confirmed", "final", "settled"):
                missing.append((some[answer["id"]], answer))
    return missing


def ids_of(path):
    return [line for line in path.read_text().splitlines() if len(line) == 64] if path.exists() else []


def kill_once(node, chain, acknowledged, chance, *, seed, rate):
    """Load, and kill -9 in the middle of it. How many records were acknowledged."""
    client = load(node, chain, acknowledged, seed=seed, rate=rate, seconds=LOAD_S_MAX)
    time.sleep(chance.uniform(0.02, 0.8))
    if node.process.poll() is not None:
        raise AssertionError(f"notchd ended by itself: {node.said()}")
    node.kill()
    return told(client, may_be_late=True)["stored"]


def check_chain(chain, files):
    """What chain_check finds, and whether all is well."""
    done = subprocess.run([str((notchd.BUILD / "chain_check").resolve()), str(chain), *map(str, files)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"chain_check: {done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def kills(folder, runs, *, first=1, rate=3000, say=lambda line: None):
    """Kills notchd `runs` times under load: what was acknowledged is there, once, and the state that of a replay."""
    chain = folder / "chain"
    chance = random.Random(first)
    files = []
    stored = 0
    starts = []
    for run in range(runs):
        began = time.monotonic()
        node = start(chain)
        starts.append(time.monotonic() - began)
        missing = known(node, ids_of(files[-1])) if files else []
        if missing:
            node.kill()
            raise AssertionError(f"run {run}: {len(missing)} acknowledged records are gone: {missing[:3]}")
        files.append(folder / f"acknowledged.{run}")
        files[-1].touch()
        stored += kill_once(node, chain, files[-1], chance, seed=first * 100000 + run, rate=rate)
        if (run + 1) % 20 == 0 or run + 1 == runs:
            say(f"kills of notchd: {run + 1} of {runs}, {stored} records acknowledged so far")
    node = start(chain)
    notchd.until("everything is final", lambda: node.info()["pending_batches"] == 0)
    code = node.stop()
    if code != 0:
        raise AssertionError(f"notchd stopped with {code}: {node.said()}")
    found = check_chain(chain, files)
    if found["acknowledged"] < stored:
        raise AssertionError(f"{stored} records were acknowledged, {found['acknowledged']} written down")
    verified = notchd.run("--verify-store", "--data", chain)
    if verified.returncode != 0:
        raise AssertionError(f"--verify-store: {verified.stdout}{verified.stderr}")
    return {"kills": runs, "start_s_max": round(max(starts), 3), **found}


# ---- soak ----

def resident_kib(pid):
    """(all, its own). The rest are pages of files, mostly LevelDB's tables; the system takes them back at will."""
    fields = {}
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            name, _, value = line.partition(":")
            fields[name] = value
    return int(fields["VmRSS"].split()[0]), int(fields["RssAnon"].split()[0])


def slope(samples):
    """KiB per minute by least squares over pairs (second, KiB)."""
    n = len(samples)
    mean_t = sum(t for t, _ in samples) / n
    mean_m = sum(m for _, m in samples) / n
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return 60 * sum((t - mean_t) * (m - mean_m) for t, m in samples) / spread if spread else 0.0


def watch(node, client, say):
    """(second, KiB in all, KiB of its own) once a second until the client ends."""
    samples = []
    began = time.monotonic()
    pause = threading.Event()
    while client.poll() is None:
        pause.wait(1)
        if node.process.poll() is not None:
            raise AssertionError(f"notchd ended by itself: {node.said()}")
        samples.append((time.monotonic() - began, *resident_kib(node.process.pid)))
        if len(samples) % 60 == 0:
            say(f"soak: {len(samples) // 60} min, {samples[-1][1] / 1024:.1f} MiB resident, "
                f"{samples[-1][2] / 1024:.1f} MiB of it its own")
    return samples


def memory(name, samples):
    """After a minute, in the middle, at the end, the most; and how it grew in the second half."""
    half = samples[len(samples) // 2:]
    return {
        name + "_first_mib": round(samples[min(59, len(samples) - 1)][1] / 1024, 1),
        name + "_half_mib": round(half[0][1] / 1024, 1),
        name + "_last_mib": round(samples[-1][1] / 1024, 1),
        name + "_peak_mib": round(max(kib for _, kib in samples) / 1024, 1),
        name + "_slope_kib_per_min": round(slope(half), 1),
    }


def soak(folder, minutes, *, rate=2000, say=lambda line: None):
    """A notchd at a steady rate: is its memory flat? The slope is that of the second half."""
    chain = folder / "chain"
    acknowledged = folder / "acknowledged"
    node = start(chain)
    client = load(node, chain, acknowledged, seed=1, rate=rate, seconds=max(1, round(minutes * 60)))
    samples = watch(node, client, say)
    figures = told(client)
    notchd.until("everything is final", lambda: node.info()["pending_batches"] == 0)
    info = node.info()
    code = node.stop()
    if code != 0 or not samples:
        raise AssertionError(f"notchd stopped with {code} after {len(samples)} samples: {node.said()}")
    return {
        "minutes": round(samples[-1][0] / 60, 1),
        "rate": round(figures["records_per_s"], 1),
        "records": info["records"],
        **memory("rss", [(at, kib) for at, kib, _ in samples]),
        **memory("own", [(at, kib) for at, _, kib in samples]),
        "ack_ms_p50": figures["p50_ms"],
        "ack_ms_p99": figures["p99_ms"],
        "finality_ms_p50": info["finality_ms"]["p50"],
        "finality_ms_p99": info["finality_ms"]["p99"],
        "store_mib": round(sum(path.stat().st_size for path in chain.rglob("*") if path.is_file()) / 2**20, 1),
    }
