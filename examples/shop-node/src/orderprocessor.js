// The order processor of the shop: it takes orders from a queue and over HTTP,
// processes each once, and tells an event bus when it has. It behaves like
// functions/orderprocessor of examples/shop.
import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SSMClient } from "@aws-sdk/client-ssm";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { createHmac } from "node:crypto";

import { Config } from "./config.js";

// Outside the handler: warm invocations use them again.
const db = new DynamoDBClient();
const bus = new EventBridgeClient();
const config = new Config({ ssm: new SSMClient(), secrets: new SecretsManagerClient() });
const { TABLE_NAME, EVENT_BUS, ORDER_LIMIT, ORDER_KEY } = process.env;

class Problem extends Error {}

export function handler(event) {
  return event.Records ? batch(event.Records) : request(event);
}

// The messages that have failed come again, they alone, and go to the dead-letter
// queue if they fail too often.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
async function batch(messages) {
  const batchItemFailures = [];
  const now = Math.max(...messages.map(({ attributes }) => Number(attributes.ApproximateFirstReceiveTimestamp)));
  for (const { messageId, body } of messages) {
    try {
      await processOrder(read(body), now);
    } catch (err) {
      console.error("message failed", messageId, err);
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}

async function request({ body, isBase64Encoded, requestContext }) {
  try {
    const order = read(isBase64Encoded ? Buffer.from(body, "base64").toString() : body);
    const { id } = await processOrder(order, requestContext.requestTimeEpoch);
    return reply(200, { success: true, orderId: id });
  } catch (err) {
    if (err instanceof Problem) return reply(400, { message: err.message });
    console.error("request failed", err);
    return reply(500, { message: "Internal server error" });
  }
}

// processOrder has the effect of an order once, however often it comes. Its event
// is published until it is known to have been: who listens may hear of an order
// twice, and never not at all.
async function processOrder(order, now) {
  console.info("processing order", order.orderId);
  const limit = await config.parameter(ORDER_LIMIT, now);
  if (order.totalAmount > Number(limit)) throw new Problem(`totalAmount must be at most ${limit}`);
  const done = await store(order);
  if (!done.published) {
    await publish(done, await config.secret(ORDER_KEY, now));
    await markPublished(done.id);
  }
  return done;
}

// store writes an order under its id, which only one can do: who comes later gets
// what the first has written.
async function store({ orderId, customerId, totalAmount }) {
  const order = { id: orderId, customerId, totalAmount, status: "processed", processedAt: new Date().toISOString(), published: false };
  try {
    await db.send(
      new PutItemCommand({
        TableName: TABLE_NAME,
        Item: marshall(order),
        ConditionExpression: "attribute_not_exists(id)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    return order;
  } catch (err) {
    if (err.name !== "ConditionalCheckFailedException") throw err;
    return unmarshall(err.Item);
  }
}

async function markPublished(id) {
  await db.send(
    new UpdateItemCommand({
      TableName: TABLE_NAME,
      Key: marshall({ id }),
      UpdateExpression: "SET published = :true",
      ExpressionAttributeValues: { ":true": { BOOL: true } },
    }),
  );
}

// The signature lets who hears of an order know that it was the shop who said so.
async function publish({ id, status, processedAt }, key) {
  const signature = createHmac("sha256", key).update(id).digest("base64");
  const Detail = JSON.stringify({ orderId: id, status, processedAt, signature });
  const { Entries } = await bus.send(
    new PutEventsCommand({ Entries: [{ EventBusName: EVENT_BUS, Source: "shop.orders", DetailType: "OrderProcessed", Detail }] }),
  );
  // An answer of 200 does not say that the bus has taken it.
  if (Entries[0].ErrorCode) throw new Error(`${Entries[0].ErrorCode}: ${Entries[0].ErrorMessage}`);
}

function read(text) {
  let order;
  try {
    order = JSON.parse(text);
  } catch {
    order = null;
  }
  if (order === null || typeof order !== "object" || Array.isArray(order)) throw new Problem("Invalid event data");
  if (typeof order.orderId !== "string" || !order.orderId.trim()) throw new Problem("orderId is required");
  if (typeof order.customerId !== "string" || !order.customerId.trim()) throw new Problem("customerId is required");
  if (!(Number(order.totalAmount) > 0)) throw new Problem("totalAmount must be more than 0");
  return { orderId: order.orderId.trim(), customerId: order.customerId.trim(), totalAmount: Number(order.totalAmount) };
}

function reply(statusCode, body) {
  return { statusCode, headers: { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*" }, body: JSON.stringify(body) };
}
