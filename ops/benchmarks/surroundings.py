# Scope: the stack, the commands and the folders that all rows share, and bringing them back to empty between contenders.
import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import psycopg

import measure

TABLES = "jobs, shards, tasks, payloads, leases, outputs, results, workers, dead_letters"


class Surroundings:
    """One private broker and database, release commands, and the sizes of this run."""

    def __init__(self, root: str, is_quick: bool):
        self.root = root
        self.is_quick = is_quick
        self.commands = os.path.join(root, ".build/release")
        self.data = os.path.join(root, ".build/bench-data")
        self.logs = os.path.join(root, ".build/bench-logs")
        self.model_python = os.path.join(root, ".build/models/bin/python")
        self.detector_python = os.path.join(root, ".build/detector-peers/bin/python")
        os.makedirs(self.data, exist_ok=True)
        os.makedirs(self.logs, exist_ok=True)
        self.environment = dict(os.environ)
        self.database_url = os.environ["DATABASE_URL"]
        self.store = os.environ["DETDIFFUSION_STORE"]
        self.workers: list[subprocess.Popen] = []

    def command(self, name: str, *arguments: str) -> list[str]:
        return [os.path.join(self.commands, "detdiffusion-" + name), *arguments]

    def run(self, name: str, *arguments: str, limit: float = 600, expect=(0,), **environment: str) -> measure.Finished:
        return measure.run(self.command(name, *arguments), self.environment | environment, limit, expect)

    def query(self, statement: str, url: str | None = None) -> list[tuple]:
        with psycopg.connect(url or self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    # Annotations

    def example(self, images: int) -> str:
        """A made-up annotation file; every subset rule but `all` would drop some of its images."""
        path = os.path.join(self.data, f"example-{images}.json")
        if not os.path.exists(path):
            self.run("producer", "example", "--images", str(images), "--out", path + ".new")
            os.rename(path + ".new", path)
        return path

    def large_example(self) -> str:
        """As many images, annotations and bytes as train2017; a small one in a quick run."""
        if self.is_quick:
            return self.example(10_000)
        path = os.path.join(self.data, "large.json")
        if not os.path.exists(path):
            self.run("producer", "example", "--large", "--out", path + ".new")
            os.rename(path + ".new", path)
        return path

    # Checkpoints

    def checkpoint(self, name: str, *arguments: str) -> str:
        """A random checkpoint, Stable Diffusion v1.5's size without arguments; made once."""
        given = os.environ.get("DETDIFFUSION_FULL_CHECKPOINT")
        if given and not arguments:
            return given
        path = os.path.join(self.data, name)
        if not os.path.exists(path):
            script = os.path.join(self.root, "ops/reference/make_checkpoint.py")
            measure.run([self.model_python, script, path + ".new", *arguments], self.environment, limit=1800)
            os.rename(path + ".new", path)
        return path

    # Jobs

    def enqueue(self, name: str, tasks: int, hint_size: int, seed: int = 0, expect=(0,), annotations: str | None = None,
                size: str = "64x48", shard_size: int = 500, **environment: str) -> dict:
        """Enqueues a job for the generator `blank`; its own timing leaves reading and planning out."""
        result = self.run(
            "producer", "enqueue", "--job", name, "--annotations", annotations or self.example(round_up(tasks)),
            "--subset", "all", "--strategy", "hard", "--generator", "blank", "--size", size, "--seed", str(seed),
            "--limit", str(tasks), "--hint-size", str(hint_size), "--shard-size", str(shard_size), "--json", expect=expect,
            **environment)
        return json.loads(result.output) if result.output.strip() else {}

    def start_workers(self, count: int, *arguments: str) -> None:
        for number in range(count):
            log = open(os.path.join(self.logs, f"worker-{number}.log"), "ab")
            command = self.command("worker", "run", "--name", f"bench-{number}", "--batch", "16", *arguments)
            self.workers.append(
                subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.workers.clear()

    def await_count(self, statement: str, count: int, limit: float) -> None:
        """Looks every fifth of a second until the statement's number is reached."""
        deadline = time.monotonic() + limit
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            while (found := connection.execute(statement).fetchone()[0]) < count:
                if time.monotonic() > deadline:
                    raise measure.BenchError(f"{statement}: expected {count} within {limit:.0f} s, found {found}; "
                                             f"see {self.logs}")
                time.sleep(0.2)

    # Between contenders

    def empty(self) -> None:
        """No job, no message, no object."""
        self.stop_workers()
        self.query(f"TRUNCATE {TABLES} RESTART IDENTITY")
        for queue in self.management("GET", "queues/detdiffusion?columns=name"):
            name = urllib.parse.quote(queue["name"], safe="")
            self.management("DELETE", f"queues/detdiffusion/{name}/contents")
        for folder in ("objects", "shards"):
            shutil.rmtree(os.path.join(self.store, folder), ignore_errors=True)

    def messages(self, queue: str) -> int:
        """How many messages wait, asked of the broker itself, since the management figures lag."""
        import pika
        import pika.exceptions

        try:
            with pika.BlockingConnection(pika.URLParameters(self.environment["AMQP_URL"])) as connection:
                return connection.channel().queue_declare(queue, passive=True).method.message_count
        except pika.exceptions.AMQPError as error:
            # Its connection errors say nothing but their name.
            raise measure.BenchError(f"asking the broker for the length of {queue}: expected a number, "
                                     f"found {type(error).__name__} {error}") from error

    def management(self, method: str, path: str):
        url = urllib.parse.urlsplit(self.environment["RABBITMQ_MANAGEMENT_URL"])
        address = f"http://{url.hostname}:{url.port}/api/{path}"
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        passwords.add_password(None, address, url.username, url.password, is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
        with opener.open(urllib.request.Request(address, method=method), timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None


def round_up(tasks: int) -> int:
    """Images that an example set needs so that at least `tasks` of them have an object."""
    return (tasks * 5 // 4 // 1000 + 1) * 1000
