package dynamodb

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
)

// statementAccess is the permission that a statement needs. One that cannot be read needs none: it is refused.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
func (s *Service) statementAccess(ctx context.Context, text *string, parameters []attr.Value, enclosing string) (awsapi.Access, error) {
	st, err := expr.ParseStatement(value(text), parameters)
	if err != nil {
		return awsapi.Access{}, coded(err)
	}
	k := &conditionKeys{s: s, ctx: ctx, table: &st.Table, where: st.Where, enclosing: enclosing}
	switch st.Verb {
	case expr.Insert:
		k.items, k.attributes = []attr.Item{st.Item}, namesOf(st.Item)
		return k.access("PartiQLInsert"), nil
	case expr.UpdateItem:
		k.attributes = func() []string {
			return append(expr.Attributes(st.Update.Paths()), expr.Attributes(st.Where.Paths())...)
		}
		return k.access("PartiQLUpdate"), nil
	case expr.Delete:
		k.attributes = func() []string { return expr.Attributes(st.Where.Paths()) }
		return k.access("PartiQLDelete"), nil
	}
	if st.Index != "" {
		k.index = &st.Index
	}
	if st.Columns != nil {
		k.attributes = func() []string { return append(expr.Attributes(st.Columns), expr.Attributes(st.Where.Paths())...) }
	}
	k.selects = true
	return k.access("PartiQLSelect"), nil
}

func (s *Service) accessExecute(ctx context.Context, in *shapes.ExecuteStatementInput) ([]awsapi.Access, error) {
	a, err := s.statementAccess(ctx, in.Statement, in.Parameters, "")
	return []awsapi.Access{a}, err
}

func (s *Service) accessBatchExecute(ctx context.Context, in *shapes.BatchExecuteStatementInput) ([]awsapi.Access, error) {
	var out []awsapi.Access
	for i := range in.Statements {
		a, err := s.statementAccess(ctx, in.Statements[i].Statement, in.Statements[i].Parameters, "")
		if err != nil {
			continue // the answer says it beside the other statements'
		}
		out = append(out, a)
	}
	return out, nil
}

func (s *Service) accessExecuteTransaction(ctx context.Context, in *shapes.ExecuteTransactionInput) ([]awsapi.Access, error) {
	var out []awsapi.Access
	for i := range in.TransactStatements {
		a, err := s.statementAccess(ctx, in.TransactStatements[i].Statement, in.TransactStatements[i].Parameters, "ExecuteTransaction")
		if err != nil {
			return nil, inStatement(i, err)
		}
		out = append(out, a)
	}
	return out, nil
}
