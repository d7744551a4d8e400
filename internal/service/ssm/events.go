package ssm

import (
	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/kv"
)

// Change is what happened to a parameter, as EventBridge is told of it: "Parameter
// Store Change", or "Parameter Store Policy Action" for a policy.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
type Change struct {
	Resource arn.ARN
	// Operation is Create, Update, Delete or LabelParameterVersion, or the type of
	// the policy that took effect.
	Operation               string
	Name, Type, Description string
	Policy                  string // the policy that took effect, as JSON
}

// changed tells of a change, in its transaction.
func (s *Service) changed(tx *kv.Tx, n name, row *parameterRow, operation string) error {
	return s.tell(tx, n, row, operation, "")
}

func (s *Service) tell(tx *kv.Tx, n name, row *parameterRow, operation, policy string) error {
	if s.Events == nil {
		return nil
	}
	return s.Events(tx, Change{
		Resource: arn.ARN(n.arn()), Operation: operation, Name: row.Name, Type: row.Type, Description: row.Description, Policy: policy,
	})
}
