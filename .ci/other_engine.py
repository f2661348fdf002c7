"""Runs infra/workflows/batch.asl.json on moto's engine of Step Functions, one that is not ours.

    make build && $(.ci/venv .ci/requirements/workflows.txt)/bin/python .ci/other_engine.py

The functions, the bucket and Azure are the local stack's; moto walks the states and calls them there.
"""

import json
import logging
import os
import pathlib
import socket
import subprocess
import sys
import time

import boto3
import requests
from moto.server import ThreadedMotoServer

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUCKET, KEY = "aoai-bridge-batch", "other-engine/batch.jsonl"
LIMIT = 300  # seconds; the workflow's first wait is a minute


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def client(service, url):
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local")


def send_calls_to(url):
    """Has moto's engine call other services at url, which checks signatures."""

    def boto_client_for(region, service, state_credentials=None):
        return client(service, url)

    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser") and hasattr(module, "boto_client_for"):
            module.boto_client_for = boto_client_for


def definition():
    text = (ROOT / "infra/workflows/batch.asl.json").read_text().replace("${Partition}", "aws")
    for function in ("BatchSubmitFunction", "BatchStatusFunction"):
        text = text.replace("${%sArn}" % function, f"arn:aws:lambda:us-east-1:000000000000:function:{function}")
    return text


def execute(url):
    import moto.stepfunctions.parser.models  # what is to be redirected has to be there

    send_calls_to(url)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    moto_url = f"http://{host}:{port}"
    requests.post(moto_url + "/moto-api/config", json={"stepfunctions": {"execute_state_machine": True}}, timeout=10)
    states = client("stepfunctions", moto_url)
    machine = states.create_state_machine(name="batch", definition=definition(), roleArn="arn:aws:iam::000000000000:role/any")
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps({"bucket": BUCKET, "key": KEY}))
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        state = states.describe_execution(executionArn=execution["executionArn"])
        if state["status"] != "RUNNING":
            return state
        time.sleep(1)
    raise SystemExit(f"the execution has not ended after {LIMIT} s")


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    api, aws = free_port(), free_port()
    stack = subprocess.Popen(
        [ROOT / "dist/bin/local", "-build", ROOT / "dist", "-template", ROOT / "template.yaml"],
        env=os.environ | {"PORT": str(api), "AWS_PORT": str(aws)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{aws}"
        s3 = client("s3", url)
        for attempt in range(100):
            try:
                s3.put_object(Bucket=BUCKET, Key=KEY, Body=(ROOT / "events/batch.jsonl").read_bytes())
                break
            except Exception:
                if attempt == 99:
                    raise
                time.sleep(0.1)
        state = execute(url)
        if state["status"] != "SUCCEEDED":
            raise SystemExit(f"{state['status']}: {state.get('error')} {state.get('cause')}")
        summary = json.loads(state["output"])
        lines = s3.get_object(Bucket=BUCKET, Key="results/" + KEY)["Body"].read().splitlines()
        if summary["lines"] != {"total": 7, "succeeded": 5, "failed": 2, "invalid": 2, "online": 2} or len(lines) != 7:
            raise SystemExit(f"{len(lines)} results, and the summary is {summary}")
        print("moto walked the workflow:", json.dumps(summary["lines"]))
    finally:
        stack.terminate()
        stack.wait()


if __name__ == "__main__":
    main()
