// Uses a running shop through AWS's SDK for JavaScript, as its documentation
// does, and fails loudly where an answer is not what AWS's would be.
//
// GATEWAY is the application; AWS_ENDPOINT_URL and the usual variables are the
// cloud; NUBE is the program, which is asked to settle instead of sleeping.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, FilterLogEventsCommand, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';

const settle = () => execFileSync(process.env.NUBE, ['settle', '--timeout', '60s']);
const functionName = process.env.FUNCTION;
const logGroupName = `/aws/lambda/${functionName}`;

async function createUser() {
  const made = await fetch(`${process.env.GATEWAY}/users`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'Java Script', email: 'js@example.com' }),
  });
  assert.equal(made.status, 201);
  return made.json();
}

async function readTable(user) {
  const table = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const { Item } = await table.send(new GetCommand({ TableName: 'users-dev', Key: { id: user.id }, ConsistentRead: true }));
  assert.equal(Item.name, 'Java Script');
  const { Items, Count } = await table.send(new QueryCommand({
    TableName: 'users-dev', KeyConditionExpression: 'id = :id', ExpressionAttributeValues: { ':id': user.id },
  }));
  assert.equal(Count, 1);
  assert.deepEqual(Items[0], Item);
  await assert.rejects(
    table.send(new GetCommand({ TableName: 'nothing', Key: { id: '1' } })),
    { name: 'ResourceNotFoundException', message: 'Requested resource not found' },
  );
}

async function invoke(user) {
  const lambda = new LambdaClient({});
  const Payload = JSON.stringify({ httpMethod: 'GET', path: `/users/${user.id}` });
  const answered = await lambda.send(new InvokeCommand({ FunctionName: functionName, Payload, LogType: 'Tail' }));
  assert.equal(answered.StatusCode, 200);
  assert.equal(answered.FunctionError, undefined);
  assert.equal(answered.ExecutedVersion, '$LATEST');
  assert.equal(JSON.parse(JSON.parse(answered.Payload.transformToString()).body).name, 'Java Script');
  assert.match(Buffer.from(answered.LogResult, 'base64').toString(), /REPORT RequestId: /);

  const accepted = await lambda.send(new InvokeCommand({ FunctionName: functionName, Payload, InvocationType: 'Event' }));
  assert.equal(accepted.StatusCode, 202);
  const dry = await lambda.send(new InvokeCommand({ FunctionName: functionName, Payload, InvocationType: 'DryRun' }));
  assert.equal(dry.StatusCode, 204);
  await assert.rejects(
    lambda.send(new InvokeCommand({ FunctionName: 'nobody' })),
    { name: 'ResourceNotFoundException', message: /^Function not found: arn:aws:lambda:us-east-1:\d{12}:function:nobody$/ },
  );
  return [answered, accepted].map((r) => r.$metadata.requestId);
}

async function readLogs(requests) {
  const client = new CloudWatchLogsClient({});
  for (const id of requests) {
    const { events } = await client.send(new FilterLogEventsCommand({ logGroupName, filterPattern: `"START RequestId: ${id}"` }));
    assert.equal(events.length, 1, `the log has ${events.length} starts of ${id}`);
  }
  let messages = 0;
  for await (const page of paginateFilterLogEvents({ client, pageSize: 3 }, { logGroupName })) messages += page.events.length;
  assert.ok(messages >= 6, `${messages} messages`);
}

async function describe() {
  const { Stacks } = await new CloudFormationClient({}).send(new DescribeStacksCommand({ StackName: process.env.STACK }));
  assert.equal(Stacks[0].StackStatus, 'CREATE_COMPLETE');
  assert.ok(Stacks[0].CreationTime instanceof Date);
  const me = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  assert.equal(me.Arn, `arn:aws:iam::${me.Account}:root`);
}

const user = await createUser();
await readTable(user);
const requests = await invoke(user);
settle();
await readLogs(requests);
await describe();
