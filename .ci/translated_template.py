"""Checks what template.yaml becomes once SAM has translated it: the shape that is deployed.

    translated_template.py template.yaml        every finding on a line; exit status 1 if there is one

The checks are themselves checked on each run: a template broken on purpose must be found out.
"""

import json
import logging
import re
import sys

STREAMING = "/response-streaming-invocations"
STREAM_LIMIT_MS = 900_000
RESOURCE_POLICY_LIMIT = 20 * 1024  # bytes, of a Lambda function's resource policy

AZURE_SECRET = {
    "Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AzureSecretId}-??????"
}
CALLERS_NAME = {"Fn::If": ["WithCallersSecretId", {"Ref": "CallersSecretId"}, {"Fn::Sub": "${AWS::StackName}/callers"}]}
CALLERS_SECRET = {
    "Fn::Sub": ["arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${Name}-??????", {"Name": CALLERS_NAME}]
}
FEDERATION = {
    "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "api://AzureADTokenExchange"},
    "StringEquals": {"sts:SigningAlgorithm": "RS256"},
    "NumericLessThanEquals": {"sts:DurationSeconds": 300},
}

# What each function may do: action -> (resources, condition). LOG stands for the function's own log group.
LOG = "its own log group"
CALLS_AZURE = {
    "secretsmanager:GetSecretValue": ([AZURE_SECRET, CALLERS_SECRET], None),
    "sts:GetWebIdentityToken": (["*"], FEDERATION),
    "logs:CreateLogStream": ([LOG], None),
    "logs:PutLogEvents": ([LOG], None),
}

def of_bucket(path):
    return {"Fn::Sub": "${BatchBucket.Arn}/" + path}


def of_workflow(name):
    return {"Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:" + name}


BATCHES = CALLS_AZURE | {
    "s3:GetObject": ([of_bucket("*")], None),
    "s3:GetObjectVersion": ([of_bucket("*")], None),
    "s3:PutObject": ([of_bucket("jobs/*"), of_bucket("results/*"), of_bucket("api/*")], None),
    "s3:AbortMultipartUpload": ([of_bucket("jobs/*"), of_bucket("results/*"), of_bucket("api/*")], None),
    "s3:ListBucket": ([{"Fn::GetAtt": ["BatchBucket", "Arn"]}], None),
}
# Sends nothing to Azure, and so signs in nowhere.
READS_BATCHES = {action: grant for action, grant in BATCHES.items()
                 if action not in ("sts:GetWebIdentityToken", "s3:PutObject", "s3:AbortMultipartUpload")}
MAY = {
    "ChatFunction": CALLS_AZURE,
    "EmbeddingsFunction": CALLS_AZURE,
    "TokenEstimateFunction": READS_BATCHES,
    "BatchSubmitFunction": BATCHES | {"states:StartExecution": ([of_workflow("stateMachine:${AWS::StackName}-batch")], None)},
    "BatchStatusFunction": BATCHES | {
        "states:DescribeExecution": ([of_workflow("execution:${AWS::StackName}-batch:*")], None),
        "s3:DeleteObject": ([of_bucket("api/files/*")], None),
    },
}

# Each must be found out: (what stands in the template, what it is broken into, a part of the finding).
BROKEN = [
    ("ResponseTransferMode: RESPONSE_STREAM", "ResponseTransferMode: STREAM", "does not stream"),
    ("TimeoutInMillis: 900000", "TimeoutInMillis: 29000", "ends at 29000 ms"),
    ('Path: "/v1/responses/{proxy+}"', 'Path: "/v1/models/{proxy+}"', "several path variables"),
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
    ("DeletionPolicy: RetainExceptOnCreate\n    Properties:", "DeletionPolicy: RetainExceptOnCreate\n    Properties:\n      BucketName: b",
     "has a fixed name"),
    ("Type: AWS::Logs::LogGroup", "Type: AWS::SecretsManager::Secret", "gone with it"),
    ("            InputPath: $.detail\n", "", "hands the workflow the event"),
]


def translate(text):
    """The CloudFormation template that SAM makes of the SAM template in text."""
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse

    template = yaml_parse(text)
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"  # as `sam package` leaves it
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            resource["Properties"]["DefinitionUri"] = "s3://bucket/key"
    session = boto3.Session(region_name="us-east-1")
    return Translator({}, Parser(), boto_session=session).translate(template, {})


def of_type(template, kind):
    return {k: r["Properties"] for k, r in template["Resources"].items() if r["Type"] == kind}


def as_list(value):
    return value if isinstance(value, list) else [value]


def check(template):
    """Every finding about a translated template, as a sentence."""
    yield from check_routes(template)
    yield from check_gateway_responses(template)
    yield from check_cors(template)
    yield from check_functions(template)
    yield from check_policies(template)
    yield from check_permissions(template)
    yield from check_bucket(template)
    yield from check_drop(template)
    yield from check_kept(template)


def api_body(template):
    (api,) = of_type(template, "AWS::ApiGateway::RestApi").values()
    return api["Body"]


def check_routes(template):
    paths = api_body(template)["paths"]
    if not paths:
        yield "the API has no routes"
    for path, methods in paths.items():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            if integration.get("responseTransferMode") != "STREAM":
                yield f"{method} {path} does not stream (the event needs ResponseTransferMode: RESPONSE_STREAM)"
            if not integration["uri"]["Fn::Sub"].endswith(STREAMING):
                yield f"{method} {path} does not invoke with a response stream: {integration['uri']}"
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
    for path in ("/v1/chat/completions", "/v1/models/{model}", "/v1/embeddings", "/v1/files", "/v1/batches/{proxy+}"):
        if path not in paths:
            yield f"{path} is no route"
    for name, deployment in of_type(template, "AWS::ApiGateway::Deployment").items():
        if "StageName" in deployment:
            yield f"{name} deploys a stage of its own, {deployment['StageName']}"


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


def check_policies(template):
    roles = of_type(template, "AWS::IAM::Role")
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        if name not in MAY:
            yield f"{name} is not in the table of what functions may do"
            continue
        role_name = function["Role"]["Fn::GetAtt"][0]
        role = roles[role_name]
        if role.get("ManagedPolicyArns"):
            yield f"{name} has AWS's policies: {role['ManagedPolicyArns']}"
        log = {"Fn::GetAtt": [function.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref"), "Arn"]}
        documents = [p["PolicyDocument"] for p in role.get("Policies", [])]
        documents += [p["PolicyDocument"] for p in of_type(template, "AWS::IAM::ManagedPolicy").values()
                      if {"Ref": role_name} in p.get("Roles", [])]
        may = {}
        for statement in (s for d in documents for s in d["Statement"]):
            resources = [LOG if r == log else r for r in as_list(statement["Resource"])]
            for action in as_list(statement["Action"]):
                may[action] = (resources, statement.get("Condition"))
        for action in sorted(may.keys() | MAY[name].keys()):
            if may.get(action) != MAY[name].get(action):
                yield f"{name}: {action} is granted on {may.get(action)}, wanted {MAY[name].get(action)}"


def check_permissions(template):
    sizes = {}
    for permission in of_type(template, "AWS::Lambda::Permission").values():
        # About what Lambda makes of a permission, with names and ARNs of generous length.
        source = permission["SourceArn"]["Fn::Sub"][0]
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
            if target.get("InputPath") != "$.detail":
                yield f"{name} hands the workflow the event, not its detail"
            if "DeadLetterConfig" not in target:
                yield f"{name} forgets what could not be started"


def check_kept(template):
    """What outlives its stack must not be in the way of the next one, and CloudFormation deletes secrets for good."""
    for name, resource in template["Resources"].items():
        if resource["Type"].startswith("AWS::SecretsManager::"):
            yield f"{name} is the stack's, and gone with it"
        kept = {resource.get("DeletionPolicy", "Delete"), resource.get("UpdateReplacePolicy", "Delete")} - {"Delete"}
        names = [key for key in resource.get("Properties", {}) if key.endswith("Name")]
        if kept and names:
            yield f"{name} is kept ({', '.join(sorted(kept))}) and has a fixed name: {', '.join(names)}"
    if template["Resources"]["BatchBucket"].get("DeletionPolicy") != "RetainExceptOnCreate":
        yield "BatchBucket goes with the stack, or stays after a failed creation"


def check_the_checks(text):
    for stands, broken, finding in BROKEN:
        if stands not in text:
            yield f"cannot be broken on purpose any more: {stands!r} is not in the template"
        elif not any(finding in f for f in check(translate(text.replace(stands, broken)))):
            yield f"nobody notices when {stands!r} becomes {broken!r}"


def main():
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # its telemetry, which is off, warns that it is
    text = open(sys.argv[1], encoding="utf-8").read()
    findings = list(check(translate(text))) or list(check_the_checks(text))
    for finding in findings:
        print(f"{sys.argv[1]}: {finding}", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
