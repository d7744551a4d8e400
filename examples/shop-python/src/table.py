"""Users in a DynamoDB table. Beside each user stands an item whose key is the
e-mail address; both are written in one transaction."""

from datetime import datetime, timezone

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

MAX_ATTEMPTS = 10


class NotFound(Exception):
    pass


class EmailTaken(Exception):
    pass


def marshal(values):
    return {k: TypeSerializer().serialize(v) for k, v in values.items()}


def unmarshal(item):
    return {k: TypeDeserializer().deserialize(v) for k, v in item.items()}


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Table:
    def __init__(self, name):
        self.name = name
        self.db = boto3.client("dynamodb")

    def get(self, user_id):
        answer = self.db.get_item(TableName=self.name, Key=marshal({"id": user_id}), ConsistentRead=True)
        user = unmarshal(answer.get("Item", {}))
        if "userId" not in user:  # nothing, or an address
            raise NotFound
        return user

    def create(self, user_id, request):
        at = now()
        user = {"id": user_id, "userId": user_id, **request, "status": request["status"] or "active", "createdAt": at, "updatedAt": at}
        put = {"TableName": self.name, "Item": marshal(user), "ConditionExpression": "attribute_not_exists(id)"}
        if self.transact([{"Put": self.address(user["email"], user_id)}, {"Put": put}]):
            raise EmailTaken
        return user

    def update(self, user_id, request):
        def plan(old):
            user = {**old, **request, "status": request["status"] or old["status"], "updatedAt": now()}
            actions = [{"Put": {"TableName": self.name, "Item": marshal(user), **unchanged(old)}}]
            if user["email"] != old["email"]:
                actions.append({"Put": self.address(user["email"], user_id)})
                actions.append({"Delete": {"TableName": self.name, "Key": email_key(old["email"])}})
            return user, actions

        return self.change(user_id, plan)

    def delete(self, user_id):
        def plan(old):
            return old, [
                {"Delete": {"TableName": self.name, "Key": marshal({"id": user_id}), **unchanged(old)}},
                {"Delete": {"TableName": self.name, "Key": email_key(old["email"])}},
            ]

        self.change(user_id, plan)

    def change(self, user_id, plan):
        """Reads a user and writes what plan makes of it, in one transaction whose first
        action fails when somebody else was faster; then it starts again."""
        for _ in range(MAX_ATTEMPTS):
            user, actions = plan(self.get(user_id))
            reasons = self.transact(actions)
            if not reasons:
                return user
            if len(reasons) > 1 and reasons[1] == "ConditionalCheckFailed":
                raise EmailTaken
        raise RuntimeError("user %s changes too often" % user_id)

    def transact(self, actions):
        """Returns why each action failed, or nothing when all are done."""
        try:
            self.db.transact_write_items(TransactItems=actions)
        except self.db.exceptions.TransactionCanceledException as err:
            return [r["Code"] for r in err.response["CancellationReasons"]]
        return None

    def address(self, email, owner):
        item = marshal({"id": "email#" + email, "owner": owner})
        return {"TableName": self.name, "Item": item, "ConditionExpression": "attribute_not_exists(id)"}


def email_key(email):
    return marshal({"id": "email#" + email})


def unchanged(old):
    """Holds as long as nobody has changed the user since it was read."""
    return {
        "ConditionExpression": "email = :email AND updatedAt = :updatedAt",
        "ExpressionAttributeValues": marshal({":email": old["email"], ":updatedAt": old["updatedAt"]}),
    }
