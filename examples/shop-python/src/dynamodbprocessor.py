"""The stream processor of the shop: it follows the stream of the table of
users. It behaves like functions/dynamodbprocessor of examples/shop."""

import json
import logging
import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "vendor"))

import boto3  # noqa: E402

log = logging.getLogger()
log.setLevel(logging.INFO)

# Outside the handler: warm invocations use them again.
analytics = boto3.resource("dynamodb").Table(os.environ["ANALYTICS_TABLE"])
ses = boto3.client("sesv2")
sns = boto3.client("sns")


def handler(event, context):
    """Process a batch in order. At the first record that fails, stop and say
    which one: Lambda takes that one and what is behind it up again, and nothing
    of what is done is done again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    for record in event["Records"]:
        log.info("processing record %s %s", record["eventName"], record["eventID"])
        try:
            process(record)
        except Exception:
            log.exception("record failed")
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def process(record):
    before, after = image(record, "OldImage"), image(record, "NewImage")
    match record["eventName"]:
        case "INSERT":
            if "userId" not in after:
                return  # the item that keeps an address unique
            send_welcome_email(after["email"], after["name"])
            publish("UserCreated", f"New user {after['userId']}", {"userId": after["userId"], "email": after["email"]})
            track(record["eventID"], "UserRegistered", after["userId"])
        case "MODIFY":
            old, new = before.get("status"), after.get("status")
            if old and new and old != new:
                change = {"userId": after["userId"], "oldStatus": old, "newStatus": new}
                publish("UserStatusChanged", f"User {after['userId']} is {new}", change)
        case "REMOVE":
            if "userId" in before:
                track(record["eventID"], "UserDeleted", before["userId"])


def image(record, name):
    """The strings of an item as a record shows it."""
    return {key: value["S"] for key, value in record["dynamodb"].get(name, {}).items() if "S" in value}


def send_welcome_email(email, name):
    ses.send_email(
        FromEmailAddress=os.environ["SENDER"],
        Destination={"ToAddresses": [email]},
        Content={"Template": {"TemplateName": os.environ["WELCOME_TEMPLATE"], "TemplateData": json.dumps({"name": name})}},
    )


def publish(kind, subject, event):
    """Publishes an event, with its kind as an attribute by which subscribers choose."""
    sns.publish(
        TopicArn=os.environ["NOTIFICATION_TOPIC"],
        Subject=subject,
        Message=json.dumps(event),
        MessageAttributes={"type": {"DataType": "String", "StringValue": kind}},
    )


def track(id, kind, user_id):
    """The id of what happened is the key, so that a record that comes twice
    counts once."""
    analytics.put_item(Item={"id": id, "type": kind, "userId": user_id})
