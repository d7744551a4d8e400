"""Writes test vectors of internal/sigv4 signed by botocore, the signer of the
AWS CLI and boto3. It differs from the SDK for Go where it cleans paths and
chooses headers.

    pip install botocore==1.44.5
    python sigv4vectors/with_botocore.py > ../internal/sigv4/testdata/botocore.json
"""

import datetime
import json
import random
import sys
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.credentials

random.seed(2026)

CREDENTIALS = [
    ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None),
    ("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ", "IQoJb3JpZ2luX2VjEXAMPLE///+/=="),
]
PATHS = ["/", "/a/b", "/a%20b/c%2Bd", "//a//b/", "/./a/../b", "/%C3%B1/%E2%98%83", "/a~b", "/a=b", "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations"]
QUERIES = ["", "", "Action=ListUsers&Version=2010-05-08", "b=2&a=1&a=0", "prefix=a%2Fb&uploads=", "x=%20%2B&y=%C3%B1"]
BODIES = ["", "{}", "Action=GetCallerIdentity&Version=2011-06-15"]
HEADERS = [{}, {"X-Amz-Target": "DynamoDB_20120810.GetItem"}, {"X-Amz-Meta-A": " two  spaces ", "Content-Type": "text/plain"}]


def vector(i):
    service, s3 = random.choice([("dynamodb", False), ("lambda", False), ("iam", False), ("execute-api", False), ("s3", True)])
    presigned = random.random() < 0.25
    method = random.choice(["GET", "POST", "PUT"])
    body = "" if method == "GET" or presigned else random.choice(BODIES)
    path, query, extra = random.choice(PATHS), random.choice(QUERIES), random.choice(HEADERS)
    if s3:
        path = path.replace("=", "%3D")
    host = random.choice(["localhost:4566", service + ".eu-west-1.amazonaws.com"])
    key, secret, token = random.choice(CREDENTIALS)
    now = datetime.datetime(random.randint(2015, 2026), random.randint(1, 12), random.randint(1, 28), random.randint(0, 23), random.randint(0, 59), 5)

    url = "https://" + host + path + ("?" + query if query else "")
    request = botocore.awsrequest.AWSRequest(method=method, url=url, data=body.encode() if body else None, headers=dict(extra))
    credentials = botocore.credentials.Credentials(key, secret, token)
    arguments = {"expires": 900} if presigned else {}
    name = ("S3" if s3 else "") + "SigV4" + ("QueryAuth" if presigned else "Auth")
    signer = getattr(botocore.auth, name)(credentials, service, "eu-west-1", **arguments)
    with mock.patch("botocore.auth.get_current_datetime", return_value=now, create=True), mock.patch(
        "botocore.compat.get_current_datetime", return_value=now, create=True
    ):
        signer.add_auth(request)

    parts = urlsplit(request.url)
    header = {}
    for k, v in request.headers.items():
        k = "-".join(w.capitalize() for w in k.split("-"))
        header[k] = [v if isinstance(v, str) else v.decode()]
    header.pop("Host", None)
    stamp = header.get("X-Amz-Date", [None])[0] or parts.query.split("X-Amz-Date=")[1][:16]
    return {
        "name": "%03d %s %s %s" % (i, service, method, path),
        **({"s3": True} if s3 else {}),
        "service": service,
        "region": "eu-west-1",
        "method": method,
        "host": host,
        "path": parts.path,
        "query": parts.query,
        "header": dict(sorted(header.items())),
        "length": len(body),
        "body": body,
        "accessKey": key,
        "secret": secret,
        "token": token or "",
        "now": datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").isoformat() + "Z",
        "presigned": presigned,
    }


lines = [json.dumps(vector(i), ensure_ascii=False, separators=(",", ":")) for i in range(160)]
sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")
