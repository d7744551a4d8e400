// Users in a DynamoDB table. Beside each user stands an item whose key is the
// e-mail address; both are written in one transaction.
import { DynamoDBClient, GetItemCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";

export class NotFound extends Error {}
export class EmailTaken extends Error {}

const maxAttempts = 10;
const key = (id) => marshall({ id });
const emailKey = (email) => key(`email#${email}`);

export class Table {
  constructor(name) {
    this.name = name;
    this.db = new DynamoDBClient({});
  }

  async get(id) {
    const { Item } = await this.db.send(new GetItemCommand({ TableName: this.name, Key: key(id), ConsistentRead: true }));
    const user = Item && unmarshall(Item);
    if (!user?.userId) throw new NotFound(); // nothing, or an address
    return user;
  }

  async create(id, { name, email, status }) {
    const now = new Date().toISOString();
    const user = { id, userId: id, name, email, status: status || "active", createdAt: now, updatedAt: now };
    const reasons = await this.transact([
      { Put: this.address(email, id) },
      { Put: { TableName: this.name, Item: marshall(user), ConditionExpression: "attribute_not_exists(id)" } },
    ]);
    if (reasons) throw new EmailTaken();
    return user;
  }

  async update(id, { name, email, status }) {
    return this.change(id, (old) => {
      const user = { ...old, name, email, status: status || old.status, updatedAt: new Date().toISOString() };
      const actions = [{ Put: { TableName: this.name, Item: marshall(user), ...unchanged(old) } }];
      if (email !== old.email) {
        actions.push({ Put: this.address(email, id) }, { Delete: { TableName: this.name, Key: emailKey(old.email) } });
      }
      return [user, actions];
    });
  }

  async delete(id) {
    await this.change(id, (old) => [old, [
      { Delete: { TableName: this.name, Key: key(id), ...unchanged(old) } },
      { Delete: { TableName: this.name, Key: emailKey(old.email) } },
    ]]);
  }

  // change reads a user and writes what plan makes of it, in one transaction
  // whose first action fails when somebody else was faster; then it starts again.
  async change(id, plan) {
    for (let attempt = 1; ; attempt++) {
      const [user, actions] = plan(await this.get(id));
      const reasons = await this.transact(actions);
      if (!reasons) return user;
      if (reasons[1] === "ConditionalCheckFailed") throw new EmailTaken();
      if (attempt === maxAttempts) throw new Error(`user ${id} changes too often`);
    }
  }

  // transact returns why each action failed, or nothing when all are done.
  async transact(TransactItems) {
    try {
      await this.db.send(new TransactWriteItemsCommand({ TransactItems }));
    } catch (err) {
      if (err.name !== "TransactionCanceledException") throw err;
      return err.CancellationReasons.map((r) => r.Code);
    }
  }

  address(email, owner) {
    return { TableName: this.name, Item: marshall({ id: `email#${email}`, owner }), ConditionExpression: "attribute_not_exists(id)" };
  }
}

// unchanged holds as long as nobody has changed the user since it was read.
function unchanged({ email, updatedAt }) {
  return {
    ConditionExpression: "email = :email AND updatedAt = :updatedAt",
    ExpressionAttributeValues: marshall({ ":email": email, ":updatedAt": updatedAt }),
  };
}
