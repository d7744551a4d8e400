// The user API of the shop over API Gateway: users in DynamoDB, their e-mail
// addresses unique. It behaves like functions/userapi of examples/shop.
import { randomUUID } from "node:crypto";
import { Table, NotFound, EmailTaken } from "./table.js";

const users = new Table(process.env.TABLE_NAME);

export async function handler(event) {
  console.log(JSON.stringify({ msg: "processing request", method: event.httpMethod, path: event.path }));
  let response;
  try {
    response = await route(event);
  } catch (err) {
    response = failure(err);
  }
  return {
    statusCode: response.status,
    headers: { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*", ...response.headers },
    body: response.body === undefined ? "" : JSON.stringify(response.body),
  };
}

async function route(event) {
  const id = event.path.split("/")[2] ?? "";
  switch (event.httpMethod) {
    case "POST":
      if (id) return notAllowed("GET, PUT, DELETE, OPTIONS");
      return create(event);
    case "GET":
    case "PUT":
    case "DELETE":
      if (!id) return { status: 400, body: { message: "User ID is required" } };
      break;
    default:
      return notAllowed("GET, POST, PUT, DELETE, OPTIONS");
  }
  if (event.httpMethod === "GET") return { status: 200, body: shown(await users.get(id)) };
  if (event.httpMethod === "PUT") {
    const { request, problem } = read(event);
    return problem ?? { status: 200, body: shown(await users.update(id, request)) };
  }
  await users.delete(id);
  return { status: 204 };
}

async function create(event) {
  const { request, problem } = read(event);
  if (problem) return problem;
  const user = await users.create(randomUUID().replaceAll("-", ""), request);
  return { status: 201, headers: { Location: `/users/${user.id}` }, body: shown(user) };
}

const shown = ({ userId, ...user }) => user;

function read(event) {
  let body;
  try {
    body = JSON.parse(event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body);
  } catch {
    body = null;
  }
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    return { problem: { status: 400, body: { message: "Invalid request body" } } };
  }
  const request = { name: String(body.name ?? "").trim(), email: String(body.email ?? "").trim().toLowerCase(), status: body.status ?? "" };
  const errors = validate(request);
  if (errors.length > 0) return { problem: { status: 400, body: { message: "Validation failed", errors } } };
  return { request };
}

function validate({ name, email, status }) {
  const errors = [];
  if (!name) errors.push({ field: "name", message: "is required" });
  else if ([...name].length > 100) errors.push({ field: "name", message: "must have at most 100 characters" });
  if (!email) errors.push({ field: "email", message: "is required" });
  else if (!/^[^\s@<>,]+@[^\s@<>,]+$/.test(email)) errors.push({ field: "email", message: "is not an e-mail address" });
  if (!["", "active", "inactive"].includes(status)) errors.push({ field: "status", message: "must be active or inactive" });
  return errors;
}

function notAllowed(allow) {
  return { status: 405, headers: { Allow: allow }, body: { message: "Method not allowed" } };
}

function failure(err) {
  if (err instanceof NotFound) return { status: 404, body: { message: "User not found" } };
  if (err instanceof EmailTaken) {
    return { status: 409, body: { message: "Validation failed", errors: [{ field: "email", message: "is already in use" }] } };
  }
  console.error(err);
  return { status: 500, body: { message: "Internal server error" } };
}
