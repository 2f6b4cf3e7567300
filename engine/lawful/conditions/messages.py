"""The policy's schema as protobuf message types, which is how CEL's checker knows the fields of an account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lawful.ir import Schema, Type

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import DescriptorProto

_FEATURES: Final = "features"
_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def message_types(account: Schema, request: Schema) -> Any:
    """A descriptor pool with `lawful.policy.Account`, `Request` and `State`, which holds an account."""
    from google.protobuf import descriptor_pb2, descriptor_pool, timestamp_pb2  # 30 ms

    file = descriptor_pb2.FileDescriptorProto(
        name="lawful/policy.proto",
        package="lawful.policy",
        syntax="proto3",
        dependency=["google/protobuf/timestamp.proto"],
    )
    for name, schema in (("Account", account), ("Request", request)):
        message = file.message_type.add(name=name)
        # To protobuf `seats_2` and `seats2` are one name in JSON. Nothing here is ever written as its JSON.
        message.options.deprecated_legacy_json_field_conflicts = True
        for field, declaration in schema.items():
            # A field that may not be called so has been told of: here it must not be in the way.
            if _NAME.fullmatch(field) and (field != _FEATURES or name == "Request"):
                _add(message, field, declaration.type)
        if name == "Account":
            _add(message, _FEATURES, Type("set"))
    state = file.message_type.add(name="State")
    kind = descriptor_pb2.FieldDescriptorProto
    state.field.add(
        name="account", number=1, label=kind.LABEL_OPTIONAL, type=kind.TYPE_MESSAGE, type_name=".lawful.policy.Account"
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _add(message: DescriptorProto, name: str, type_: Type) -> None:
    """A field: dates are timestamps to CEL, sets are lists of strings; scalars are `optional`, so that `has` works."""
    count = len(message.field)
    number = count + 1 if count < 18_999 else count + 1001  # protobuf keeps a thousand numbers for itself
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_OPTIONAL
    match type_.kind:
        case "set":
            field.label, field.type = field.LABEL_REPEATED, field.TYPE_STRING
            return
        case "date" | "timestamp":
            field.type, field.type_name = field.TYPE_MESSAGE, ".google.protobuf.Timestamp"
            return
        case "bool":
            field.type = field.TYPE_BOOL
        case "int":
            field.type = field.TYPE_INT64
        case _:
            field.type = field.TYPE_STRING
    field.proto3_optional = True
    field.oneof_index = len(message.oneof_decl)
    message.oneof_decl.add(name=f"_known_{number}")
