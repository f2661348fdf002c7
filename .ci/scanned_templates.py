"""Writes what scanners are to read: the translated template with every option off, and with every option on.

    scanned_templates.py template.yaml DIR        DIR/plain.json and DIR/everything.json
"""

import json
import logging
import pathlib
import sys

from translated_template import OPTIONS, translate
from translation import DEFAULTS, resolve


def main():
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # its telemetry, which is off, warns that it is
    template = translate(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    for name, parameters in (("plain", DEFAULTS), ("everything", {option: value for option, (value, _) in OPTIONS.items()})):
        chosen = resolve(template, parameters)
        # SAM does not pass the reasons on to the stage that it makes of an API.
        chosen["Resources"]["ApiprodStage"]["Metadata"] = chosen["Resources"]["Api"]["Metadata"]
        pathlib.Path(sys.argv[2], name + ".json").write_text(json.dumps(chosen), encoding="utf-8")


if __name__ == "__main__":
    main()
