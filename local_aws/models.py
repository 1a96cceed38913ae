"""botocore's models of AWS's services [V botocore]: operations, shapes, enumerations. Each is read once."""

from functools import cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser

_KIND = "service-2"


@cache
def services() -> tuple[str, ...]:
    """The names of boto3's clients."""
    return tuple(Loader().list_available_services(_KIND))


@cache
def service(name: str) -> ServiceModel | None:
    try:
        return ServiceModel(Loader().load_service_model(name, _KIND), name)
    except UnknownServiceError:
        return None


def shape(name: str, of: str) -> Any:
    model = service(of)
    assert model is not None, f"botocore has no service {of}"
    return model.shape_for(name)


def enum(name: str, of: str) -> tuple[str, ...]:
    """The values that a member of this shape may have."""
    return tuple(shape(name, of).enum)


@cache
def parser(protocol: str) -> Any:
    """What boto3 reads answers of this protocol with."""
    return create_parser(protocol)
