package cloud

import (
	"encoding/json"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/service/ssm"
)

// parameterEvents tells EventBridge's default bus of what happens to parameters.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
type parameterEvents struct {
	emit interface {
		Emit(tx *kv.Tx, es ...delivery.Effect) error
	}
	model *clock.Model
}

// parameterEvent is an event as rules see it.
type parameterEvent struct {
	Version    string            `json:"version"`
	ID         string            `json:"id"`
	DetailType string            `json:"detail-type"`
	Source     string            `json:"source"`
	Account    string            `json:"account"`
	Time       string            `json:"time"`
	Region     string            `json:"region"`
	Resources  []arn.ARN         `json:"resources"`
	Detail     map[string]string `json:"detail"`
}

// tell emits the event of a change in its transaction.
func (p *parameterEvents) tell(tx *kv.Tx, c ssm.Change) error {
	scope, now := c.Resource.Scope(), p.model.Now()
	e := parameterEvent{
		Version: "0", ID: awsapi.NewID(), DetailType: "Parameter Store Change", Source: "aws.ssm", Account: scope.Account, Region: scope.Region,
		Time: now.Time().Format(time.RFC3339), Resources: []arn.ARN{c.Resource},
		Detail: map[string]string{"operation": c.Operation, "name": c.Name, "type": c.Type},
	}
	if c.Description != "" {
		e.Detail["description"] = c.Description
	}
	if c.Policy != "" {
		e.DetailType = "Parameter Store Policy Action"
		e.Detail = map[string]string{"name": c.Name, "type": c.Type, "policy-type": c.Operation, "policy-content": c.Policy, "action-status": "Success"}
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// What services say of themselves comes from the account itself, whatever the
	// policy of the bus lets in from elsewhere.
	return p.emit.Emit(tx, delivery.Effect{
		Cell: keyspace.Cell{Account: scope.Account, Region: scope.Region}, Target: scope.EventBus("default").String(), Kind: "event", Payload: payload,
		Actor: delivery.ActorRef{Account: scope.Account, Service: "events.amazonaws.com"}, SourceARN: c.Resource.String(), At: now,
	})
}
