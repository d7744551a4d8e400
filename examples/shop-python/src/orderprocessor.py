"""The order processor of the shop: it takes orders from a queue and over HTTP,
processes each once, and tells an event bus when it has. It behaves like
functions/orderprocessor of examples/shop."""

import base64
import hashlib
import hmac
import json
import logging
import os
import sys
from datetime import UTC, datetime
from decimal import Decimal

sys.path.append(os.path.join(os.path.dirname(__file__), "vendor"))

import boto3  # noqa: E402
from boto3.dynamodb.types import TypeDeserializer  # noqa: E402

from src.config import Config  # noqa: E402

log = logging.getLogger()
log.setLevel(logging.INFO)

# Outside the handler: warm invocations use them again.
orders = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
bus = boto3.client("events")
config = Config(boto3.client("ssm"), boto3.client("secretsmanager"))


class Problem(Exception):
    """What is wrong with an order, said to who sent it."""


def handler(event, context):
    return batch(event["Records"]) if "Records" in event else request(event)


def batch(messages):
    """Processes messages, and says which have failed: those alone come again,
    and go to the dead-letter queue if they fail too often.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    failures = []
    now = max(int(m["attributes"]["ApproximateFirstReceiveTimestamp"]) for m in messages) / 1000
    for message in messages:
        try:
            process(read(message["body"]), now)
        except Exception:
            log.exception("message failed: %s", message["messageId"])
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}


def request(event):
    try:
        body = event["body"] or ""
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body)
        now = event["requestContext"]["requestTimeEpoch"] / 1000
        return reply(200, {"success": True, "orderId": process(read(body), now)["id"]})
    except Problem as problem:
        return reply(400, {"message": str(problem)})
    except Exception:
        log.exception("request failed")
        return reply(500, {"message": "Internal server error"})


def process(order, now):
    """Has the effect of an order once, however often it comes. Its event is
    published until it is known to have been: who listens may hear of an order
    twice, and never not at all."""
    log.info("processing order %s", order["id"])
    limit = config.parameter(os.environ["ORDER_LIMIT"], now)
    if order["totalAmount"] > Decimal(limit):
        raise Problem(f"totalAmount must be at most {limit}")
    done = store(order)
    if not done["published"]:
        publish(done, config.secret(os.environ["ORDER_KEY"], now))
        orders.update_item(
            Key={"id": done["id"]}, UpdateExpression="SET published = :true", ExpressionAttributeValues={":true": True}
        )
    return done


def store(order):
    """Writes an order under its id, which only one can do: who comes later gets
    what the first has written."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    done = {**order, "status": "processed", "processedAt": now, "published": False}
    try:
        orders.put_item(
            Item=done,
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return done
    except orders.meta.client.exceptions.ConditionalCheckFailedException as had:
        return {name: TypeDeserializer().deserialize(value) for name, value in had.response["Item"].items()}


def publish(done, key):
    """The signature lets who hears of an order know that it was the shop who said so."""
    signature = base64.b64encode(hmac.digest(key.encode(), done["id"].encode(), hashlib.sha256)).decode()
    detail = {"orderId": done["id"], "status": done["status"], "processedAt": done["processedAt"], "signature": signature}
    entry = {
        "EventBusName": os.environ["EVENT_BUS"],
        "Source": "shop.orders",
        "DetailType": "OrderProcessed",
        "Detail": json.dumps(detail),
    }
    answer = bus.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:  # an answer of 200 does not say that the bus has taken it
        raise RuntimeError(f"the bus has not taken it: {answer['Entries'][0]}")


def read(text):
    """Decodes and validates an order."""
    try:
        order = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError:
        order = None
    if not isinstance(order, dict):
        raise Problem("Invalid event data")
    for field in ("orderId", "customerId"):
        if not isinstance(order.get(field), str) or not order[field].strip():
            raise Problem(f"{field} is required")
    total = order.get("totalAmount")
    if not isinstance(total, Decimal) or total <= 0:
        raise Problem("totalAmount must be more than 0")
    return {"id": order["orderId"].strip(), "customerId": order["customerId"].strip(), "totalAmount": total}


def reply(status, body):
    headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
