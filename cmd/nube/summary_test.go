package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/control"
)

// What a deployment prints is a golden file: functions with all that calls them, short
// names and the longest that AWS allows, and what stands beside them.
func TestShowDeployed(t *testing.T) {
	long := strings.Repeat("long-", 13)[:64]
	d := &control.Deployment{
		Stack: "shop-dev", Region: "us-east-1", Changed: true,
		Functions: []control.Function{
			{Name: "shop-dev-orders", Runtime: "provided.al2023", Routes: []string{"POST http://127.0.0.1:3000/orders", "URL http://127.0.0.1:4566/_nube/url/x/"}, Callers: []control.Resource{
				{Kind: "log group", Name: "/aws/lambda/shop-dev-users", Detail: "ERROR"},
				{Kind: "queue", Name: "orders-dev", ID: "arn:aws:sqs:us-east-1:000000000000:orders-dev", Detail: "up to 10 at a time"},
				{Kind: "rule", Name: long, Detail: "on bus shop-dev: source shop.orders, " + strings.Repeat("detail-type ", 8)},
				{Kind: "schedule", Name: "nightly", Detail: "cron(0 3 * * ? *) Europe/Madrid"},
			}},
			{Name: long, Runtime: "nodejs20.x", Routes: []string{"ANY http://127.0.0.1:3000/users/{proxy+}"}},
			{Name: "shop-dev-errand", Runtime: "python3.13"},
		},
		Beside: []control.Resource{
			{Kind: "queue", Name: "dead-dev"},
			{Kind: "queue", Name: "orders-dev", Detail: "a message received 3 times goes to dead-dev"},
			{Kind: "table", Name: long, Detail: "key id; with a stream"},
		},
	}
	var out bytes.Buffer
	a := &app{terminal: terminal{out: &out}, output: "text"}
	a.deployed(d)
	d.Changed, d.Functions, d.Beside = false, nil, nil
	a.deployed(d)
	golden(t, "deployed.golden", out.Bytes())
}
