"""Validates lines of standard input against one of the published schemas, with a validator that is not ours.

    validate.py SCHEMAS FORM < LINES

Prints how many lines were looked at. Every schema in SCHEMAS is held against the meta-schema first. Exit code 77 where
the package `jsonschema` is not installed.
"""

import json
import pathlib
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    sys.exit(77)


def main() -> None:
    folder, form = pathlib.Path(sys.argv[1]), sys.argv[2]
    index = json.loads((folder / "index.json").read_text())
    schemas = {name: json.loads((folder / entry["schema"]).read_text()) for name, entry in index.items()}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schemas[form])
    count = 0
    for line in sys.stdin:
        for error in validator.iter_errors(json.loads(line)):
            sys.exit(f"{error.message}\nat {list(error.absolute_path)} of {line}")
        count += 1
    print(count)


if __name__ == "__main__":
    main()
