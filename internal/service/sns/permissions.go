package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/kv"
)

// document is a policy that statements are added to and removed from. What it
// does not know it keeps.
type document struct {
	Version   string `json:",omitempty"`
	ID        string `json:"Id,omitempty"`
	Statement statements
}

// statements is a list, or one statement that stands for a list of it.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
type statements []json.RawMessage

// UnmarshalJSON implements [json.Unmarshaler].
func (s *statements) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		*s = statements{slices.Clone(b)}
		return nil
	}
	return json.Unmarshal(b, (*[]json.RawMessage)(s))
}

// grantable are the actions that AddPermission may allow.
//
// https://docs.aws.amazon.com/sns/latest/api/API_AddPermission.html
func grantable(action string) bool {
	switch action {
	case "Publish", "RemovePermission", "SetTopicAttributes", "DeleteTopic", "ListSubscriptionsByTopic", "GetTopicAttributes", "AddPermission", "Subscribe", "*":
		return true
	}
	return false
}

func (s *Service) addPermission(ctx context.Context, in *shapes.AddPermissionInput) (*schema.Empty, error) {
	n, err := topicName(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	label := value(in.Label)
	statement := struct {
		Sid       string
		Effect    string
		Principal map[string]any
		Action    any
		Resource  string
	}{Sid: label, Effect: "Allow", Resource: n.arn()}
	var principals, actions []string
	for _, account := range in.AWSAccountId {
		if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
			return nil, invalid("AWSAccountId")
		}
		principals = append(principals, string(arn.Scope{Partition: n.scope.Partition, Account: account}.Root()))
	}
	for _, action := range in.ActionName {
		if !grantable(action) {
			return nil, invalid("Policy statement action out of service scope!")
		}
		actions = append(actions, "SNS:"+action)
	}
	if len(principals) == 0 || len(actions) == 0 || label == "" {
		return nil, invalid("Label, AWSAccountId and ActionName must not be empty")
	}
	statement.Principal, statement.Action = map[string]any{"AWS": oneOrAll(principals)}, oneOrAll(actions)
	raw, err := json.Marshal(statement)
	if err != nil {
		return nil, err
	}
	err = s.changePolicy(ctx, n, func(d *document) error {
		if slices.ContainsFunc(d.Statement, func(raw json.RawMessage) bool { return sid(raw) == label }) {
			return invalid("Statement already exists")
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

// https://docs.aws.amazon.com/sns/latest/api/API_RemovePermission.html
func (s *Service) removePermission(ctx context.Context, in *shapes.RemovePermissionInput) (*schema.Empty, error) {
	n, err := topicName(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	err = s.changePolicy(ctx, n, func(d *document) error {
		before := len(d.Statement)
		d.Statement = slices.DeleteFunc(d.Statement, func(raw json.RawMessage) bool { return sid(raw) == value(in.Label) })
		if len(d.Statement) == before {
			return invalid("Statement does not exist")
		}
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) changePolicy(ctx context.Context, n name, change func(*document) error) error {
	return s.change(ctx, n, func(_ *kv.Tx, t *topic) error {
		var d document
		if err := json.Unmarshal([]byte(t.policy(n)), &d); err != nil {
			return invalid("Policy").Because(err)
		}
		if err := change(&d); err != nil {
			return err
		}
		b, err := json.Marshal(&d)
		if err != nil {
			return err
		}
		return s.setAttribute(t, n, "Policy", string(b))
	})
}
