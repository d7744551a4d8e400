// The stream processor of the shop: it follows the stream of the table of users.
// It behaves like functions/dynamodbprocessor of examples/shop.

import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { unmarshall } from "@aws-sdk/util-dynamodb";

// Outside the handler: warm invocations use them again.
const db = new DynamoDBClient();
const ses = new SESv2Client();
const sns = new SNSClient();
const { NOTIFICATION_TOPIC, ANALYTICS_TABLE, WELCOME_TEMPLATE, SENDER } = process.env;

// A batch is processed in order. At the first record that fails the handler
// stops and says which one: Lambda takes that one and what is behind it up
// again, and nothing of what is done is done again.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
export async function handler(event) {
  for (const record of event.Records) {
    console.info("processing record", record.eventName, record.eventID);
    try {
      await processRecord(record);
    } catch (err) {
      console.error("record failed", record.eventID, err);
      return { batchItemFailures: [{ itemIdentifier: record.dynamodb.SequenceNumber }] };
    }
  }
  return { batchItemFailures: [] };
}

async function processRecord({ eventID, eventName, dynamodb }) {
  const before = unmarshall(dynamodb.OldImage ?? {});
  const after = unmarshall(dynamodb.NewImage ?? {});
  switch (eventName) {
    case "INSERT":
      if (!after.userId) return; // the item that keeps an address unique
      await sendWelcomeEmail(after.email, after.name);
      await publish("UserCreated", `New user ${after.userId}`, { userId: after.userId, email: after.email });
      return track(eventID, "UserRegistered", after.userId);
    case "MODIFY":
      if (!before.status || !after.status || before.status === after.status) return;
      return publish("UserStatusChanged", `User ${after.userId} is ${after.status}`, {
        userId: after.userId,
        oldStatus: before.status,
        newStatus: after.status,
      });
    case "REMOVE":
      if (before.userId) return track(eventID, "UserDeleted", before.userId);
  }
}

async function sendWelcomeEmail(email, name) {
  await ses.send(
    new SendEmailCommand({
      FromEmailAddress: SENDER,
      Destination: { ToAddresses: [email] },
      Content: { Template: { TemplateName: WELCOME_TEMPLATE, TemplateData: JSON.stringify({ name }) } },
    }),
  );
}

// An event has its kind as an attribute, by which subscribers choose.
async function publish(type, subject, event) {
  await sns.send(
    new PublishCommand({
      TopicArn: NOTIFICATION_TOPIC,
      Subject: subject,
      Message: JSON.stringify(event),
      MessageAttributes: { type: { DataType: "String", StringValue: type } },
    }),
  );
}

// The id of what happened is the key, so that a record that comes twice counts
// once.
async function track(id, type, userId) {
  await db.send(new PutItemCommand({ TableName: ANALYTICS_TABLE, Item: { id: { S: id }, type: { S: type }, userId: { S: userId } } }));
}
