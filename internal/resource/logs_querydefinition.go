package resource

import (
	"context"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/stack"
)

// queryDefinition is AWS::Logs::QueryDefinition. Ref is its id, which is that of
// the token: what is created again is the same query.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-logs-querydefinition.html
type queryDefinition struct{ base }

// insightsQL is the language of queries.
const insightsQL = "CWLI"

func (q queryDefinition) put(ctx context.Context, r stack.Request, in *logs.PutQueryDefinitionRequest) (stack.Progress, error) {
	if l := text(r.Properties, "QueryLanguage"); l != "" && l != insightsQL {
		return stack.Progress{}, fmt.Errorf("the query language %s is not offered; queries are in %s", l, insightsQL)
	}
	if err := bind(in, r.Properties, "QueryLanguage"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, q.base, logs.PutQueryDefinition, in)
	if err != nil {
		return stack.Progress{}, err
	}
	id := val(out.QueryDefinitionId)
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"QueryDefinitionId": id}}, nil
}

func (q queryDefinition) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return q.put(ctx, r, &logs.PutQueryDefinitionRequest{ClientToken: &r.Token})
}

func (q queryDefinition) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return q.put(ctx, r, &logs.PutQueryDefinitionRequest{QueryDefinitionId: &r.PhysicalID})
}

func (q queryDefinition) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, q.base, logs.DeleteQueryDefinition, &logs.DeleteQueryDefinitionRequest{QueryDefinitionId: &r.PhysicalID}))
}

func (q queryDefinition) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	in := &logs.DescribeQueryDefinitionsRequest{QueryDefinitionNamePrefix: ptr(text(r.Properties, "Name"))}
	for {
		out, err := do(ctx, q.base, logs.DescribeQueryDefinitions, in)
		if err != nil {
			return nil, err
		}
		for _, have := range out.QueryDefinitions {
			if val(have.QueryDefinitionId) == r.PhysicalID {
				return stack.Attrs{"QueryDefinitionId": r.PhysicalID}, nil
			}
		}
		if out.NextToken == nil {
			return nil, stack.ErrNotFound
		}
		in.NextToken = out.NextToken
	}
}
