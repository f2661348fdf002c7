"""ministack, an AWS endpoint that others have made, with what it lacks of API Gateway.

Version 1.5.33 of ministack leaves out of an imported REST API the ANY methods and the gateway responses, does not know
the URI of a streaming integration, and passes on the answer of such a function as it is, with the prelude that API
Gateway takes off. AwsEndpoint puts these in place by API Gateway's own operations, when an API is first called after a
deployment, and takes the prelude off. It cannot have streams come as they are written: that they do is asserted
elsewhere, on the translated template and by the tests of the local stack.
"""

import http.client
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import boto3
import botocore.exceptions

import translation

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
PRELUDE_END = b"\0" * 8  # between the JSON with status and headers, and the body


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class AwsEndpoint:
    """An AWS endpoint on loopback, at url. What a policy does not allow is denied, as by AWS."""

    def __init__(self, ministack, regions):
        self.regions = regions
        self.folder = tempfile.mkdtemp()
        self.port = free_port()
        # By TLS, without which the bucket's policy denies everything.
        self.certificate = os.path.join(self.folder, "ministack-tls", "server.crt")
        self.log = open(os.path.join(self.folder, "log"), "w+b")
        self.process = subprocess.Popen([ministack], stdout=self.log, stderr=self.log, cwd=self.folder, env=os.environ | CREDENTIALS | {
            "AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port), "TMPDIR": self.folder,
            "AWS_ENDPOINT_URL": f"https://127.0.0.1:{self.port}", "USE_SSL": "1", "SSL_CERT_FILE": self.certificate, "SFN_WAIT_SCALE": "0.01"})
        self.mended = {}
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.await_ready()

    def await_ready(self):
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("ministack does not start: " + self.tail())

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=600, context=ssl.create_default_context(cafile=self.certificate))

    def tail(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-4000:].decode(errors="replace")

    def close(self):
        self.server.shutdown()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, service, region=None, **credentials):
        credentials = credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.url, region_name=region or self.regions[0], **credentials)

    def handler(self):
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle(self):
                try:
                    super().handle()
                except ConnectionError:  # a client that does not wait for the end
                    pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                    body = self.read_chunks()
                called = re.match(r"/restapis/(\w+)/\w+/_user_request_/", self.path)
                if called:
                    endpoint.mend(called[1])
                back = endpoint.connect()
                # Every header as it came: most are signed.
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("transfer-encoding", "connection", "expect")}
                back.request(self.command, self.path, body, headers)
                got = back.getresponse()
                content, status, pairs = got.read(), got.status, got.getheaders()
                if called and PRELUDE_END in content:
                    self.send_stream(*content.split(PRELUDE_END, 1))
                    return
                self.send_response_only(status)
                for name, value in pairs:
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                length = got.getheader("Content-Length") if self.command == "HEAD" else len(content)
                self.send_header("Content-Length", str(length or 0))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def send_stream(self, prelude, body):
                prelude = json.loads(prelude)
                self.send_response_only(prelude["statusCode"])
                for name, values in prelude.get("multiValueHeaders", {}).items():
                    if name.lower() != "content-length":
                        for value in values:
                            self.send_header(name, value)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                if self.command != "HEAD":
                    if body:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
                    self.wfile.write(b"0\r\n\r\n")

            def read_chunks(self):
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer

        return Handler

    def mend(self, api):
        """Puts in place what the deployment of an API has lost."""
        with self.lock:
            for region in self.regions:
                gateway = self.client("apigateway", region)
                try:
                    stack = gateway.get_rest_api(restApiId=api)["name"]
                except botocore.exceptions.ClientError:
                    continue
                stage = gateway.get_stage(restApiId=api, stageName="prod")
                if self.mended.get(api) != stage["deploymentId"]:
                    self.mended[api] = self.redeploy(gateway, region, api, stack)
                return

    def redeploy(self, gateway, region, api, stack):
        formation = self.client("cloudformation", region)
        template = formation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
        if isinstance(template, str):
            template = json.loads(template)
        described = formation.describe_stacks(StackName=stack)["Stacks"][0]
        values = {p["ParameterKey"]: p["ParameterValue"] for p in described.get("Parameters", [])}
        body = translation.resolve(template, values)["Resources"]["Api"]["Properties"]["Body"]
        values |= {"AWS::Region": region, "AWS::Partition": "aws", "AWS::StackName": stack, "AWS::AccountId": "000000000000"}
        pages = formation.get_paginator("list_stack_resources").paginate(StackName=stack)
        values |= {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}
        functions = self.client("lambda", region)

        def evaluate(value):
            """The value of the intrinsics that gateway responses and integrations have."""
            if not isinstance(value, dict):
                return value
            if "Ref" in value:
                return values.get(value["Ref"])
            if "Fn::Sub" in value:
                return re.sub(r"\$\{([\w:.]+)\}", lambda m: lookup(m[1]), value["Fn::Sub"])
            return {k: evaluate(v) for k, v in value.items()}

        def lookup(name):
            resource, attribute, _ = name.partition(".Arn")
            if attribute:
                return functions.get_function(FunctionName=values[resource])["Configuration"]["FunctionArn"]
            return values[name]

        pages = gateway.get_paginator("get_resources").paginate(restApiId=api)
        resources = {r["path"]: r["id"] for page in pages for r in page["items"]}
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                if path not in resources:
                    continue
                method = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                at = {"restApiId": api, "resourceId": resources[path], "httpMethod": method}
                if method == "ANY":
                    try:
                        gateway.get_method(**at)
                    except botocore.exceptions.ClientError:
                        gateway.put_method(**at, authorizationType="NONE")
                uri = evaluate(operation["x-amazon-apigateway-integration"]["uri"])
                uri = uri.replace("2021-11-15", "2015-03-31").replace("response-streaming-invocations", "invocations")
                gateway.put_integration(**at, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        for kind, response in body["x-amazon-apigateway-gateway-responses"].items():
            put = {
                "responseParameters": evaluate(response.get("responseParameters", {})),
                "responseTemplates": {k: evaluate(v) for k, v in response.get("responseTemplates", {}).items()},
            }
            if response.get("statusCode"):
                put["statusCode"] = str(response["statusCode"])
            gateway.put_gateway_response(restApiId=api, responseType=kind, **put)
        for kind in body.get("x-amazon-apigateway-binary-media-types", []):
            gateway.update_rest_api(restApiId=api, patchOperations=[{"op": "add", "path": "/binaryMediaTypes/" + kind.replace("/", "~1")}])
        deployment = gateway.create_deployment(restApiId=api)["id"]
        gateway.update_stage(restApiId=api, stageName="prod", patchOperations=[{"op": "replace", "path": "/deploymentId", "value": deployment}])
        return deployment
