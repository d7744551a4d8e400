// An ES module, with what only those can do: await at the top.
const ready = await Promise.resolve('ready');
export const handler = async (event) => ({ text: ready, url: import.meta.url.endsWith('module.mjs'), event });
