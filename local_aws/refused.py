"""What a rule raises: in front of a call it becomes the service's own error, in a stack the reason of the resource's failure."""

from ministack.services.cloudformation.helpers import _sdk_error


class Refused(Exception):
    """AWS refuses this: the code and the message that the owning service answers."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status

    def as_stack_reason(self, service: str) -> str:
        told = _sdk_error(self.message, service, self.status)
        return (
            f'Resource handler returned message: "{self.code}: {told}" (HandlerErrorCode: {_handler_code(self.code)})'
        )


def _handler_code(code: str) -> str:
    if "NotFound" in code or code.startswith("NoSuch"):
        return "NotFound"
    if "AlreadyExists" in code:
        return "AlreadyExists"
    return "ResourceConflict" if "InUse" in code or "Dependency" in code else "InvalidRequest"
