"""Whether a document is valid OpenAPI 3.1, by a public validator. python openapi_document.py PATH"""
import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
assert document["openapi"].startswith("3.1."), document["openapi"]
errors = [(list(error.absolute_path), error.message) for error in OpenAPIV31SpecValidator(document).iter_errors()]
for place, message in errors:
    print(place, message.splitlines()[0])
assert not errors
print("fine")
