"""What the gateway and AWS's own code say of each other's bytes: python bedrock_botocore.py verify|encode < JSON

verify: requests as an upstream saw them; each must have the signature, the path and the fields that botocore would have.
encode: events; prints them as an event stream in hexadecimal, once botocore has parsed it."""
import base64
import json
import struct
import sys
import zlib
from urllib.parse import unquote

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer
from botocore.validate import ParamValidator

OPERATIONS = {"invoke": "InvokeModel", "invoke-with-response-stream": "InvokeModelWithResponseStream",
              "converse": "Converse", "converse-stream": "ConverseStream", "count-tokens": "CountTokens"}


def signature(sent, keys):
    headers = dict(sent["headers"])
    given = dict(part.split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(", "))
    signed = given["SignedHeaders"].split(";")
    assert {"content-type", "host", "x-amz-date"} <= set(signed), signed
    assert all(name in signed for name in headers if name.startswith("x-amz")), (signed, headers)
    method, target = sent["line"].split(" ", 1)
    request = AWSRequest(method, f"http://{headers['host']}{target}", data=base64.b64decode(sent["body"]),
                         headers={name: headers[name] for name in signed if name != "host"})
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(keys["access_key_id"], keys["secret_access_key"]), "bedrock", keys["region"])
    canonical = auth.canonical_request(request)
    assert canonical.split("\n")[-2] == given["SignedHeaders"], canonical
    expected = auth.signature(auth.string_to_sign(request, canonical), request)
    assert given["Signature"] == expected, (given, canonical)
    assert given["Credential"] == f"{keys['access_key_id']}/{auth.credential_scope(request)}"
    assert headers.get("x-amz-security-token") == keys["session_token"]


def fields(sent, service):
    _, model, model_id, verb = sent["line"].split(" ", 1)[1].split("/")
    assert model == "model" and model_id == model_id.replace(":", "%3A"), sent["line"]
    shape = service.operation_model(OPERATIONS[verb]).input_shape
    body = base64.b64decode(sent["body"])
    whole = {"body": body} if verb.startswith("invoke") else json.loads(body)
    report = ParamValidator().validate({"modelId": unquote(model_id), **whole}, shape)
    assert not report.has_errors(), report.generate_report()
    return OPERATIONS[verb]


def header(name, value):
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()


def encode(kind, name, payload):
    headers = b"".join([header(f":{kind}-type", name), header(":content-type", "application/json"),
                        header(":message-type", kind)])
    prelude = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))


told = json.load(sys.stdin)
if sys.argv[1] == "verify":
    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    for sent in told["requests"]:
        signature(sent, told)
        print(fields(sent, service))
else:
    stream = b"".join(encode(kind, name, payload.encode()) for kind, name, payload in told)
    buffer = EventStreamBuffer()
    for at in range(0, len(stream), 7):
        buffer.add_data(stream[at:at + 7])
    parsed = [(event.headers[":message-type"], event.payload.decode()) for event in buffer]
    assert parsed == [(kind, payload) for kind, _, payload in told], parsed
    print(stream.hex())
