"""Why a resource failed, in CloudFormation's words: some of ministack's handlers quote the owning service's whole answer."""

import ast
import json
import re

from local_aws.refused import Refused

_QUOTED = re.compile(r"b(['\"]).*\1\s*$", re.DOTALL)


def in_words(kind: str, error: Exception) -> Exception:
    """The same failure with the code and the message of the answer, and nothing around them."""
    quoted = _QUOTED.search(str(error))
    code, message = _parts(ast.literal_eval(quoted[0].strip()).decode("utf-8", "replace")) if quoted else ("", "")
    return ValueError(Refused(code, message).as_stack_reason(kind.split("::")[1])) if code else error


def _parts(answer: str) -> tuple[str, str]:
    if answer.lstrip().startswith("{"):
        said = json.loads(answer)
        return str(said.get("__type", "")).rpartition("#")[2], str(said.get("message") or said.get("Message") or "")
    code, message = (re.search(rf"<{name}>(.*?)</{name}>", answer, re.DOTALL) for name in ("Code", "Message"))
    return (code[1], message[1]) if code and message else ("", "")
