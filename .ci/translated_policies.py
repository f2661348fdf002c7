"""What the roles of the translated template may do, by a table, and what outlives the stack."""

from translation import DEFAULTS, as_list, of_type, resolve

# ---- What each role may do: action -> (resources, condition) -----------------------------------------------------------

LOG = "its own log group"
AZURE_SECRET = {
    "Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AzureSecretId}-??????"
}
CALLERS_SECRET = {
    "Fn::Sub": ["arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${Name}-??????",
                {"Name": {"Fn::Sub": "${AWS::StackName}/callers"}}]
}
FEDERATION = {
    "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "api://AzureADTokenExchange"},
    "StringEquals": {"sts:SigningAlgorithm": "RS256"},
    "NumericLessThanEquals": {"sts:DurationSeconds": 300},
}
VIA = {"StringEquals": {"kms:ViaService": [
    {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"}, {"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}]}}

# With these options, and all others at their defaults.
OPTIONS = {"AzureFederation": "true", "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"}
USES_KEY = {action: ([{"Ref": "KmsKeyArn"}], VIA) for action in ("kms:Decrypt", "kms:GenerateDataKey")}
READS_SECRETS = USES_KEY | {
    "secretsmanager:GetSecretValue": ([AZURE_SECRET, CALLERS_SECRET], None),
    "logs:CreateLogStream": ([LOG], None),
    "logs:PutLogEvents": ([LOG], None),
}
CALLS_AZURE = READS_SECRETS | {"sts:GetWebIdentityToken": (["*"], FEDERATION)}


def of_bucket(path):
    return {"Fn::Sub": "${BatchBucket.Arn}/" + path}


def of_workflow(name):
    return {"Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:" + name}


MACHINE = of_workflow("stateMachine:${AWS::StackName}-batch")
EXECUTIONS = of_workflow("execution:${AWS::StackName}-batch:*")
MAP_RUNS = of_workflow("execution:${AWS::StackName}-batch/*")
FUNCTIONS = [{"Fn::GetAtt": [f, "Arn"]} for f in ("BatchSubmitFunction", "BatchStatusFunction")]

READS_BATCHES = {
    "s3:GetObject": ([of_bucket("*")], None),
    "s3:GetObjectVersion": ([of_bucket("*")], None),
    "s3:ListBucket": ([{"Fn::GetAtt": ["BatchBucket", "Arn"]}], None),
}


def writes(*places):
    return {action: ([of_bucket(place) for place in places], None) for action in ("s3:PutObject", "s3:AbortMultipartUpload")}


MAY = {
    "ChatFunction": CALLS_AZURE,
    "EmbeddingsFunction": CALLS_AZURE,
    "TokenEstimateFunction": READS_SECRETS | READS_BATCHES,  # sends nothing to Azure, and so signs in nowhere
    "BatchSubmitFunction": CALLS_AZURE | READS_BATCHES | writes("jobs/*", "results/*", "api/*") | {
        "states:StartExecution": ([MACHINE], None),
        "states:DescribeExecution": ([EXECUTIONS], None),
    },
    "BatchStatusFunction": CALLS_AZURE | READS_BATCHES | writes("jobs/*", "results/*", "failed/*", "api/*") | {
        "states:DescribeExecution": ([EXECUTIONS], None),
        "s3:DeleteObject": ([of_bucket("api/files/*")], None),
    },
    "ConsoleFunction": {action: ([LOG], None) for action in ("logs:CreateLogStream", "logs:PutLogEvents")},
    "BatchWorkflow": USES_KEY | {
        "lambda:InvokeFunction": (FUNCTIONS, None),
        "s3:GetObject": ([of_bucket("jobs/*")], None),
        "events:PutEvents": ([{"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"}], None),
        "states:StartExecution": ([MACHINE], None),
        "states:DescribeExecution": ([EXECUTIONS, MAP_RUNS], None),
        "states:StopExecution": ([EXECUTIONS, MAP_RUNS], None),
        "states:RedriveExecution": ([EXECUTIONS, MAP_RUNS], None),
    },
}

NETWORK = {
    "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
}

# Every statement of an identity's about all resources, by the option that adds it. AWS knows no resource for these actions.
# Only Microsoft Entra's has conditions to narrow it; without an option there is none.
EVERYTHING = {
    "AzureFederation": ("true", {"AzureFederationPolicy": {"sts:GetWebIdentityToken"}}),
    "SubnetIds": ("subnet-0a", {"FunctionsPolicy": NETWORK, "ConsoleRole": NETWORK}),
    "Tracing": ("true", {
        "FunctionsPolicy": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
        "BatchWorkflowRole": {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"}}),
    "ExecutionLog": ("true", {"BatchWorkflowRole": {
        "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries",
        "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"}}),
}


def documents_of(template, role_name):
    """The policies of a role: its own, and the stack's that name it."""
    for policy in template["Resources"][role_name]["Properties"].get("Policies", []):
        yield policy["PolicyDocument"]
    for policy in of_type(template, "AWS::IAM::ManagedPolicy").values():
        if {"Ref": role_name} in policy.get("Roles", []):
            yield policy["PolicyDocument"]


def check_policies(template):
    chosen = resolve(template, OPTIONS)
    roles = of_type(chosen, "AWS::IAM::Role")
    holders = of_type(chosen, "AWS::Lambda::Function")
    holders |= {n: m | {"Role": m["RoleArn"]} for n, m in of_type(chosen, "AWS::StepFunctions::StateMachine").items()}
    for name, holder in holders.items():
        if name not in MAY:
            yield f"{name} is not in the table of what may be done"
            continue
        role_name = holder["Role"]["Fn::GetAtt"][0]
        if roles[role_name].get("ManagedPolicyArns"):
            yield f"{name} has AWS's policies: {roles[role_name]['ManagedPolicyArns']}"
        log = {"Fn::GetAtt": [holder.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref"), "Arn"]}
        may = {}
        for statement in (s for d in documents_of(chosen, role_name) for s in d["Statement"]):
            resources = [LOG if r == log else r for r in as_list(statement["Resource"])]
            for action in as_list(statement["Action"]):
                may[action] = (resources, statement.get("Condition"))
        for action in sorted(may.keys() | MAY[name].keys()):
            if may.get(action) != MAY[name].get(action):
                yield f"{name}: {action} is granted on {may.get(action)}, wanted {MAY[name].get(action)}"
    yield from check_everything(template)
    yield from check_others(template)
    yield from check_role_names(template)


def about_everything(template):
    """The actions that are granted on all resources, by the policy or the role that has the statement."""
    found = {}
    owners = {n: [p["PolicyDocument"] for p in r.get("Policies", [])] for n, r in of_type(template, "AWS::IAM::Role").items()}
    owners |= {n: [p["PolicyDocument"]] for n, p in of_type(template, "AWS::IAM::ManagedPolicy").items()}
    for name, documents in owners.items():
        for statement in (s for d in documents for s in d["Statement"]):
            if "*" in as_list(statement["Resource"]):
                found[name] = found.get(name, set()) | set(as_list(statement["Action"]))
    return found


def check_everything(template):
    for option, (value, wanted) in {"no option": (None, {}), **EVERYTHING}.items():
        got = about_everything(resolve(template, DEFAULTS if value is None else {option: value}))
        for name in got.keys() | wanted.keys():
            for action in got.get(name, set()) ^ wanted.get(name, set()):
                yield f"with {option}, {name}: {action} is granted on every resource, or no longer: the table says {wanted}"
    for name, document in all_documents(template):
        for statement in document["Statement"]:
            for action in as_list(statement.get("Action", [])):
                if statement.get("Effect") == "Allow" and action.endswith("*"):
                    yield f"{name}: {action} is granted"


def all_documents(template):
    everything = resolve(template, {option: value for option, (value, _) in EVERYTHING.items()} | OPTIONS | {"AlarmEmail": "a@example.com"})
    for name, resource in everything["Resources"].items():
        properties = resource.get("Properties", {})
        for document in [properties.get("PolicyDocument"), properties.get("AssumeRolePolicyDocument"),
                         *(p["PolicyDocument"] for p in properties.get("Policies", []))]:
            if document:
                yield name, document


def check_others(template):
    """Whom the policies of resources let in."""
    for name, document in all_documents(template):
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}):
                yield f"{name} lets anyone in"


# IAM's names are the account's, not the region's: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE_NAME_LIMIT, LONGEST_STACK, LONGEST_REGION = 64, 34, len("ap-southeast-1")


def check_role_names(template):
    suffixes = []
    for name, role in of_type(template, "AWS::IAM::Role").items():
        if name == "BatchWorkflowDropRole":  # SAM's own
            continue
        own = role.get("RoleName", {}).get("Fn::Sub", "")
        if not own.startswith("${AWS::StackName}-${AWS::Region}-"):
            yield f"{name}'s name is not the stack's and the region's: {own}"
        suffixes.append(own.removeprefix("${AWS::StackName}-${AWS::Region}"))
    if LONGEST_STACK + 1 + LONGEST_REGION + max(map(len, suffixes)) > ROLE_NAME_LIMIT:
        yield f"a role's name is too long for a stack of {LONGEST_STACK} characters: {max(suffixes, key=len)}"
    if len(set(suffixes)) != len(suffixes):
        yield f"two roles have one name: {suffixes}"


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
