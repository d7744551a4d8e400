package logs

import (
	"context"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// definition is the row of a query that is kept under a name.
type definition struct {
	Name     string
	Query    string
	Groups   []string `json:",omitempty"`
	Modified clock.Instant
}

func (s space) definition(id string) kv.Key { return s.Key().Str("definition").Str(id).Done() }
func (s space) definitions() kv.Range       { return s.Key().Str("definition").Range() }

func noDefinition() *fault.Error {
	return fault.New("ResourceNotFoundException", "The specified query definition does not exist.")
}

func (s *Service) putQueryDefinition(ctx context.Context, in *shapes.PutQueryDefinitionRequest) (*shapes.PutQueryDefinitionResponse, error) {
	id, given := value(in.QueryDefinitionId), in.QueryDefinitionId != nil
	if !given {
		if id = value(in.ClientToken); id == "" {
			id = awsapi.NewID()
		}
	}
	sp := spaceOf(cell(ctx))
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		old, err := tx.Get(sp.definition(id))
		if err != nil {
			return err
		}
		if given && old == nil {
			return noDefinition()
		}
		return jsonrow.Set(tx, sp.definition(id), &definition{Name: *in.Name, Query: *in.QueryString, Groups: in.LogGroupNames, Modified: s.clock.Now()})
	})
	if err != nil {
		return nil, err
	}
	return &shapes.PutQueryDefinitionResponse{QueryDefinitionId: &id}, nil
}

func (s *Service) deleteQueryDefinition(ctx context.Context, in *shapes.DeleteQueryDefinitionRequest) (*shapes.DeleteQueryDefinitionResponse, error) {
	k := spaceOf(cell(ctx)).definition(*in.QueryDefinitionId)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		old, err := tx.Get(k)
		if err != nil {
			return err
		}
		if old == nil {
			return noDefinition()
		}
		tx.Delete(k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.DeleteQueryDefinitionResponse{Success: ptr(true)}, nil
}

func (s *Service) describeQueryDefinitions(ctx context.Context, in *shapes.DescribeQueryDefinitionsRequest) (*shapes.DescribeQueryDefinitionsResponse, error) {
	after, err := decodeName(in.NextToken)
	if err != nil {
		return nil, err
	}
	sp := spaceOf(cell(ctx))
	limit := describeLimit(in.MaxResults)
	out := &shapes.DescribeQueryDefinitionsResponse{}
	err = s.db.View(ctx, func(snap *kv.Snap) error {
		out.QueryDefinitions, out.NextToken = []shapes.QueryDefinition{}, nil
		for p, err := range snap.Scan(sp.definitions(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			id := d.Str()
			var row definition
			if err := jsonrow.Decode(p.Key, p.Value, &row); err != nil {
				return err
			}
			if id <= after || !strings.HasPrefix(row.Name, value(in.QueryDefinitionNamePrefix)) {
				continue
			}
			if len(out.QueryDefinitions) == limit {
				out.NextToken = encodeName(*out.QueryDefinitions[limit-1].QueryDefinitionId)
				return nil
			}
			out.QueryDefinitions = append(out.QueryDefinitions, shapes.QueryDefinition{
				QueryDefinitionId: &id, Name: &row.Name, QueryString: &row.Query, LastModified: ptr(row.Modified.UnixMilli()), LogGroupNames: row.Groups,
			})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("query definitions: %w", err)
	}
	return out, nil
}
