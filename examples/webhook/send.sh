#!/bin/sh
# send.sh posts a webhook as the payment provider would: signed with the secret that
# is in Secrets Manager.
#
#   ./send.sh [BODY [ID]]
#
# It needs curl, openssl and the AWS CLI, and AWS_ENDPOINT_URL and the rest as
# README.md sets them.
set -eu

body=${1:-'{"type":"payment.succeeded","data":{"orderId":"1","amount":12.50}}'}
id=${2:-msg_$(openssl rand -hex 12)}
timestamp=${TIMESTAMP:-$(date +%s)}
key=$(aws secretsmanager get-secret-value --secret-id webhook-dev --query SecretString --output text | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$(printf '%s.%s.%s' "$id" "$timestamp" "$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)

curl -sS -i "${GATEWAY:-http://127.0.0.1:3000}/webhooks/payments" -H 'Content-Type: application/json' -d "$body" \
	-H "webhook-id: $id" -H "webhook-timestamp: $timestamp" -H "webhook-signature: v1,$signature"
echo
