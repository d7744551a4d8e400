package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// dynamoTargets are the servers that are measured side by side.
func dynamoTargets() []server {
	return []server{
		nubeServer("nube, durable (fsync before the answer)", false),
		nubeServer("nube, in memory", true),
		dynamoLocal("DynamoDB Local 2.6.1, on disk (SQLite, fsync before the answer)", false),
		dynamoLocal("DynamoDB Local 2.6.1, in memory", true),
		dynalite(),
		moto(),
	}
}

const (
	tableItems  = 1000
	partitions  = 10 // a query reads one
	pageItems   = 10
	itemPadding = 800 // bytes, so that an item has about 1 KB
	writesEach  = 200 // items that one connection changes
)

// call is a request to DynamoDB as bytes: signed once, sent many times.
func call(ctx context.Context, host, op, body string) ([]byte, error) {
	return signed(ctx, host, "dynamodb", "DynamoDB_20120810."+op, json.RawMessage(body))
}

// item is the i-th item as a writer wrote it.
func item(i int, writer string) string {
	return fmt.Sprintf(`{"pk":{"S":"p%d"},"sk":{"S":"item-%05d"},"name":{"S":"user number %d"},"count":{"N":"%d"},"active":{"BOOL":true},"tags":{"SS":["a","b"]},"by":{"S":"%s"},"text":{"S":"%s"}}`,
		i%partitions, i, i, i, writer, strings.Repeat("x", itemPadding))
}

// changes are the puts of one connection. Each changes what it finds: nube
// writes and syncs nothing for an item that is there already, so that putting
// the same again would measure a read. A connection comes back to an item after
// writesEach others, with the other of two versions, and no two connections
// write the same.
func changes(ctx context.Context, host string, conn int) ([][]byte, error) {
	var out [][]byte
	for version := range 2 {
		for j := range writesEach {
			i := (conn*37 + j*5) % tableItems
			raw, err := call(ctx, host, "PutItem", `{"TableName":"bench","Item":`+item(i, fmt.Sprintf("%d.%d", conn, version))+`}`)
			if err != nil {
				return nil, err
			}
			out = append(out, raw)
		}
	}
	return out, nil
}

// dynamo measures the three operations on one server.
func dynamo(ctx context.Context, r *report, s server, conns []int, d time.Duration) error {
	run, err := s.start(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	defer run.stop()
	table := `{"TableName":"bench","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}`
	raw, err := call(ctx, run.host, "CreateTable", table)
	if err != nil {
		return err
	}
	if err := one(ctx, run.host, raw); err != nil {
		return fmt.Errorf("%s: create table: %w", s.name, err)
	}
	if err := active(ctx, run.host); err != nil {
		return err
	}
	gets, queries := make([][]byte, tableItems), make([][]byte, partitions)
	for i := range tableItems {
		if gets[i], err = call(ctx, run.host, "GetItem", fmt.Sprintf(`{"TableName":"bench","Key":{"pk":{"S":"p%d"},"sk":{"S":"item-%05d"}}}`, i%partitions, i)); err != nil {
			return err
		}
		put, err := call(ctx, run.host, "PutItem", `{"TableName":"bench","Item":`+item(i, "nobody")+`}`)
		if err != nil {
			return err
		}
		if err := one(ctx, run.host, put); err != nil {
			return fmt.Errorf("%s: put: %w", s.name, err)
		}
	}
	for i := range partitions {
		body := fmt.Sprintf(`{"TableName":"bench","Limit":%d,"KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"p%d"}}}`, pageItems, i)
		if queries[i], err = call(ctx, run.host, "Query", body); err != nil {
			return err
		}
	}
	puts := make([][][]byte, slices.Max(conns))
	for c := range puts {
		if puts[c], err = changes(ctx, run.host, c); err != nil {
			return err
		}
	}
	spread := func(raw [][]byte) func(c, n int) []byte {
		return func(c, n int) []byte { return raw[(c*7919+n*31)%len(raw)] }
	}
	put := make([]int, len(puts)) // how many each connection has sent, over all loads
	for _, op := range []struct {
		name string
		next func(c, n int) []byte
	}{
		{"GetItem", spread(gets)},
		{"PutItem", func(c, _ int) []byte { put[c]++; return puts[c][put[c]%len(puts[c])] }},
		{"Query (10 items)", spread(queries)},
	} {
		for _, n := range conns {
			l := load{addr: run.host, conns: n, duration: d, ok: func(status int, _ []byte) bool { return status == 200 }, next: op.next}
			res, err := l.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %s at %d: %w", s.name, op.name, n, err)
			}
			r.add("DynamoDB "+op.name, s.name, fmt.Sprintf("%d conn", n), res)
		}
	}
	return nil
}

// one sends one request and expects success.
func one(ctx context.Context, host string, raw []byte) error {
	return sendRaw(ctx, host, raw, func(status int, _ []byte) bool { return status == http.StatusOK })
}

// active waits until DescribeTable says so, which some servers take a moment
// for.
func active(ctx context.Context, host string) error {
	raw, err := call(ctx, host, "DescribeTable", `{"TableName":"bench"}`)
	if err != nil {
		return err
	}
	for {
		ready := false
		err := sendRaw(ctx, host, raw, func(status int, body []byte) bool {
			ready = strings.Contains(string(body), `"ACTIVE"`)
			return status == 200
		})
		if err != nil || ready {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}
