// What functions got, said back.
exports.echo = async (event) => ({
  statusCode: event.rawPath === '/items' ? 201 : 200,
  headers: { 'content-type': 'application/json', 'x-total': '1' },
  cookies: ['a=1; Path=/', 'b=2'],
  body: JSON.stringify({
    route: event.routeKey,
    path: event.rawPath,
    params: event.pathParameters,
    query: event.queryStringParameters,
    cookies: event.cookies,
    body: event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body,
    authorizer: event.requestContext.authorizer,
  }),
})

exports.old = async (event) => ({
  statusCode: 200,
  body: JSON.stringify({ version: event.version, resource: event.resource, path: event.path, params: event.pathParameters }),
})

exports.rest = async (event) => ({ statusCode: 200, body: JSON.stringify({ rest: event.path, stage: event.requestContext.stage }) })

exports.bare = async (event) => ({ path: event.rawPath, account: event.requestContext.accountId })

exports.judge = async (event) => ({
  isAuthorized: event.identitySource[0] !== 'eve',
  context: { name: event.identitySource[0], at: Math.random() },
})
