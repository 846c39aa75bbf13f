"""An S3-compatible store on a local port that checks signatures and policies."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

BUCKET = "adapters"
_START_SECONDS = 60
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetObject"],
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        }
    ],
}


@dataclass
class TestingStore:
    """The store, and the key of a reader who may read one bucket of it."""

    __test__ = False

    endpoint: str
    log_path: Path
    access_key: str = "setup"
    secret_key: str = "setup"

    def environment(self) -> dict[str, str]:
        return {
            "S3_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            # Nobody asks the address where a machine of Amazon's finds its credentials.
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def upload(self, directory: Path, prefix: str) -> None:
        """As its owner: nobody checks a policy while this runs."""
        self._check_requests(after=1_000_000)
        client = self.client("s3")
        for path in directory.iterdir():
            client.put_object(Bucket=BUCKET, Key=f"{prefix}/{path.name}", Body=path.read_bytes())
        self._check_requests(after=0)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="setup",
            aws_secret_access_key="setup",
        )

    def downloads(self) -> int:
        """How many objects were sent."""
        lines = self.log_path.read_text().splitlines()
        return sum('"GET /' in line and "list-type" not in line for line in lines)

    def _check_requests(self, after: int) -> None:
        request = urllib.request.Request(
            f"{self.endpoint}/moto-api/reset-auth",
            data=str(after).encode(),
            headers={"Content-Type": "text/plain"},
        )
        with urllib.request.urlopen(request):
            pass


@contextmanager
def serving_store(folder: Path) -> Iterator[TestingStore]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = TestingStore(f"http://127.0.0.1:{port}", folder / "s3.log")
    with store.log_path.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", f"--port={port}", "--host=127.0.0.1"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": "1000000"},
        )
    try:
        _wait_for(port, process)
        _prepare(store)
        yield store
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        assert process.poll() is None, "the store ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the store did not start"
            time.sleep(0.05)


def _prepare(store: TestingStore) -> None:
    iam = store.client("iam")
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(_POLICY))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    store.access_key, store.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
    store.client("s3").create_bucket(Bucket=BUCKET)
    store.client("s3").create_bucket(Bucket="hidden")
