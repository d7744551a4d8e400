// The order processor of the shop: it takes orders from a queue and over HTTP,
// processes each once, and tells an event bus when it has. It behaves like
// functions/orderprocessor of examples/shop.
import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";

// Outside the handler: warm invocations use them again.
const db = new DynamoDBClient();
const bus = new EventBridgeClient();
const { TABLE_NAME, EVENT_BUS } = process.env;

class Problem extends Error {}

export function handler(event) {
  return event.Records ? batch(event.Records) : request(event);
}

// The messages that have failed come again, they alone, and go to the dead-letter
// queue if they fail too often.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
async function batch(messages) {
  const batchItemFailures = [];
  for (const { messageId, body } of messages) {
    try {
      await processOrder(read(body));
    } catch (err) {
      console.error("message failed", messageId, err);
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}

async function request({ body, isBase64Encoded }) {
  try {
    const { id } = await processOrder(read(isBase64Encoded ? Buffer.from(body, "base64").toString() : body));
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
async function processOrder(order) {
  console.info("processing order", order.orderId);
  const done = await store(order);
  if (!done.published) {
    await publish(done);
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

async function publish({ id, status, processedAt }) {
  const Detail = JSON.stringify({ orderId: id, status, processedAt });
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
