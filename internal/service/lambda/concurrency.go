package lambda

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/kv"
)

// minUnreserved is what reservations must leave to the other functions.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
const minUnreserved = 100

func (s *Service) putConcurrency(ctx context.Context, in *shapes.PutFunctionConcurrencyRequest) (*shapes.Concurrency, error) {
	n := value(in.ReservedConcurrentExecutions)
	_, err := s.change(ctx, in.FunctionName, func(tx *kv.Tx, sp space, f *function) error {
		all, err := counter(tx, sp.reserved())
		if err != nil {
			return err
		}
		old := int64(value(f.Reserved))
		if s.Concurrency-int(all-old)-int(n) < min(minUnreserved, s.Concurrency) && n > 0 {
			return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
		}
		if most := f.provisioned(""); int(n) < most && most > 0 {
			return invalid("ReservedConcurrentExecutions %d should not be lower than the function's total provisioned concurrency [%d].", n, most)
		}
		f.Reserved = &n
		tx.Set(sp.reserved(), kv.Counter(all-old+int64(n)))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.Concurrency{ReservedConcurrentExecutions: &n}, nil
}

func (s *Service) getConcurrency(ctx context.Context, in *shapes.GetFunctionConcurrencyRequest) (*shapes.GetFunctionConcurrencyResponse, error) {
	_, f, _, err := s.view(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &shapes.GetFunctionConcurrencyResponse{ReservedConcurrentExecutions: f.Reserved}, nil
}

func (s *Service) deleteConcurrency(ctx context.Context, in *shapes.DeleteFunctionConcurrencyRequest) (*schema.Empty, error) {
	_, err := s.change(ctx, in.FunctionName, func(tx *kv.Tx, sp space, f *function) error {
		if f.Reserved != nil {
			tx.Add(sp.reserved(), -int64(*f.Reserved))
		}
		f.Reserved = nil
		return nil
	})
	return &schema.Empty{}, err
}
