"""Checks what template.yaml becomes once SAM has translated it: the shape that is deployed.

    translated_template.py template.yaml        every finding on a line; exit status 1 if there is one

The checks are themselves checked on each run: a template broken on purpose must be found out.
"""

import json
import logging
import re
import sys

from translated_policies import check_kept, check_policies
from translation import DEFAULTS, as_list, of_type, resolve

STREAMING = "/response-streaming-invocations"
STREAM_LIMIT_MS = 900_000
RESOURCE_POLICY_LIMIT = 20 * 1024  # bytes, of a Lambda function's resource policy

# Each must be found out: (what stands in the template, what it is broken into, a part of the finding).
BROKEN = [
    ("ResponseTransferMode: RESPONSE_STREAM", "ResponseTransferMode: STREAM", "does not stream"),
    ("TimeoutInMillis: 900000", "TimeoutInMillis: 29000", "ends at 29000 ms"),
    ('Path: "/v1/batches/{proxy+}"', 'Path: "/openai/deployments/{name}"', "several path variables"),
    ('Path: "/v1/files/{proxy+}"', "Path: /v1/other", "GET /v1/files/file-1/content leads to ChatFunction"),
    ("Path: /openai/responses/input_tokens", "Path: /openai/input_tokens", "leads to ChatFunction, wanted TokenEstimateFunction"),
    ('Path: "/{proxy+}"', "Path: /health", "leads to None, wanted ChatFunction"),
    ("ThrottlingRateLimit: !Ref ThrottleRate", "ThrottlingRateLimit: -1", "any number of calls"),
    ('"code":"gateway_throttled"', '"code":"rate_limit_exceeded"', "to be told from Azure's"),
    ("[WithChatReservedConcurrency, !Ref ChatR", "[WithChatReservedConcurrency, !Ref EmbeddingsR", "cannot be reserved"),
    ("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 345600", "not kept for 14 days"),
    ("Resource: !GetAtt BatchDropsNotStarted.Arn\n            Condition: { Bool:", "Resource: !GetAtt BatchDropsNotStarted.Arn\n            Condition: { Null:", "without TLS"),
    ("arn:${AWS::Partition}:states", "arn:aws:states", "partition aws only"),
    ("        Partition: !Ref AWS::Partition\n", "", "does not learn of its partition"),
    ("AllowedValues: [arm64]", "AllowedValues: [arm64, x86_64]", "another processor"),
    ("    Type: AWS::SNS::Topic\n    Condition: WithAlarms\n", "    Type: AWS::SNS::Topic\n", "AlarmEmail=a@example.com adds"),
    ("MetricName: ExecutionsFailed", "MetricName: ExecutionsStarted", "nobody hears of ExecutionsFailed"),
    ("MetricName: Throttles\n      Dimensions: [{ Name: FunctionName, Value: !Ref Chat", "MetricName: Duration\n      Dimensions: [{ Name: FunctionName, Value: !Ref Chat",
     "nobody hears of ChatFunction's"),
    ('"status":"$context.status"', '"status":"$context.identity.sourceIp"', "the access log has"),
    ("IncludeExecutionData: false", "IncludeExecutionData: true", "more than failures"),
    ("WithResultsDays: !Not [!Equals [!Ref ResultsDays, 0]]", "WithResultsDays: !Equals [!Ref ResultsDays, 0]", "deleted by default"),
    ("RoleName: !Sub ${AWS::StackName}-${AWS::Region}-chat", "RoleName: !Sub ${AWS::StackName}-chat", "ChatRole's name"),
    ("RoleName: !Sub ${AWS::StackName}-${AWS::Region}-review", "RoleName: !Sub ${AWS::StackName}-${AWS::Region}-review-of-everything", "too long"),
    ("                  - !Sub arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${AWS::StackName}-batch:*\n", "",
     "BatchWorkflow: states:StopExecution is granted"),
    ("              Action: [xray:PutTraceSegments, xray:PutTelemetryRecords]\n", "              Action: [xray:*]\n", "xray:* is granted"),
    ("kms:ViaService:\n", "kms:CallerAccount:\n", "kms:Decrypt is granted"),
    ("Action: states:StartExecution\n                Resource: !Sub", "Action: states:StartExecution\n                Resource: '*' #", "on every resource"),
    ('            Effect: Deny\n            Principal: "*"', '            Effect: Allow\n            Principal: "*"', "lets anyone in"),
    ("      OpenApiVersion: 3.0.1\n", "", "a stage of its own"),
    ("[multipart~1form-data]", "['*~1*']", "travel as base64"),
    ("        DEFAULT_5XX:\n", "        DEFAULT_6XX:\n", "DEFAULT_5XX is missing"),
    ("(AWS WAF)", "($context.error.message)", "WAF_FILTERED is no JSON"),
    ('[WithCors, "\'*\'", !Ref AWS::NoValue]', '[WithAzureFederation, "\'*\'", !Ref AWS::NoValue]', "no page may read it"),
    ("[WithCors, \"'x-should-retry'\"", "[WithCors, \"'x-other'\"", "no page may read its x-should-retry"),
    ("        CORS_ORIGINS: !Ref CorsOrigins\n", "", "does not learn of CorsOrigins"),
    ('"param":null', '"param":"model"', "not in OpenAI's shape"),
    ("Runtime: provided.al2023", "Runtime: provided.al2", "on provided.al2"),
    ("        LogGroup: !Ref ChatLogGroup\n", "        LogFormat: Text\n", "no log group"),
    ("      RetentionInDays: !Ref LogRetentionDays\n", "", "log for ever"),
    ("      Role: !GetAtt ChatRole.Arn\n", "", "AWS's policies"),
    ("Action: secretsmanager:GetSecretValue", "Action: secretsmanager:*", "secretsmanager:* is granted"),
    ("secret:${AzureSecretId}-??????", "secret:*", "secretsmanager:GetSecretValue is granted"),
    ("Resource: !GetAtt ChatLogGroup.Arn", 'Resource: "*"', "logs:PutLogEvents is granted"),
    ("sts:SigningAlgorithm: RS256", "sts:SigningAlgorithm: ES384", "sts:GetWebIdentityToken is granted"),
    ("Resource: !Sub ${BatchBucket.Arn}/*", 'Resource: "*"', "s3:GetObject is granted"),
    ('aws:SecureTransport: "false"', 'aws:SecureTransport: "true"', "takes requests without TLS"),
    ("EventBridgeEnabled: true", "EventBridgeEnabled: false", "tells EventBridge nothing"),
    ("BlockPublicPolicy: true", "BlockPublicPolicy: false", "may be made public"),
    ("VersioningConfiguration: { Status: Enabled }", "VersioningConfiguration: { Status: Suspended }", "keeps no versions"),
    ("DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Delete", "goes with the stack"),
    ("      BucketEncryption:\n", "      BucketName: b\n      BucketEncryption:\n", "has a fixed name"),
    ("Type: AWS::Logs::LogGroup", "Type: AWS::SecretsManager::Secret", "gone with it"),
    ("            InputPath: $.detail\n", "", "hands the workflow the event"),
]


def translate(text, region="us-east-1"):
    """The CloudFormation template that SAM makes of the SAM template in text, in a region."""
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse

    template = yaml_parse(text)
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"  # as `sam package` leaves it
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            resource["Properties"]["DefinitionUri"] = "s3://bucket/key"
    session = boto3.Session(region_name=region)
    return Translator({}, Parser(), boto_session=session).translate(template, {})


def findings_about(text):
    """Every finding about a template once it is translated, as a sentence."""
    yield from check(translate(text))
    yield from check_partition(translate(text, "cn-north-1"))


def check(template):
    yield from check_routes(template)
    yield from check_served(template)
    yield from check_gateway_responses(template)
    yield from check_cors(template)
    yield from check_functions(template)
    yield from check_policies(template)
    yield from check_permissions(template)
    yield from check_bucket(template)
    yield from check_drop(template)
    yield from check_limits(template)
    yield from check_processor(template)
    yield from check_options(template)
    yield from check_kept(template)


def api_body(template):
    (api,) = of_type(template, "AWS::ApiGateway::RestApi").values()
    return api["Body"]


def wherever(value):
    """What stands there if the resource that it belongs to is deployed."""
    return value["Fn::If"][1] if "Fn::If" in value else value


def check_routes(template):
    paths = {path: wherever(methods) for path, methods in api_body(template)["paths"].items()}
    if not paths:
        yield "the API has no routes"
    for path, methods in paths.items():
        for method, operation in methods.items():
            integration = wherever(operation)["x-amazon-apigateway-integration"]
            if integration.get("responseTransferMode") != "STREAM":
                yield f"{method} {path} does not stream (the event needs ResponseTransferMode: RESPONSE_STREAM)"
            uri = wherever(integration["uri"])["Fn::Sub"]
            if not uri.endswith(STREAMING):
                yield f"{method} {path} does not invoke with a response stream: {uri}"
            if integration.get("timeoutInMillis") != STREAM_LIMIT_MS:
                yield f"{method} {path} ends at {integration.get('timeoutInMillis')} ms, not {STREAM_LIMIT_MS}"
    if api_body(template).get("x-amazon-apigateway-binary-media-types") != ["multipart/form-data"]:
        yield "other bodies than forms travel as base64, or forms do not"
    variables = {}  # API Gateway takes one variable per place
    for path in paths:
        parts = path.split("/")
        for i, part in enumerate(parts):
            if part.startswith("{"):
                variables.setdefault("/".join(parts[:i]), set()).add(part)
    for parent, names in variables.items():
        if len(names) > 1:
            yield f"below {parent or '/'} stand several path variables: {', '.join(sorted(names))}"
    for name, deployment in of_type(template, "AWS::ApiGateway::Deployment").items():
        if "StageName" in deployment:
            yield f"{name} deploys a stage of its own, {deployment['StageName']}"


# What each function gets, below every prefix that OpenAI's and Azure's SDKs use.
SERVED = {
    "ChatFunction": [
        "ANY /chat/completions", "ANY /responses", "GET /responses/resp_1", "POST /responses/resp_1/cancel", "GET /models", "GET /models/gpt-5",
        "POST /conversations", "GET /conversations/conv_1/items", "POST /audio/speech", "GET /realtime", "PUT /nothing",
    ],
    "EmbeddingsFunction": ["ANY /embeddings"],
    "TokenEstimateFunction": ["ANY /tokens/estimate", "ANY /responses/input_tokens"],
    "BatchSubmitFunction": ["POST /files", "POST /batches", "ANY /uploads", "POST /uploads/upload_1/parts"],
    "BatchStatusFunction": ["GET /files", "PUT /files", "DELETE /files/file-1", "GET /files/file-1/content", "GET /batches", "POST /batches/b/cancel"],
}
PREFIXES = ("/v1", "/openai/v1", "/openai")
NOT_BELOW = {("/openai", "ANY /embeddings")}  # Azure has it below a deployment only
ELSEWHERE = {
    "ChatFunction": ["GET /health", "POST /openai/deployments/d/chat/completions", "POST /openai/deployments/d/completions", "GET /favicon.ico"],
    "EmbeddingsFunction": ["POST /openai/deployments/d/embeddings"],
    "ConsoleFunction": ["GET /console", "GET /console/app.js"],
}


def function_for(paths, method, path):
    """The function that API Gateway would call: of the path and method pairs that match, the most specific path's, where
    a literal segment goes before a {name} and that before a {name+}. As measured in ministackorg/ministack#1423."""
    matches = []
    for pattern, methods in paths.items():
        operation = methods.get(method.lower()) or wherever(methods.get("x-amazon-apigateway-any-method", {}))
        parts = [("(.+)", 2) if p.endswith("+}") else ("([^/]+)", 1) if p.startswith("{") else (re.escape(p), 0) for p in pattern.split("/")]
        if operation and re.fullmatch("/".join(p for p, _ in parts), path):
            matches.append(([rank for _, rank in parts], wherever(operation["x-amazon-apigateway-integration"]["uri"])["Fn::Sub"]))
    return re.search(r"\$\{(\w+)\.Arn\}", min(matches)[1])[1] if matches else None


def check_served(template):
    paths = {path: wherever(methods) for path, methods in api_body(template)["paths"].items()}
    wanted = [(f, prefix, call) for f, calls in SERVED.items() for call in calls for prefix in PREFIXES if (prefix, call) not in NOT_BELOW]
    wanted += [(f, "", call) for f, calls in ELSEWHERE.items() for call in calls]
    for function, prefix, call in wanted:
        method, path = call.split()
        for m in ("GET", "POST") if method == "ANY" else (method,):
            got = function_for(paths, m, prefix + path)
            if got != function:
                yield f"{m} {prefix}{path} leads to {got}, wanted {function}"


def check_gateway_responses(template):
    responses = api_body(template)["x-amazon-apigateway-gateway-responses"]
    for required in ("DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN", "REQUEST_TOO_LARGE", "THROTTLED",
                     "QUOTA_EXCEEDED", "INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE"):
        if required not in responses:
            yield f"gateway response {required} is missing"
    for name, response in responses.items():
        body = response["responseTemplates"]["application/json"]
        if not isinstance(body, str):
            body = re.sub(r"\$\{[^}]*\}", "x", body["Fn::Sub"])
        body = body.replace("$context.error.messageString", '"a \\"message\\""')
        body = body.replace("$context.error.message", 'a "message"')
        body = re.sub(r"\$context(\.[A-Za-z]+)+", "x", body)
        if "$" in body:
            yield f"gateway response {name} leaves a $ in place: {body}"
        try:
            error = json.loads(body)["error"]
        except (ValueError, KeyError, TypeError) as e:
            yield f"gateway response {name} is no JSON error: {e}: {body}"
            continue
        if set(error) != {"message", "type", "param", "code"} or error["param"] is not None:
            yield f"gateway response {name} is not in OpenAI's shape: {body}"
        elif not all(isinstance(error[k], str) and error[k] for k in ("message", "type", "code")):
            yield f"gateway response {name} says too little: {body}"
        elif (str(response.get("statusCode")) == "429") != (error["code"] == "gateway_throttled"):
            yield f"gateway response {name}: a 429 of the gateway's is to be told from Azure's by its code: {error['code']}"


# In a browser, an answer without these is a network error, and a header that is not exposed is not there.
ALLOW_ORIGIN = "gatewayresponse.header.Access-Control-Allow-Origin"
EXPOSE = "gatewayresponse.header.Access-Control-Expose-Headers"


def with_cors(value):
    return {"Fn::If": ["WithCors", f"'{value}'", {"Ref": "AWS::NoValue"}]}


def check_cors(template):
    if template["Conditions"].get("WithCors") != {"Fn::Not": [{"Fn::Equals": [{"Ref": "CorsOrigins"}, ""]}]}:
        yield "WithCors is not whether CorsOrigins is set"
    if template["Parameters"]["CorsOrigins"]["Default"] != "":
        yield "pages of other origins may call by default"
    for name, response in api_body(template)["x-amazon-apigateway-gateway-responses"].items():
        headers = dict(response.get("responseParameters", {}))
        if headers.pop(ALLOW_ORIGIN, None) != with_cors("*"):
            yield f"gateway response {name}: with CorsOrigins, no page may read it"
        exposed = headers.pop(EXPOSE, None)
        own = ", ".join(header.removeprefix("gatewayresponse.header.") for header in headers)
        if own and exposed != with_cors(own):
            yield f"gateway response {name}: with CorsOrigins, no page may read its {own}"
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        if function["Environment"]["Variables"].get("CORS_ORIGINS") != {"Ref": "CorsOrigins"}:
            yield f"{name} does not learn of CorsOrigins"


def check_functions(template):
    groups = of_type(template, "AWS::Logs::LogGroup")
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        if (function["Runtime"], function["Handler"]) != ("provided.al2023", "bootstrap"):
            yield f"{name} runs {function['Handler']} on {function['Runtime']}"
        group = function.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
        if group not in groups:
            yield f"{name} has no log group of its own"
        elif "RetentionInDays" not in groups[group]:
            yield f"{name} keeps its log for ever"


def check_permissions(template):
    sizes = {}
    for permission in of_type(template, "AWS::Lambda::Permission").values():
        # About what Lambda makes of a permission, with names and ARNs of generous length.
        source = permission["SourceArn"].get("Fn::Sub", ["x" * 100])[0]  # or an ARN of the template's own
        size = 420 + len(re.sub(r"\$\{[^}]*\}", "x" * 14, source))
        function = permission["FunctionName"]["Ref"]
        sizes[function] = sizes.get(function, 0) + size
    for function, size in sizes.items():
        if size > RESOURCE_POLICY_LIMIT * 3 / 4:
            yield f"{function}'s resource policy nears its limit: about {size} of {RESOURCE_POLICY_LIMIT} bytes"


def check_bucket(template):
    (bucket,) = of_type(template, "AWS::S3::Bucket").values()
    if not all(bucket["PublicAccessBlockConfiguration"].values()):
        yield "the bucket may be made public"
    if bucket["VersioningConfiguration"] != {"Status": "Enabled"}:
        yield "the bucket keeps no versions, so a job may lose its file"
    if not bucket["NotificationConfiguration"]["EventBridgeConfiguration"]["EventBridgeEnabled"]:
        yield "the bucket tells EventBridge nothing"
    (policy,) = of_type(template, "AWS::S3::BucketPolicy").values()
    for statement in policy["PolicyDocument"]["Statement"]:
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}:
            break
    else:
        yield "the bucket takes requests without TLS"


def check_drop(template):
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        for target in rule["Targets"]:
            if target["Arn"] != {"Ref": "BatchWorkflow"}:
                continue  # it starts no job
            if target.get("InputPath") != "$.detail":
                yield f"{name} hands the workflow the event, not its detail"
            if target.get("DeadLetterConfig") != {"Arn": {"Fn::GetAtt": ["BatchDropsNotStarted", "Arn"]}}:
                yield f"{name} forgets what could not be started"
    queue = of_type(template, "AWS::SQS::Queue")["BatchDropsNotStarted"]
    if queue.get("MessageRetentionPeriod") != 14 * 24 * 3600 or queue.get("SqsManagedSseEnabled") is not True:
        yield "BatchDropsNotStarted is not kept for 14 days, or not encrypted"
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
    sides = {s["Effect"]: s for s in policy["PolicyDocument"]["Statement"]}
    if sides["Allow"]["Condition"] != {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["BatchWorkflowDrop", "Arn"]}}}:
        yield "BatchDropsNotStarted takes messages of others"
    if sides.get("Deny", {}).get("Condition") != {"Bool": {"aws:SecureTransport": "false"}}:
        yield "BatchDropsNotStarted takes messages without TLS"


def check_limits(template):
    (stage,) = of_type(template, "AWS::ApiGateway::Stage").values()
    wanted = {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": {"Ref": "ThrottleRate"}, "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"}}
    if wanted not in stage.get("MethodSettings", []):
        yield "the API takes any number of calls"
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        parameter = name.removesuffix("Function") + "ReservedConcurrency"
        if function.get("ReservedConcurrentExecutions") != {"Fn::If": ["With" + parameter, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]}:
            yield f"{name}'s concurrency cannot be reserved by {parameter}"


def check_partition(template):
    """Of a template for China: where it and SAM say which partition, it is not that of the other regions."""
    for place, text in strings(template):
        if "arn:aws:" in text and not place.startswith("Parameters."):  # there it is an example
            yield f"{place} holds in the partition aws only: {text}"
    for name, machine in of_type(template, "AWS::StepFunctions::StateMachine").items():
        if name == "BatchWorkflow" and machine["DefinitionSubstitutions"].get("Partition") != {"Ref": "AWS::Partition"}:
            yield f"{name}'s definition does not learn of its partition"


def strings(value, place=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, place)
    elif isinstance(value, str):
        yield place, value


def check_processor(template):
    parameter = template["Parameters"]["Architecture"]
    if parameter["AllowedValues"] != [parameter["Default"]]:
        yield f"a deployment may choose another processor than what was built: {parameter['AllowedValues']}"
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        if function["Architectures"] != [{"Ref": "Architecture"}]:
            yield f"{name} is not for the processor that was built"


# Everything that may be switched on, and what then is there. By default nothing of it is, and costs nothing.
OPTIONS = {
    "AlarmEmail": ("a@example.com", {"AWS::SNS::Topic": 1, "AWS::SNS::TopicPolicy": 1, "AWS::CloudWatch::Alarm": 14}),
    "Dashboard": ("true", {"AWS::CloudWatch::Dashboard": 1}),
    "AccessLog": ("true", {"AWS::Logs::LogGroup": 1}),
    "ExecutionLog": ("true", {"AWS::Logs::LogGroup": 1}),
    "KmsKeyArn": ("arn:aws:kms:us-east-1:000000000000:key/k", {"AWS::IAM::ManagedPolicy": 1}),
    "AzureFederation": ("true", {"AWS::IAM::ManagedPolicy": 1}),
    "Tracing": ("true", {}),
    "SubnetIds": ("subnet-0a", {}),
    "InboxDays": ("7", {}),
    "ReviewWorkflow": ("true", {"AWS::StepFunctions::StateMachine": 1, "AWS::IAM::Role": 1}),
}


def check_options(template):
    plain = resolve(template, DEFAULTS)
    for parameter, (value, wanted) in OPTIONS.items():
        chosen = resolve(template, {parameter: value})
        added = {}
        for name in chosen["Resources"].keys() - plain["Resources"].keys():
            kind = chosen["Resources"][name]["Type"]
            added[kind] = added.get(kind, 0) + 1
        if added != wanted:
            yield f"{parameter}={value} adds {added}, wanted {wanted}"
        if not wanted and chosen == plain:
            yield f"{parameter}={value} changes nothing"
    everything = resolve(template, {parameter: value for parameter, (value, _) in OPTIONS.items()})
    watched = {(a["MetricName"], json.dumps(a["Dimensions"])) for a in of_type(everything, "AWS::CloudWatch::Alarm").values()}
    for name in of_type(everything, "AWS::Lambda::Function").keys() - {"ConsoleFunction"}:  # whose failures are among the API's
        of_function = json.dumps([{"Name": "FunctionName", "Value": {"Ref": name}}])
        if ("Throttles", of_function) not in watched or ("Errors", of_function) not in watched and name != "BatchSubmitFunction":
            yield f"nobody hears of {name}'s errors and throttles"
    for metric in ("5XXError", "server_errors", "ExecutionsFailed", "ApproximateNumberOfMessagesVisible", "DaysToRetirement"):
        if metric not in {m for m, _ in watched}:
            yield f"nobody hears of {metric}"
    for name, alarm in of_type(everything, "AWS::CloudWatch::Alarm").items():
        if alarm["AlarmActions"] != [{"Ref": "AlarmTopic"}] or alarm["TreatMissingData"] != "notBreaching":
            yield f"{name} tells nobody, or rings where nothing happens"
    for name, board in of_type(everything, "AWS::CloudWatch::Dashboard").items():
        try:
            json.loads(board["DashboardBody"]["Fn::Sub"])
        except ValueError as e:
            yield f"{name} is no JSON: {e}"
    (stage,) = of_type(everything, "AWS::ApiGateway::Stage").values()
    fields = set(json.loads(stage["AccessLogSetting"]["Format"]).values())
    if fields != {"$context.requestId", "$context.status", "$context.responseLatency"}:
        yield f"the access log has {sorted(fields)}"
    log = of_type(everything, "AWS::StepFunctions::StateMachine")["BatchWorkflow"]["LoggingConfiguration"]
    if log["IncludeExecutionData"] is not False or log["Level"] != "ERROR":
        yield f"the execution log has more than failures: {log}"
    rules = of_type(plain, "AWS::S3::Bucket")["BatchBucket"]["LifecycleConfiguration"]["Rules"]
    if {"inbox", "results", "failed", "files"} & {rule["Id"] for rule in rules}:
        yield "what people keep in the bucket is deleted by default"


def check_the_checks(text):
    for stands, broken, finding in BROKEN:
        if stands not in text:
            yield f"cannot be broken on purpose any more: {stands!r} is not in the template"
        elif not any(finding in f for f in findings_about(text.replace(stands, broken))):
            yield f"nobody notices when {stands!r} becomes {broken!r}"


def main():
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # its telemetry, which is off, warns that it is
    text = open(sys.argv[1], encoding="utf-8").read()
    findings = list(findings_about(text)) or list(check_the_checks(text))
    for finding in findings:
        print(f"{sys.argv[1]}: {finding}", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
