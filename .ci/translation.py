"""Reads a translated template as CloudFormation would: resources by type, and what is left of them with some parameters."""

DEFAULTS = {}  # no parameter is given
NO_VALUE = {"Ref": "AWS::NoValue"}


def of_type(template, kind):
    return {k: r["Properties"] for k, r in template["Resources"].items() if r["Type"] == kind}


def as_list(value):
    return value if isinstance(value, list) else [value]


def resolve(template, parameters):
    """The template with the resources and outputs, and the sides of each Fn::If, that are there with these parameters in place
    of the defaults. All other functions stay."""
    values = {name: str(p.get("Default", "")) for name, p in template["Parameters"].items()}
    for name, value in parameters.items():
        if name not in values:
            raise KeyError(f"no parameter {name}")
        values[name] = value

    def holds(condition):
        if isinstance(condition, str):
            return holds(template["Conditions"][condition])
        ((function, argument),) = condition.items()
        if function == "Fn::Equals":
            left, right = (str(values[side["Ref"]] if isinstance(side, dict) else side) for side in argument)
            return left == right
        if function == "Fn::Not":
            return not holds(argument[0])
        raise NotImplementedError(function)

    def reduce(value):
        if isinstance(value, dict):
            if value.keys() == {"Fn::If"}:
                condition, yes, no = value["Fn::If"]
                return reduce(yes if holds(condition) else no)
            return {key: inner for key, inner in ((key, reduce(inner)) for key, inner in value.items()) if inner != NO_VALUE}
        if isinstance(value, list):
            return [inner for inner in map(reduce, value) if inner != NO_VALUE]
        return value

    def present(section):
        return {
            name: reduce({key: inner for key, inner in value.items() if key != "Condition"})
            for name, value in template[section].items()
            if "Condition" not in value or holds(value["Condition"])
        }

    rest = {key: value for key, value in template.items() if key not in ("Conditions", "Rules")}
    return rest | {"Resources": present("Resources"), "Outputs": present("Outputs")}
