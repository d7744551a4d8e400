// The same as functions/answer, in JavaScript.
export const handler = async () => ({ statusCode: 200, body: '{"ok":true}' });
