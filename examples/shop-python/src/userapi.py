"""The user API of the shop over API Gateway: users in DynamoDB, their e-mail
addresses unique. It behaves like functions/userapi of examples/shop."""

import base64
import json
import logging
import os
import re
import sys
import uuid

sys.path.append(os.path.join(os.path.dirname(__file__), "vendor"))

from src.table import EmailTaken, NotFound, Table  # noqa: E402

log = logging.getLogger()
log.setLevel(logging.INFO)
users = Table(os.environ["TABLE_NAME"])


def handler(event, context):
    log.info("processing request %s %s", event["httpMethod"], event["path"])
    try:
        status, body, headers = route(event)
    except NotFound:
        status, body, headers = 404, {"message": "User not found"}, {}
    except EmailTaken:
        errors = [{"field": "email", "message": "is already in use"}]
        status, body, headers = 409, {"message": "Validation failed", "errors": errors}, {}
    except Exception:
        log.exception("request failed")
        status, body, headers = 500, {"message": "Internal server error"}, {}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*", **headers},
        "body": "" if body is None else json.dumps(body),
    }


def route(event):
    method, segments = event["httpMethod"], event["path"].split("/")
    user_id = segments[2] if len(segments) > 2 else ""
    if method == "POST":
        if user_id:
            return not_allowed("GET, PUT, DELETE, OPTIONS")
        request, problem = read(event)
        if problem:
            return problem
        user = users.create(uuid.uuid4().hex, request)
        return 201, shown(user), {"Location": "/users/" + user["id"]}
    if method not in ("GET", "PUT", "DELETE"):
        return not_allowed("GET, POST, PUT, DELETE, OPTIONS")
    if not user_id:
        return 400, {"message": "User ID is required"}, {}
    if method == "GET":
        return 200, shown(users.get(user_id)), {}
    if method == "PUT":
        request, problem = read(event)
        return problem or (200, shown(users.update(user_id, request)), {})
    users.delete(user_id)
    return 204, None, {}


def shown(user):
    return {k: v for k, v in user.items() if k != "userId"}


def read(event):
    """Decodes and validates a body: the request, or the answer to one that is no good."""
    try:
        text = event["body"] or ""
        if event.get("isBase64Encoded"):
            text = base64.b64decode(text)
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return None, (400, {"message": "Invalid request body"}, {})
    request = {
        "name": str(body.get("name") or "").strip(),
        "email": str(body.get("email") or "").strip().lower(),
        "status": body.get("status") or "",
    }
    errors = validate(request)
    if errors:
        return None, (400, {"message": "Validation failed", "errors": errors}, {})
    return request, None


def validate(request):
    errors = []
    if not request["name"]:
        errors.append({"field": "name", "message": "is required"})
    elif len(request["name"]) > 100:
        errors.append({"field": "name", "message": "must have at most 100 characters"})
    if not request["email"]:
        errors.append({"field": "email", "message": "is required"})
    elif not re.fullmatch(r"[^\s@<>,]+@[^\s@<>,]+", request["email"]):
        errors.append({"field": "email", "message": "is not an e-mail address"})
    if request["status"] not in ("", "active", "inactive"):
        errors.append({"field": "status", "message": "must be active or inactive"})
    return errors


def not_allowed(allow):
    return 405, {"message": "Method not allowed"}, {"Allow": allow}
