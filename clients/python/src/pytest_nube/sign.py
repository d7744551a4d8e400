"""Signature Version 4, as much of it as the platform's API and Lambda need.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

import datetime
import hashlib
import hmac
import urllib.parse


def headers(method, url, body, service, region, key, secret):
    """Returns the headers that sign a request with an absolute URL."""
    at = urllib.parse.urlsplit(url)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    signed = {"host": at.netloc, "x-amz-content-sha256": digest, "x-amz-date": now}
    names = ";".join(sorted(signed))
    query = "&".join(
        "%s=%s" % (_quote(k), _quote(v)) for k, v in sorted(urllib.parse.parse_qsl(at.query, keep_blank_values=True))
    )
    # The path is escaped once more, as for every service but S3.
    request = "\n".join(
        [method, urllib.parse.quote(at.path or "/", safe="/-_.~"), query]
        + ["%s:%s" % (k, signed[k]) for k in sorted(signed)]
        + ["", names, digest]
    )
    scope = "/".join([now[:8], region, service, "aws4_request"])
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(request.encode()).hexdigest()])
    k = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        k = hmac.new(k, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(k, text.encode(), hashlib.sha256).hexdigest()
    del signed["host"]
    signed["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        key,
        scope,
        names,
        signature,
    )
    return signed


def _quote(s):
    return urllib.parse.quote(s, safe="-_.~")
