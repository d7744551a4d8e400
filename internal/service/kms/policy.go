package kms

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// policyName is the name of a key's only policy.
const policyName = "default"

// defaultPolicy gives the key to the account, whose IAM policies say who may use
// it.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func defaultPolicy(s arn.Scope) string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "` + string(s.Root()) + `"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
}

// managedPolicy lets in who comes through the service, and nobody else.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk
func managedPolicy(s arn.Scope, service string) string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "auto-` + service + `-1",
  "Statement" : [ {
    "Sid" : "Allow access through ` + service + ` for all principals in the account that are authorized to use it",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:ViaService" : "` + service + "." + s.Region + `.amazonaws.com",
        "kms:CallerAccount" : "` + s.Account + `"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "` + string(s.Root()) + `"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`
}

// policy is the text of the key's policy.
func (k *key) policy() string {
	if k.Policy == "" {
		return defaultPolicy(k.scope)
	}
	return k.Policy
}

// ResourcePolicy implements [awsapi.ResourcePolicier]: the policy of a key with
// its grants. A service's key has its policy before it is there.
func (s *Service) ResourcePolicy(ctx context.Context, resource arn.ARN) (*policy.Doc, error) {
	id, ok := strings.CutPrefix(resource.Resource(), "key/")
	if resource.Service() != "kms" || !ok {
		return nil, nil
	}
	n := name{scope: resource.Scope(), id: id}
	sp := spaceOf(keyspace.Cell{Account: resource.Account(), Region: resource.Region()})
	k := &key{name: n}
	var grants []json.RawMessage
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		if ok, err = get(snap, sp.key(id), &k.keyRow); err != nil || !ok {
			return err
		}
		for p, err := range snap.Scan(sp.grantsOf(id), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			var g grantRow
			if err := decode(p.Key, p.Value, &g); err != nil {
				return err
			}
			grants = append(grants, g.statements()...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		for _, service := range managedServices() {
			if id == managedID(n.scope, service) {
				return s.compile(resource, managedPolicy(n.scope, service))
			}
		}
		s.policies.Delete(resource) // of a key that is gone
		return nil, nil
	}
	text := k.policy()
	if len(grants) > 0 {
		if text, err = withStatements(text, grants); err != nil {
			return nil, fmt.Errorf("policy of %s: %w", resource, err)
		}
	}
	return s.compile(resource, text)
}

// withStatements adds statements to a policy.
func withStatements(text string, more []json.RawMessage) (string, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return "", err
	}
	var list []json.RawMessage
	if json.Unmarshal(doc["Statement"], &list) != nil {
		list = []json.RawMessage{doc["Statement"]} // one that stands alone
	}
	var err error
	if doc["Statement"], err = json.Marshal(append(list, more...)); err != nil {
		return "", err
	}
	b, err := json.Marshal(doc)
	return string(b), err
}

// parsed is the policy of a key, its grants included, as it was read last.
type parsed struct {
	text string
	doc  *policy.Doc
}

// compile parses the policy of a key, unless it is the one that was read last.
func (s *Service) compile(resource arn.ARN, text string) (*policy.Doc, error) {
	if old, ok := s.policies.Load(resource); ok && old.(*parsed).text == text {
		return old.(*parsed).doc, nil
	}
	doc, err := policy.Parse(policy.Key, text)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", resource, err)
	}
	s.policies.Store(resource, &parsed{text, doc})
	return doc, nil
}

// checkPolicy checks a new policy: unless told otherwise, whoever gives it must
// be able to change it again.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key
func (s *Service) checkPolicy(ctx context.Context, n name, text string, bypass bool) error {
	doc, err := policy.Parse(policy.Key, text)
	if err != nil {
		return fault.New("MalformedPolicyDocumentException", "%s", err.Error()).With(http.StatusBadRequest)
	}
	if bypass {
		return nil
	}
	everything, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	if err != nil {
		return err
	}
	call := awsapi.From(ctx)
	may := policy.Set{Identity: []*policy.Doc{everything}, Resource: []*policy.Doc{doc}, ResourceDecides: true}
	r := policy.Request{
		Principal: call.Actor.Principal, Action: "kms:PutKeyPolicy", Resource: arn.ARN(n.arn()), ResourceAccount: n.scope.Account,
		Keys: keys{s: s, ctx: ctx, name: n},
	}
	if !may.Evaluate(&r).Allowed() {
		return fault.New("MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
func (s *Service) getKeyPolicy(ctx context.Context, in *shapes.GetKeyPolicyRequest) (*shapes.GetKeyPolicyResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, fault.New("NotFoundException", "No such policy exists")
	}
	return &shapes.GetKeyPolicyResponse{Policy: ptr(k.policy()), PolicyName: ptr(policyName)}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
func (s *Service) putKeyPolicy(ctx context.Context, in *shapes.PutKeyPolicyRequest) (*schema.Empty, error) {
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, fault.Validation("The policy name must be %s", policyName)
	}
	n, err := s.resolve(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := s.checkPolicy(ctx, n, value(in.Policy), yes(in.BypassPolicyLockoutSafetyCheck)); err != nil {
		return nil, err
	}
	_, err = s.change(ctx, in.KeyId, func(_ *kv.Tx, k *key) error {
		if k.State == pendingDeletion {
			return k.ready()
		}
		k.Policy = value(in.Policy)
		return nil
	})
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html
func (s *Service) listKeyPolicies(ctx context.Context, in *shapes.ListKeyPoliciesRequest) (*shapes.ListKeyPoliciesResponse, error) {
	if _, err := s.find(ctx, in.KeyId); err != nil {
		return nil, err
	}
	return &shapes.ListKeyPoliciesResponse{PolicyNames: []string{policyName}, Truncated: ptr(false)}, nil
}
