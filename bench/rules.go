package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// fewRules and manyRules are the rules on a bus, of which each event matches
// one.
const (
	fewRules  = 10
	manyRules = 10_000
)

// rules measures PutEvents on a bus with few rules and on one with many, in
// turns. The rule that matches sends the event to a queue.
func (b *bench) rules(ctx context.Context) error {
	run, err := startNube(ctx, false, "start")
	if err != nil {
		return err
	}
	defer run.stop()
	queue, err := targetQueue(ctx, run.host)
	if err != nil {
		return err
	}
	counts := []int{fewRules, manyRules}
	events := make([][]byte, len(counts))
	for i, n := range counts {
		if events[i], err = b.bus(ctx, run.host, fmt.Sprint("bus-", n), n, queue); err != nil {
			return fmt.Errorf("a bus with %d rules: %w", n, err)
		}
	}
	for _, conns := range []int{1, 16} {
		for i, n := range counts {
			l := load{addr: run.host, conns: conns, duration: b.duration, next: func(int, int) []byte { return events[i] },
				ok: func(status int, body []byte) bool {
					return status == 200 && strings.Contains(string(body), `"FailedEntryCount":0`)
				}}
			res, err := l.run(ctx)
			if err != nil {
				return fmt.Errorf("%d rules: %w", n, err)
			}
			b.report.add("EventBridge: PutEvents to the queue of one rule", "nube, durable, "+thousands(n)+" rules on the bus", fmt.Sprintf("%d conn", conns), res)
		}
	}
	return nil
}

// targetQueue makes a queue that rules may send to, and returns its ARN.
func targetQueue(ctx context.Context, host string) (string, error) {
	const arn = "arn:aws:sqs:us-east-1:000000000000:target"
	l, err := dial(ctx, host)
	if err != nil {
		return "", err
	}
	defer l.close()
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Principal": map[string]string{"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
	}}})
	if err != nil {
		return "", err
	}
	return arn, l.sqs(ctx, "CreateQueue", map[string]any{"QueueName": "target", "Attributes": map[string]string{"Policy": string(policy)}}, nil)
}

// bus makes a bus with so many rules, and returns a request that puts an event
// which one of them matches.
func (b *bench) bus(ctx context.Context, host, name string, rules int, target string) ([]byte, error) {
	l, err := dial(ctx, host)
	if err != nil {
		return nil, err
	}
	defer l.close()
	call := func(op string, in any) error {
		raw, err := signed(ctx, host, "events", "AWSEvents."+op, in)
		if err != nil {
			return err
		}
		return l.roundTrip(raw, nil)
	}
	if err := call("CreateEventBus", map[string]any{"Name": name}); err != nil {
		return nil, err
	}
	for i := range rules {
		rule := fmt.Sprint("rule-", i)
		pattern := fmt.Sprintf(`{"source":["shop"],"detail-type":["OrderProcessed"],"detail":{"customer":["c-%d"],"total":[{"numeric":[">",10]}]}}`, i)
		if err := call("PutRule", map[string]any{"Name": rule, "EventBusName": name, "EventPattern": pattern}); err != nil {
			return nil, err
		}
		if err := call("PutTargets", map[string]any{"Rule": rule, "EventBusName": name, "Targets": []any{map[string]string{"Id": "queue", "Arn": target}}}); err != nil {
			return nil, err
		}
	}
	return signed(ctx, host, "events", "AWSEvents.PutEvents", map[string]any{"Entries": []any{map[string]any{
		"EventBusName": name, "Source": "shop", "DetailType": "OrderProcessed",
		"Detail": fmt.Sprintf(`{"customer":"c-%d","total":12.5,"items":["a","b","c"]}`, rules/2),
	}}})
}
