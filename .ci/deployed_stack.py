"""Deploys the stack as README says, with the real SAM CLI, to an AWS endpoint that is not ours, and uses it.

    .ci/deploy calls this with the paths of ministack, of the Azure OpenAI emulator, and of an earlier template

Policies are enforced there, so that each step shows that the roles' policies suffice.
"""

import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import botocore.exceptions

import aws_endpoint
import terminal

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE, ELSEWHERE = "us-east-1", "eu-west-1"
STACK, SECOND, OLD = "aoai-bridge", "aoai-two", "aoai-old"
ABROAD = "aoai-eu"  # of another name, since ministack makes an API's id, which is in its URL, of nothing but the stack's name
# What is off by default, except for what needs a network, and for alarms, since ministack has none of an expression.
EVERYTHING = ("Dashboard=true Tracing=true ExecutionLog=true AccessLog=true ReviewWorkflow=true "
              "AzureFederation=true CorsOrigins=https://app.example.com InboxDays=30 ResultsDays=90 FailedDays=90 FilesDays=90")
PROCESSOR = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
MODEL = "gpt-5.4-mini"
LINES = "".join('{"custom_id":"%d","method":"POST","url":"/v1/chat/completions","mode":"%s","body":{"model":"%s","messages":[{"role":"user","content":"Say %d"}]}}\n'
                % (i, mode, MODEL, i) for i, mode in enumerate(["batch", "batch", "online"])) + "no JSON\n"


class Person:
    """Somebody with a clone, AWS credentials and a terminal."""

    def __init__(self, endpoint, folder):
        self.endpoint, self.folder = endpoint, folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | aws_endpoint.CREDENTIALS | {
            "AWS_ENDPOINT_URL": endpoint.url, "AWS_REGION": HERE, "AWS_DEFAULT_REGION": HERE, "SAM_CLI_TELEMETRY": "0",
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
        }

    def types(self, *command, answer=lambda question: "y", status=0, **env):
        """Types a command at the terminal, and returns what it prints and what it asks."""
        start = time.monotonic()
        got, printed, asked = terminal.run(command, self.folder, self.env | env, answer)
        print(f"{time.monotonic() - start:6.1f} s  {' '.join(f'{k}={v}' for k, v in env.items())} {' '.join(command)}: "
              f"status {got}, {len(asked)} questions", flush=True)
        if got != status:
            raise SystemExit(f"want status {status}\n{printed[-6000:]}\n{self.endpoint.tail()}")
        return printed, asked


def require(what, ok, seen=""):
    if not ok:
        raise SystemExit(f"failed: {what} {seen}")
    print(f"          {what}", flush=True)


def call(base, key, path, body=None):
    """Calls a stack, and returns status and JSON."""
    request = urllib.request.Request(base + path, headers={"Authorization": "Bearer " + key, "Content-Type": "application/json"},
                                     data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as failure:
        return failure.code, json.load(failure)


def ask(base, key):
    status, answer = call(base, key, "/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": "Say hello"}]})
    return status, answer["choices"][0]["message"]["content"] if status == 200 else answer["error"]["message"]


def pasted(printed):
    """Base URL, key and bucket of the lines that make deploy prints."""
    base = re.search(r"^base URL +(\S+)", printed, re.M)[1]
    key = re.search(r"^export OPENAI_BASE_URL=\S+ OPENAI_API_KEY=(\S+)", printed, re.M)
    return base, key and key[1], re.search(r"^bucket +(\S+)", printed, re.M)[1]


def drop(endpoint, bucket, name, lines):
    """Has a file answered that is put into a bucket, and returns its results."""
    s3 = endpoint.client("s3")
    s3.put_object(Bucket=bucket, Key=f"inbox/{name}.jsonl", Body=lines)
    for _ in range(240):
        try:
            summary = json.load(s3.get_object(Bucket=bucket, Key=f"results/{name}.summary.json")["Body"])
            return summary, s3.get_object(Bucket=bucket, Key=f"results/{name}.jsonl")["Body"].read().splitlines()
        except s3.exceptions.NoSuchKey:
            time.sleep(0.5)
    raise SystemExit(f"the file is not answered after two minutes: {endpoint.tail()}")


def status_of(endpoint, stack, region=HERE):
    try:
        return endpoint.client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except botocore.exceptions.ClientError:
        return None


def first_stack(endpoint, person):
    """From a clone to an answer."""
    printed, asked = person.types("make", "deploy", status=2, answer=lambda question: "n")
    require("answered with no, the question leaves nothing", "nothing was deployed" in printed and status_of(endpoint, STACK) is None, printed[-800:])
    printed, asked = person.types("make", "deploy")
    require("one question: the change set", len(asked) == 1 and "changeset" in asked[0], asked)
    base, key, bucket = pasted(printed)
    require("base URL, key and the line to paste are printed", key)
    require("the checks of make smoke passed", len(re.findall(r"^ok ", printed, re.M)) >= 7, printed[-2000:])
    status, text = ask(base, key)
    require("a program that pastes them is answered", status == 200, text)
    with urllib.request.urlopen(base.removesuffix("/v1") + "/console", timeout=60) as page:
        require("the console is there, without a key", b'src="console/app.js"' in page.read() and "default-src 'none'" in page.headers["Content-Security-Policy"])
    status, failure = call(base, key, "/no/such/path")
    require("what the gateway answers by itself has OpenAI's shape", status == 404 and "message" in failure["error"], failure)
    summary, results = drop(endpoint, bucket, "reviews", LINES.encode())
    require("a dropped file is answered line by line", (summary["lines"]["succeeded"], len(results)) == (3, 4), summary)

    status, estimate = call(base, key, "/tokens/estimate", {"s3": {"key": "inbox/reviews.jsonl"}})
    require("a file in the bucket is estimated", status == 200 and estimate["complete"], estimate)
    workflow_calls(endpoint, bucket)

    tracked = (person.folder / "samconfig.toml").read_bytes()
    printed, _ = person.types("make", "deploy", YES="1")
    require("deployed again, nothing changes, and the key stays", "key       as before" in printed and ask(base, key)[0] == 200, printed[-800:])
    person.types("make", "deploy", YES="1", PARAMETERS=EVERYTHING + " LogLevel=debug")
    person.types("make", "deploy", YES="1", PARAMETERS="MaxRetries=1")
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in
                  endpoint.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]}
    require("a parameter is set, and the others are kept", (parameters["LogLevel"], parameters["MaxRetries"]) == ("debug", "1"), parameters)
    require("the tracked samconfig.toml is as it was", (person.folder / "samconfig.toml").read_bytes() == tracked)
    return base, key, bucket


def workflow_calls(endpoint, bucket):
    """Has a function invoked, and a job started, as a workflow does."""
    outputs = outputs_of(endpoint, STACK)
    invoked = endpoint.client("lambda").invoke(FunctionName=outputs["ChatFunction"], Payload=json.dumps(
        {"model": MODEL, "messages": [{"role": "user", "content": "Say hello"}]}))
    answer = json.load(invoked["Payload"])
    require("an invocation is answered", "FunctionError" not in invoked and answer["choices"], answer)
    endpoint.client("s3").put_object(Bucket=bucket, Key="mine/more.jsonl", Body=LINES.encode())
    states = endpoint.client("stepfunctions")
    started = states.start_execution(stateMachineArn=outputs["BatchWorkflow"], input=json.dumps({"bucket": bucket, "key": "mine/more.jsonl"}))
    for _ in range(240):
        execution = states.describe_execution(executionArn=started["executionArn"])
        if execution["status"] != "RUNNING":
            break
        time.sleep(0.5)
    require("a job that a workflow starts ends with its summary",
            execution["status"] == "SUCCEEDED" and json.loads(execution["output"])["lines"]["succeeded"] == 3, execution)


def outputs_of(endpoint, stack):
    described = endpoint.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {o["OutputKey"]: o["OutputValue"] for o in described["Outputs"]}


def delete_and_create_again(endpoint, person, key, bucket):
    printed, asked = person.types("make", "undeploy")
    require("make undeploy says what goes and what stays, and asks once", len(asked) == 1 and bucket in printed and STACK + "/callers" in printed, asked)
    require("the stack is gone", status_of(endpoint, STACK) is None)
    kept = [o["Key"] for o in endpoint.client("s3").list_objects_v2(Bucket=bucket, Prefix="results/")["Contents"]]
    require("the bucket is kept, with the results", {"results/reviews.jsonl", "results/reviews.summary.json"} <= set(kept), kept)

    # Plain SAM, and Enter at each question.
    person.types("sam", "build")
    printed, asked = person.types("sam", "deploy", "--guided", answer=lambda question: "y" if "Deploy this changeset" in question else "")
    require("sam deploy --guided ends well with Enter at each question, and none is about a route",
            not any("authentication" in question for question in asked) and status_of(endpoint, STACK) == "CREATE_COMPLETE", asked)
    outputs = outputs_of(endpoint, STACK)
    base = endpoint.url + "/restapis/" + re.match(r"https://(\w+)\.", outputs["BaseUrl"])[1] + "/prod/_user_request_/v1"
    require("a key from before the deletion is good", ask(base, key)[0] == 200, ask(base, key))
    require("the bucket is another one", outputs["BatchBucket"] != bucket)
    person.types("git", "checkout", "--quiet", "samconfig.toml")
    return base


def side_by_side(endpoint, person, base, key):
    kms = endpoint.client("kms").create_key()["KeyMetadata"]["Arn"]
    printed, _ = person.types("make", "deploy", YES="1", STACK=SECOND, PARAMETERS="KmsKeyArn=" + kms)
    secret = endpoint.client("secretsmanager").describe_secret(SecretId=SECOND + "/callers")
    require("the callers' secret is encrypted with the stack's KMS key", secret.get("KmsKeyId") == kms, secret)
    second, second_key, second_bucket = pasted(printed)
    secret = endpoint.client("secretsmanager").get_secret_value(SecretId=STACK + "/azure")["SecretString"]
    printed, _ = person.types("make", "deploy", status=2, YES="1", STACK=ABROAD, REGION=ELSEWHERE)
    require("in another region, the command is named that makes the Azure secret there",
            f"create-secret --region {ELSEWHERE} --name {STACK}/azure" in printed, printed[-800:])
    endpoint.client("secretsmanager", ELSEWHERE).create_secret(Name=STACK + "/azure", SecretString=secret)
    printed, _ = person.types("make", "deploy", YES="1", STACK=ABROAD, REGION=ELSEWHERE)
    third, third_key, third_bucket = pasted(printed)
    stacks = [(base, key), (second, second_key), (third, third_key)]
    for i, (url, _) in enumerate(stacks):
        answers = [ask(url, k)[0] for _, k in stacks]
        require(f"stack {i + 1} of 3 answers its own callers, and no others", answers == [200 if j == i else 401 for j in range(3)], answers)
    printed, _ = person.types("make", "undeploy", STACK=SECOND)
    require("of a bucket that is kept, the commands are named that delete it",
            exists(endpoint, second_bucket) and f"aws s3api delete-bucket --region {HERE} --bucket {second_bucket}" in printed, printed[-1500:])
    empty(endpoint, third_bucket)
    person.types("make", "undeploy", YES="1", STACK=ABROAD)  # it is known where that is
    require("an empty bucket goes with its stack", not exists(endpoint, third_bucket))
    require("the first stack answers still", ask(base, key)[0] == 200)
    left = endpoint.client("s3").list_objects_v2(Bucket=artifacts(endpoint)).get("Contents", [])
    require("of what SAM has uploaded, only the second stack's is gone", left and not any(o["Key"].startswith(SECOND + "/") for o in left), left)


def update_from(endpoint, person, template):
    """Updates a stack whose template has made the callers' secret, as README says."""
    old = person.folder / "old.yaml"
    old.write_text(template.replace("Default: arm64", f"Default: {PROCESSOR}"))
    deploy = ("sam", "deploy", "--stack-name", OLD, "--no-confirm-changeset", "--parameter-overrides", f"CallersSecretId={OLD}/callers")
    person.types("sam", "build", "--template-file", "old.yaml")
    person.types(*deploy)
    printed, _ = person.types("make", "--silent", "key", "NAME=alice", f"STACK={OLD}")
    key = re.search(r"^sk-\S+", printed, re.M)[0]
    printed, _ = person.types("make", "deploy", status=2, YES="1", STACK=OLD)
    require("an update that would delete every key is not begun", "has made CallersSecret" in printed, printed[-800:])
    keep = re.search(r"^(awk .*?)template\.yaml (>kept\.yaml)$", (ROOT / "infra/deploy/README.md").read_text(), re.M | re.S)
    person.types("sh", "-c", f"{keep[1]} old.yaml {keep[2]}")
    person.types("sam", "build", "--template-file", "kept.yaml")
    person.types(*deploy)
    printed, _ = person.types("make", "deploy", YES="1", STACK=OLD)
    base, _, _ = pasted(printed)
    require("a key from before the update is good", "key       as before" in printed and ask(base, key)[0] == 200, ask(base, key))


def exists(endpoint, bucket):
    return any(b["Name"] == bucket for b in endpoint.client("s3").list_buckets()["Buckets"])


def empty(endpoint, bucket):
    s3 = endpoint.client("s3", ELSEWHERE)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def artifacts(endpoint):
    described = endpoint.client("cloudformation").describe_stacks(StackName="aws-sam-cli-managed-default")["Stacks"][0]
    return next(o["OutputValue"] for o in described["Outputs"] if o["OutputKey"] == "SourceBucket")


def stop(*_):
    raise SystemExit("interrupted")  # and what was started is ended


def main():
    signal.signal(signal.SIGTERM, stop)
    ministack, emulator, *earlier = sys.argv[1:]
    folder = pathlib.Path(tempfile.mkdtemp())
    port = aws_endpoint.free_port()
    azure = subprocess.Popen([emulator, "-addr", f"127.0.0.1:{port}", "-pace", "0"], stdout=subprocess.DEVNULL)
    endpoint = None
    try:
        endpoint = aws_endpoint.AwsEndpoint(ministack, [HERE, ELSEWHERE])
        clone = folder / "clone"
        copy_tree(clone)
        write_processor(clone)
        person = Person(endpoint, clone)
        printed, _ = person.types("make", "deploy", status=2)
        require("without the Azure secret, the command is named that makes it", f"create-secret --region {HERE} --name {STACK}/azure" in printed, printed)
        endpoint.client("secretsmanager").create_secret(
            Name=STACK + "/azure", SecretString=json.dumps({"endpoint": f"http://127.0.0.1:{port}", "api_key": "local"}))
        base, key, bucket = first_stack(endpoint, person)
        base = delete_and_create_again(endpoint, person, key, bucket)
        side_by_side(endpoint, person, base, key)
        for template in earlier:
            update_from(endpoint, person, pathlib.Path(template).read_text())
    finally:
        azure.terminate()
        azure.wait()
        if endpoint:
            endpoint.close()
        shutil.rmtree(folder, ignore_errors=True)


def write_processor(clone):
    """Writes this machine's processor into the clone's template, as README says."""
    template = clone / "template.yaml"
    text, changes = re.subn(r"(?m)^(  Architecture:\n(?:    .*\n)*?    Default: )arm64(\n    AllowedValues: \[)arm64\]",
                            rf"\g<1>{PROCESSOR}\g<2>{PROCESSOR}]", template.read_text())
    if changes != 1:
        raise SystemExit("template.yaml does not have the parameter Architecture that README speaks of")
    template.write_text(text)


def copy_tree(clone):
    """Copies what is in the work tree, committed or not, into a repository of its own."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in names.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    for command in (["init", "--quiet"], ["add", "--all"], ["-c", "user.name=ci", "-c", "user.email=ci@localhost", "commit", "--quiet", "-m", "a clone"]):
        subprocess.run(["git", *command], cwd=clone, check=True)


if __name__ == "__main__":
    main()
