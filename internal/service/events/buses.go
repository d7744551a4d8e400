package events

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// loadBus reads a bus that must exist. The default one does.
func loadBus(r interface {
	Get(k kv.Key) ([]byte, error)
}, b bus) (busRow, error) {
	var row busRow
	ok, err := jsonrow.Get(r, b.space().bus(b.name), &row)
	if err == nil && !ok && b.name != defaultBus {
		err = noBus(b)
	}
	return row, err
}

func (s *Service) viewBus(ctx context.Context, b bus) (row busRow, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		row, err = loadBus(snap, b)
		return err
	})
	return row, err
}

// changeBus changes a bus that must exist.
func (s *Service) changeBus(ctx context.Context, b bus, change func(*busRow) error) (row busRow, err error) {
	now := s.Clock.Now()
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		if row, err = loadBus(tx, b); err != nil {
			return err
		}
		if err := change(&row); err != nil {
			return err
		}
		row.Modified = now
		return jsonrow.Set(tx, b.space().bus(b.name), &row)
	})
	return row, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
func (s *Service) createBus(ctx context.Context, in *shapes.CreateEventBusRequest) (*shapes.CreateEventBusResponse, error) {
	b := bus{awsapi.From(ctx).Scope, value(in.Name)}
	switch {
	case in.EventSourceName != nil:
		return nil, invalid("Parameter EventSourceName is not valid. Reason: nube has no partner event sources.")
	case b.name == defaultBus:
		return nil, alreadyThere("Event bus %s already exists.", b.name)
	case strings.Contains(b.name, "/"):
		return nil, invalid("Event bus name must not contain '/'.")
	}
	now := s.Clock.Now()
	row := busRow{ID: rand.Text(), Created: now, Modified: now, Description: value(in.Description), Key: value(in.KmsKeyIdentifier)}
	var err error
	if row.DeadLetter, err = s.deadLetterQueue(in.DeadLetterConfig); err != nil {
		return nil, err
	}
	if row.Tags, err = addTags(nil, in.Tags); err != nil {
		return nil, err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		k := b.space().bus(b.name)
		switch old, err := tx.Get(k); {
		case err != nil:
			return err
		case old != nil:
			return alreadyThere("Event bus %s already exists.", b.name)
		}
		return jsonrow.Set(tx, k, &row)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreateEventBusResponse{EventBusArn: ptr(b.arn()), Description: in.Description, KmsKeyIdentifier: in.KmsKeyIdentifier, DeadLetterConfig: in.DeadLetterConfig}, nil
}

// deadLetterQueue reads a DeadLetterConfig.
func (s *Service) deadLetterQueue(in *shapes.DeadLetterConfig) (string, error) {
	if in == nil || value(in.Arn) == "" {
		return "", nil
	}
	queue := *in.Arn
	if !isService(queue, "sqs") {
		return "", invalid("Parameter DeadLetterConfig.Arn is not valid. Reason: %s is not the ARN of an SQS queue.", queue)
	}
	if !s.Emit.Delivers(queue) {
		return "", invalid("Parameter DeadLetterConfig.Arn is not valid. Reason: nothing delivers to %s in this cloud.", queue)
	}
	return queue, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateEventBus.html
func (s *Service) updateBus(ctx context.Context, in *shapes.UpdateEventBusRequest) (*shapes.UpdateEventBusResponse, error) {
	b, err := busOf(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	queue, err := s.deadLetterQueue(in.DeadLetterConfig)
	if err != nil {
		return nil, err
	}
	row, err := s.changeBus(ctx, b, func(row *busRow) error {
		if in.Description != nil {
			row.Description = *in.Description
		}
		if in.KmsKeyIdentifier != nil {
			row.Key = *in.KmsKeyIdentifier
		}
		if in.DeadLetterConfig != nil {
			row.DeadLetter = queue
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.UpdateEventBusResponse{
		Arn: ptr(b.arn()), Name: &b.name, Description: given(row.Description), KmsKeyIdentifier: given(row.Key), DeadLetterConfig: deadLetterConfig(row.DeadLetter),
	}, nil
}

func deadLetterConfig(queue string) *shapes.DeadLetterConfig {
	if queue == "" {
		return nil
	}
	return &shapes.DeadLetterConfig{Arn: &queue}
}

// deleteBus deletes a bus that has no rules. One that there is not is deleted
// already.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteEventBus.html
func (s *Service) deleteBus(ctx context.Context, in *shapes.DeleteEventBusRequest) (*schema.Empty, error) {
	b, err := busOf(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if b.name == defaultBus {
		return nil, invalid("Cannot delete event bus default.")
	}
	sp := b.space()
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		if row, err := tx.Get(sp.bus(b.name)); err != nil || row == nil {
			return err
		}
		for _, err := range tx.Scan(sp.rulesOf(b.name), kv.ScanOptions{KeysOnly: true, Limit: 1}) {
			if err != nil {
				return err
			}
			return invalid("Event bus %s cannot be deleted because it still contains rules.", b.name)
		}
		tx.Delete(sp.bus(b.name))
		tx.Delete(sp.head(b.name))
		tx.DeleteRange(sp.changes(b.name))
		return nil
	})
	if err == nil {
		s.indexes.Delete(string(sp.head(b.name)))
		s.policies.Delete(b)
	}
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEventBus.html
func (s *Service) describeBus(ctx context.Context, in *shapes.DescribeEventBusRequest) (*shapes.DescribeEventBusResponse, error) {
	b, err := busOf(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	row, err := s.viewBus(ctx, b)
	if err != nil {
		return nil, err
	}
	return &shapes.DescribeEventBusResponse{
		Name: &b.name, Arn: ptr(b.arn()), Description: given(row.Description), KmsKeyIdentifier: given(row.Key), DeadLetterConfig: deadLetterConfig(row.DeadLetter),
		Policy: given(row.Policy), CreationTime: given(row.Created), LastModifiedTime: given(row.Modified),
	}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListEventBuses.html
func (s *Service) listBuses(ctx context.Context, in *shapes.ListEventBusesRequest) (*shapes.ListEventBusesResponse, error) {
	p, err := pageOf(in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	scope := awsapi.From(ctx).Scope
	sp := bus{scope: scope}.space()
	out := &shapes.ListEventBusesResponse{EventBuses: []shapes.EventBus{}}
	add := func(name string, row busRow) {
		b := bus{scope, name}
		out.EventBuses = append(out.EventBuses, shapes.EventBus{
			Name: &b.name, Arn: ptr(b.arn()), Description: given(row.Description), Policy: given(row.Policy), CreationTime: given(row.Created), LastModifiedTime: given(row.Modified),
		})
	}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		// The default bus comes first, whether it has a row or not.
		if p.after == "" && strings.HasPrefix(defaultBus, value(in.NamePrefix)) {
			row, err := loadBus(snap, bus{scope, defaultBus})
			if err != nil {
				return err
			}
			add(defaultBus, row)
			if p.limit == 1 {
				out.NextToken = p.next("!") // before all names
				return nil
			}
			p.limit--
		}
		out.NextToken, err = p.list(snap, sp.Subspace, sp.all("bus"), 1, value(in.NamePrefix), func(name string, kvs kv.Pair) (bool, error) {
			if name == defaultBus {
				return false, nil
			}
			var row busRow
			if err := jsonrow.Decode(kvs.Key, kvs.Value, &row); err != nil {
				return false, fmt.Errorf("bus %s: %w", name, err)
			}
			add(name, row)
			return true, nil
		})
		return err
	})
	return out, err
}
