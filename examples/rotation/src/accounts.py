"""Accounts with passwords, in a table, which keeps what passwords hash to."""

import hashlib
import hmac
import os

ROUNDS = 100_000


class Locked(Exception):
    """The account's password cannot be changed."""


class Accounts:
    def __init__(self, table):
        self.table = table

    def set_password(self, name, password):
        item = self.table.get_item(Key={"name": name}, ConsistentRead=True).get("Item", {})
        if item.get("locked"):
            raise Locked(name)
        salt = os.urandom(16)
        self.table.update_item(
            Key={"name": name},
            UpdateExpression="SET salt = :salt, password = :password",
            ExpressionAttributeValues={":salt": salt.hex(), ":password": hashed(password, salt)},
        )

    def check(self, name, password):
        item = self.table.get_item(Key={"name": name}, ConsistentRead=True).get("Item", {})
        if "password" not in item:
            return False
        return hmac.compare_digest(item["password"], hashed(password, bytes.fromhex(item["salt"])))


def hashed(password, salt):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS).hex()
