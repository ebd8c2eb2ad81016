"""What the benchmark programs share: pinned children with their CPU time and memory, inputs, configs, a loopback certificate."""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
CLIENT_CORE, SERVER_CORE = 0, 1
KEY_VARIABLE, KEY = "BENCH_KEY", "bench-key"

# A chat completion of about 600 bytes, as a small model sends it.
REPLY = json.dumps(
    {
        "id": "chatcmpl-bench0123456789",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-4o-mini",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "It is a fixed reply, long enough to weigh what a short answer weighs. " * 4},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 96, "completion_tokens": 57, "total_tokens": 153},
        "system_fingerprint": "fp_bench",
    },
    separators=(",", ":"),
)


@dataclass
class Finished:
    """What a child cost: its whole process, threads included."""

    seconds: float
    cpu_seconds: float
    exit_code: int
    output: str


@dataclass
class Watched:
    """A child that was watched while it ran. peak_kb is its highest resident set (VmHWM)."""

    seconds: float
    peak_kb: int
    exit_code: int


def arguments(description, **options):
    """Command line of a benchmark: every option is a number or a text with its default."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--batchrun", default=str(TOP / "build/release/batchrun"), help="the program to measure")
    for name, default in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default, help=" ")
    return parser.parse_args()


def require(program, remedy):
    if not shutil.which(program):
        sys.exit(f"error: {program} is not there\nhint: {remedy}")
    return program


def describe_machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    print(f"machine: {cpu}, {os.cpu_count()} cores, Linux {os.uname().release}")


def pin(core):
    """For preexec_fn: the child and all its threads stay on one core."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[min(core, len(cores) - 1)]})


def clean_environment(home):
    """Nothing of the user's keys and settings reaches a measured program."""
    state = str(Path(home, "state"))
    return {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_STATE_HOME": state, "LC_ALL": "C.UTF-8", KEY_VARIABLE: KEY}


def start(command, folder, core=None, output=subprocess.DEVNULL):
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env=clean_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        preexec_fn=None if core is None else pin(core),
    )


def stop(process):
    if process.poll() is None:
        process.kill()
    process.wait()


def run_measured(command, folder, core=CLIENT_CORE):
    """Runs a command to its end. Times come from wait4: user + system of the whole process."""
    with tempfile.TemporaryFile("w+") as output:
        began = time.monotonic()
        process = start(command, folder, core, output)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return Finished(seconds, used.ru_utime + used.ru_stime, process.returncode, output.read())


def memory_kb(pid, field):
    """VmRSS or VmHWM of a process, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith(field + ":")), 0)
    except OSError:
        return 0


def run_watched(command, folder, core=CLIENT_CORE):
    """Runs a command to its end, reading its peak every 10 ms: the kernel forgets it with the process."""
    began = time.monotonic()
    process = start(command, folder, core)
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory_kb(process.pid, "VmHWM"))
        time.sleep(0.01)
    return Watched(time.monotonic() - began, peak, process.returncode)


def write_rows(path, count, prompt_bytes=480):
    """OpenAI Batch rows of about 600 bytes, each with its own id and text."""
    filler = ("Tell in two sentences why the sea is salt and what that means for those who live by it. " * 12)[: max(prompt_bytes - 10, 0)]
    with open(path, "w", buffering=1 << 20) as file:
        for number in range(count):
            file.write(
                f'{{"custom_id":"row-{number:08d}","method":"POST","url":"/v1/chat/completions","body":{{"model":"gpt-4o-mini",'
                f'"messages":[{{"role":"user","content":"{number:08d}: {filler}"}}],"max_tokens":64}}}}\n'
            )
    return path


def request_body():
    """The body that a row of write_rows becomes."""
    filler = "Tell in two sentences why the sea is salt and what that means for those who live by it. " * 12
    return json.dumps(
        {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "00000000: " + filler[:470]}], "max_tokens": 64},
        separators=(",", ":"),
    )


def write_config(path, base_url, ca_file=None):
    provider = {
        "base_url": base_url,
        "default_model": "gpt-4o-mini",
        "keys": [{"key": f"env:{KEY_VARIABLE}", "name": "bench-1", "models": ["gpt-4o-mini"]}],
    }
    if ca_file:
        provider["ca_file"] = str(ca_file)
    Path(path).write_text(json.dumps({"providers": {"openai": provider}}, indent=1))
    os.chmod(path, 0o600)
    return path


def batchrun_command(program, rows, config, results, in_flight):
    return [
        program, "run", rows, "-c", config, "--stream", "never", "-j", str(in_flight), "--progress", "none", "--fresh",
        "-o", results, "--errors", f"{results}.errors", "--report", f"{results}.report",
    ]  # fmt: skip


def count_lines(path):
    lines = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n")
    return lines


def check_answered(finished, results, rows):
    """A figure counts only if the run did its work."""
    answered = count_lines(results) if os.path.exists(results) else 0
    if finished.exit_code != 0 or answered != rows:
        tail = getattr(finished, "output", "")[-2000:]
        sys.exit(f"error: exit {finished.exit_code} with {answered} of {rows} rows answered\n{tail}")


def make_certificate(folder):
    """A self-signed certificate for localhost; gives back (certificate, key)."""
    require("openssl", "./dev bench installs it")
    certificate, key = Path(folder, "cert.pem"), Path(folder, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def wait_for_port(port, process, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nothing answers on port {port}")


@contextmanager
def nginx(folder):
    """nginx with one worker on the server core; yields (plain URL, TLS URL, CA file)."""
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    require(binary, "./dev bench installs it")
    certificate, key = make_certificate(folder)
    plain_port, tls_port = free_ports(2)
    user = "user root;" if os.getuid() == 0 else ""
    location = f"location = /v1/chat/completions {{ default_type application/json; return 200 '{REPLY}'; }}"
    temporary = " ".join(f"{kind}_temp_path {folder}/nginx-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    Path(folder, "nginx.conf").write_text(
        f"""{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 16000; }}
http {{
  access_log off; {temporary}
  keepalive_requests 1000000000; keepalive_timeout 3600s; client_body_buffer_size 64k; tcp_nodelay on;
  server {{ listen 127.0.0.1:{plain_port} backlog=8192; {location} }}
  server {{ listen 127.0.0.1:{tls_port} ssl backlog=8192; ssl_certificate {certificate}; ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:SSL:10m; {location} }}
}}
"""
    )
    process = start([binary, "-e", f"{folder}/nginx.log", "-p", folder, "-c", f"{folder}/nginx.conf"], folder, SERVER_CORE)
    try:
        wait_for_port(plain_port, process)
        yield f"http://127.0.0.1:{plain_port}/v1", f"https://localhost:{tls_port}/v1", certificate
    finally:
        # The worker is told by its master; a killed master would leave it.
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            stop(process)


def median(values):
    return statistics.median(values)


def spread(values, form="{:.2f}"):
    """Median with the lowest and highest, for a table."""
    return f"{form.format(median(values))} ({form.format(min(values))} to {form.format(max(values))})"
