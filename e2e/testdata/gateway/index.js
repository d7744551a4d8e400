// The functions of an API whose gateway does most of the work.

// judge lets in whoever is called ana, and says what the policy is about.
exports.judge = async (event) => {
  const name = event.authorizationToken.replace("Bearer ", "");
  if (name === "nobody") throw new Error("Unauthorized");
  if (name === "trouble") throw new Error("out of order");
  return {
    principalId: name,
    policyDocument: {
      Version: "2012-10-17",
      Statement: [{ Action: "execute-api:Invoke", Effect: name === "ana" ? "Allow" : "Deny", Resource: event.methodArn.replace(/\/dev\/.*/, "/dev/*") }],
    },
    context: { plan: "gold", asked: Date.now() },
  };
};

// whoami answers what the authorizer said: to a proxied request as a response,
// to another as the value.
exports.whoami = async (event) => {
  if (!event.requestContext) return { who: event.principalId, plan: event.enhancedAuthContext.plan };
  const { principalId, plan, asked } = event.requestContext.authorizer;
  return { statusCode: 200, body: JSON.stringify({ who: principalId, plan, asked }) };
};

exports.echo = async (event) => ({
  statusCode: 201,
  body: JSON.stringify({ got: JSON.parse(event.body), key: event.requestContext.identity.apiKey, long: "x".repeat(600) }),
});

exports.later = async (event) => console.log("done later:", JSON.stringify(event.body));
