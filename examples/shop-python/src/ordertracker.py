"""The order tracker of the shop: it listens on the event bus, and each order that
was processed gets a record for analytics. It behaves like functions/ordertracker
of examples/shop."""

import logging
import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "vendor"))

import boto3  # noqa: E402

log = logging.getLogger()
log.setLevel(logging.INFO)
analytics = boto3.resource("dynamodb").Table(os.environ["ANALYTICS_TABLE"])


def handler(event, context):
    """The order's id is the key, so that an event that comes twice counts once."""
    order = event["detail"]["orderId"]
    log.info("tracking order %s", order)
    analytics.put_item(Item={"id": f"order#{order}", "type": event["detail-type"], "orderId": order})
