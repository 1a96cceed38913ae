"""Ships in the packages of test functions, which have no boto3: one signed call of a JSON protocol."""

import datetime as dt
import hashlib
import hmac
import json
import os
import urllib.request


def call(service, target, **body):
    """`target` as `AmazonSQS.SendMessage`. The answer; what is refused raises."""
    url, region = os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_REGION"]
    data, now = json.dumps(body).encode(), dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "host": url.partition("://")[2],
        "x-amz-date": now,
        "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
        "x-amz-target": target,
    }
    names, scope = ";".join(headers), f"{now[:8]}/{region}/{service}/aws4_request"
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(data).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (*scope.split("/")[:3], "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    headers["authorization"] = f"{credential}, SignedHeaders={names}, Signature={signature}"
    with urllib.request.urlopen(urllib.request.Request(url + "/", data, headers)) as answer:
        return json.load(answer)
