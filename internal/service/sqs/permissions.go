package sqs

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// document is a policy that statements are added to and removed from. What it does
// not know it keeps.
type document struct {
	Version   string `json:",omitempty"`
	ID        string `json:"Id,omitempty"`
	Statement statements
}

// statements are a policy's, of which one may stand alone.
type statements []json.RawMessage

func (l *statements) UnmarshalJSON(b []byte) error {
	if b[0] == '{' {
		*l = statements{slices.Clone(b)}
		return nil
	}
	return json.Unmarshal(b, (*[]json.RawMessage)(l))
}

// statement is one that AddPermission adds.
type statement struct {
	Sid       string
	Effect    string
	Principal struct{ AWS any }
	Action    any
	Resource  string
}

// grantable are the actions that AddPermission may allow.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
func grantable(action string) bool {
	switch action {
	case "*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl",
		"ListDeadLetterSourceQueues", "PurgeQueue":
		return true
	}
	return false
}

// maxActions is how many actions a statement of AddPermission can have.
const maxActions = 7

func (s *Service) addPermission(ctx context.Context, in *shapes.AddPermissionRequest) (*schema.Empty, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	label := value(in.Label)
	if label == "" || len(label) > 80 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return nil, badValue(label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	st := statement{Sid: label, Effect: "Allow", Resource: string(n.arn())}
	var principals, actions []string
	for _, account := range in.AWSAccountIds {
		if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
			return nil, badValue("["+strings.Join(in.AWSAccountIds, ", ")+"]", "PrincipalId", "Unable to verify.")
		}
		principals = append(principals, string(arn.Scope{Partition: n.scope.Partition, Account: account}.Root()))
	}
	for _, action := range in.Actions {
		if !grantable(action) {
			return nil, badValue("SQS:"+action, "ActionName", "Please refer to the appropriate WSDL for a list of valid actions.")
		}
		actions = append(actions, "SQS:"+action)
	}
	switch {
	case len(principals) == 0:
		return nil, missing("AWSAccountIds")
	case len(actions) == 0:
		return nil, missing("Actions")
	case len(actions) > maxActions:
		return nil, fault.New("OverLimit", "%d Actions were found, maximum allowed is %d.", len(actions), maxActions)
	}
	st.Principal.AWS, st.Action = oneOrAll(principals), oneOrAll(actions)
	raw, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	err = s.changePolicy(ctx, n, func(d *document) error {
		if slices.ContainsFunc(d.Statement, func(raw json.RawMessage) bool { return sid(raw) == label }) {
			return badValue(label, "Label", "Already exists.")
		}
		d.Statement = append(d.Statement, raw)
		return nil
	})
	return &schema.Empty{}, err
}

// oneOrAll is a list as policies write it: one element stands alone.
func oneOrAll(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func sid(raw json.RawMessage) string {
	var st struct{ Sid string }
	if json.Unmarshal(raw, &st) != nil {
		return ""
	}
	return st.Sid
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_RemovePermission.html
func (s *Service) removePermission(ctx context.Context, in *shapes.RemovePermissionRequest) (*schema.Empty, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	err = s.changePolicy(ctx, n, func(d *document) error {
		before := len(d.Statement)
		d.Statement = slices.DeleteFunc(d.Statement, func(raw json.RawMessage) bool { return sid(raw) == value(in.Label) })
		if len(d.Statement) == before {
			return badValue(value(in.Label), "Label", "can't find label on existing policy")
		}
		return nil
	})
	return &schema.Empty{}, err
}

// changePolicy changes a queue's policy; one without statements is none.
func (s *Service) changePolicy(ctx context.Context, n name, change func(*document) error) error {
	now := s.Clock.Now()
	return s.change(ctx, n, func(_ *kv.Tx, r *row) error {
		d := document{Version: "2012-10-17", ID: string(n.arn()) + "/SQSDefaultPolicy"}
		if had := r.Attributes["Policy"]; had != "" {
			d = document{}
			if err := json.Unmarshal([]byte(had), &d); err != nil {
				return badAttribute("Policy").Because(err)
			}
		}
		if err := change(&d); err != nil {
			return err
		}
		if r.Attributes == nil {
			r.Attributes = map[string]string{}
		}
		r.Modified = now
		if len(d.Statement) == 0 {
			delete(r.Attributes, "Policy")
			return nil
		}
		b, err := json.Marshal(&d)
		r.Attributes["Policy"] = string(b)
		return err
	})
}
