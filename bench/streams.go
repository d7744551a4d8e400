package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Puts with a stream and without, and the way from a put to the function that
// reads the stream.
const (
	streamRounds = 5 // of each kind of table, in turn; the median counts
	streamPuts   = 3000
)

const streamTables = "3,000 puts"

// streams measures both.
func (b *bench) streams(ctx context.Context) error {
	for _, conns := range []int{1, 16} {
		if err := b.streamPuts(ctx, conns); err != nil {
			return err
		}
	}
	return b.arrivals(ctx, arrival{
		table: "A stream's record to its function", cause: "put", manifest: streamManifest,
		request: func(ctx context.Context, host, id string) ([]byte, error) {
			return call(ctx, host, "PutItem", `{"TableName":"arrivals","Item":{"pk":{"S":"`+id+`"},"v":{"N":"1"}}}`)
		},
	})
}

// streamPuts takes turns with a table without a stream and tables with one.
func (b *bench) streamPuts(ctx context.Context, conns int) error {
	run, err := startNube(ctx, false, "start")
	if err != nil {
		return err
	}
	defer run.stop()
	kinds := []struct{ name, table, stream string }{
		{"no stream", "plain", ""},
		{"KEYS_ONLY", "keys", `,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}`},
		{"NEW_AND_OLD_IMAGES", "images", `,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}`},
	}
	for _, k := range kinds {
		if err := b.send(ctx, run.host, "CreateTable", `{"TableName":"`+k.table+`","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]`+k.stream+`}`); err != nil {
			return err
		}
	}
	took := make([][]time.Duration, len(kinds))
	for round := range streamRounds {
		for i, k := range kinds {
			requests := make([][]byte, streamPuts)
			for n := range requests {
				if requests[n], err = call(ctx, run.host, "PutItem", fmt.Sprintf(`{"TableName":%q,"Item":{"pk":{"S":"%d"},"round":{"N":"%d"},"name":{"S":"user number %d"}}}`, k.table, n%500, round*streamPuts+n, n)); err != nil {
					return err
				}
			}
			began := time.Now()
			if err := sendAll(ctx, run.host, conns, requests); err != nil {
				return err
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	base := median(slices.Sorted(slices.Values(took[0])))
	for i, k := range kinds {
		m := median(slices.Sorted(slices.Values(took[i])))
		b.report.value(streamTables, k.name, fmt.Sprintf("%d conn", conns), fmt.Sprintf("%s (%.2f×)", round(m), float64(m)/float64(base)))
	}
	return nil
}

func (b *bench) send(ctx context.Context, host, op, body string) error {
	raw, err := call(ctx, host, op, body)
	if err != nil {
		return err
	}
	if err := one(ctx, host, raw); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// sendAll sends each request once over so many connections.
func sendAll(ctx context.Context, host string, conns int, requests [][]byte) error {
	each := (len(requests) + conns - 1) / conns
	errs := make(chan error, conns)
	for part := range slices.Chunk(requests, each) {
		go func() {
			l := load{addr: host, ok: func(status int, _ []byte) bool { return status == 200 }}
			_, err := l.all(ctx, part)
			errs <- err
		}()
	}
	for range (len(requests) + each - 1) / each {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

const streamManifest = `service: streams
provider:
  name: aws
  runtime: provided.al2023
  region: us-east-1
  memorySize: 1769
  iam:
    role:
      statements:
        - {Effect: Allow, Action: 'dynamodb:*', Resource: !GetAtt Table.StreamArn}
functions:
  arrive:
    handler: bootstrap
    package: {artifact: arrive.zip}
    environment: {ARRIVALS: '%s'}
resources:
  Resources:
    Table:
      Type: AWS::DynamoDB::Table
      Properties:
        TableName: arrivals
        BillingMode: PAY_PER_REQUEST
        AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
        KeySchema: [{AttributeName: pk, KeyType: HASH}]
        StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
    Mapping:
      Type: AWS::Lambda::EventSourceMapping
      Properties:
        EventSourceArn: !GetAtt Table.StreamArn
        FunctionName: !Ref ArriveLambdaFunction
        StartingPosition: TRIM_HORIZON
        BatchSize: 100
`
