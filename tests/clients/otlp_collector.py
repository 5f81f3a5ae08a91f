"""What a collector of traces reads of the requests that it got, by OpenTelemetry's official types.
python otlp_collector.py FOLDER

Each file of the folder is the body of a request. Prints the spans of all of them as JSON.
"""
import json
import pathlib
import sys

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def known(message):
    """Everything that is set has a name, here and below."""
    assert not len(UnknownFieldSet(message)), message
    for field, value in message.ListFields():
        if field.message_type:
            for one in value if field.is_repeated else [value]:
                known(one)


def attributes(of):
    keys = [attribute.key for attribute in of]
    assert len(keys) == len(set(keys)), keys
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of}


spans = []
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    request = ExportTraceServiceRequest()
    request.ParseFromString(path.read_bytes())
    known(request)
    for resource in request.resource_spans:
        about = attributes(resource.resource.attributes)
        assert about["service.name"] == "sluice" and about["service.version"], about
        for scope in resource.scope_spans:
            assert scope.scope.name == "sluice"
            for span in scope.spans:
                assert len(span.trace_id) == 16 and len(span.span_id) == 8
                assert span.start_time_unix_nano <= span.end_time_unix_nano
                spans.append({
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind),
                    "from": span.start_time_unix_nano,
                    "to": span.end_time_unix_nano,
                    "flags": span.flags,
                    "status": Status.StatusCode.Name(span.status.code),
                    "message": span.status.message,
                    "attributes": attributes(span.attributes),
                })
print(json.dumps(spans))
