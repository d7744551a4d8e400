package kms

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
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
	var rows [][]byte // of its grants
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		rows = nil
		if ok, err = jsonrow.Get(snap, sp.key(id), &k.keyRow); err != nil || !ok {
			return err
		}
		for p, err := range snap.Scan(sp.grantsOf(id), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			rows = append(rows, slices.Clone(p.Value))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		for _, service := range managedServices() {
			if id == managedID(n.scope, service) {
				return s.compile(resource, managedPolicy(n.scope, service), nil)
			}
		}
		s.policies.Delete(resource) // of a key that is gone
		return nil, nil
	}
	return s.compile(resource, k.policy(), rows)
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
	of  [sha256.Size]byte // what it was made of
	doc *policy.Doc
}

// compile parses the policy of a key with the rows of its grants, unless it is the
// one that was read last.
func (s *Service) compile(resource arn.ARN, text string, grants [][]byte) (*policy.Doc, error) {
	h := sha256.New()
	io.WriteString(h, text)
	for _, row := range grants {
		h.Write([]byte{0}) // JSON has none
		h.Write(row)
	}
	of := [sha256.Size]byte(h.Sum(nil))
	if old, ok := s.policies.Load(resource); ok && old.(*parsed).of == of {
		return old.(*parsed).doc, nil
	}
	doc, err := withGrants(text, grants)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", resource, err)
	}
	s.policies.Store(resource, &parsed{of, doc})
	return doc, nil
}

// withGrants is a policy with what grants allow, as their rows say.
func withGrants(text string, rows [][]byte) (*policy.Doc, error) {
	var more []json.RawMessage
	for _, row := range rows {
		var g grantRow
		if err := json.Unmarshal(row, &g); err != nil {
			return nil, fmt.Errorf("grant: %w", err)
		}
		more = append(more, g.statements()...)
	}
	if len(more) > 0 {
		var err error
		if text, err = withStatements(text, more); err != nil {
			return nil, err
		}
	}
	return policy.Parse(policy.Key, text)
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
