// Signature Version 4, as much of it as the platform's API and Lambda need.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
'use strict';

const {createHash, createHmac} = require('node:crypto');

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();
const quote = (s) => encodeURIComponent(s).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());

/** headers returns the headers that sign a request with an absolute URL. */
function headers(method, url, body, {service, region, key, secret}) {
  const at = new URL(url);
  const now = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const digest = sha256(body);
  const signed = {host: at.host, 'x-amz-content-sha256': digest, 'x-amz-date': now};
  const names = Object.keys(signed).sort();
  const query = [...at.searchParams].map(([k, v]) => `${quote(k)}=${quote(v)}`).sort().join('&');
  // The path is escaped once more, as for every service but S3.
  const path = at.pathname.split('/').map(quote).join('/');
  const request = [method, path, query, ...names.map((n) => `${n}:${signed[n]}`), '', names.join(';'), digest].join('\n');
  const scope = [now.slice(0, 8), region, service, 'aws4_request'];
  const text = ['AWS4-HMAC-SHA256', now, scope.join('/'), sha256(request)].join('\n');
  const signature = hmac(scope.reduce(hmac, 'AWS4' + secret), text).toString('hex');
  delete signed.host;
  signed.authorization = `AWS4-HMAC-SHA256 Credential=${key}/${scope.join('/')}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return signed;
}

module.exports = {headers};
