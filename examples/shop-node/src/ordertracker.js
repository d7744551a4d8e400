// The order tracker of the shop: it listens on the event bus, and each order that
// was processed gets a record for analytics. It behaves like functions/ordertracker
// of examples/shop.
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";

const db = new DynamoDBClient();

// The order's id is the key, so that an event that comes twice counts once.
export async function handler({ detail, "detail-type": type }) {
  console.info("tracking order", detail.orderId);
  const record = { id: `order#${detail.orderId}`, type, orderId: detail.orderId };
  await db.send(new PutItemCommand({ TableName: process.env.ANALYTICS_TABLE, Item: marshall(record) }));
}
