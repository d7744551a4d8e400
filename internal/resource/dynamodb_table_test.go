package resource

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
)

// A property that differs leads to a change, and one that says the same in other
// words to none: an update ends, and what it says was done was.
func TestTableChanges(t *testing.T) {
	const arn = "arn:aws:kms:eu-west-1:123456789012:"
	encrypted := func(key string) *dynamodb.TableDescription {
		return &dynamodb.TableDescription{
			BillingModeSummary: &dynamodb.BillingModeSummary{BillingMode: ptr("PAY_PER_REQUEST")},
			SSEDescription:     &dynamodb.SSEDescription{Status: ptr("ENABLED"), KMSMasterKeyArn: ptr(arn + key)},
		}
	}
	wantKey := func(key *string) *dynamodb.CreateTableInput {
		return &dynamodb.CreateTableInput{BillingMode: ptr("PAY_PER_REQUEST"), SSESpecification: &dynamodb.SSESpecification{Enabled: ptr(true), KMSMasterKeyId: key}}
	}
	limits := func(read int64) *dynamodb.OnDemandThroughput {
		return &dynamodb.OnDemandThroughput{MaxReadRequestUnits: &read}
	}
	keys := []dynamodb.KeySchemaElement{{AttributeName: ptr("g"), KeyType: ptr("HASH")}}
	indexed := func(l *dynamodb.OnDemandThroughput) *dynamodb.TableDescription {
		return &dynamodb.TableDescription{
			BillingModeSummary:     &dynamodb.BillingModeSummary{BillingMode: ptr("PAY_PER_REQUEST")},
			GlobalSecondaryIndexes: []dynamodb.GlobalSecondaryIndexDescription{{IndexName: ptr("x"), KeySchema: keys, OnDemandThroughput: l}},
		}
	}
	wantLimits := func(l *dynamodb.OnDemandThroughput) *dynamodb.CreateTableInput {
		return &dynamodb.CreateTableInput{
			BillingMode: ptr("PAY_PER_REQUEST"), GlobalSecondaryIndexes: []dynamodb.GlobalSecondaryIndex{{IndexName: ptr("x"), KeySchema: keys, OnDemandThroughput: l}},
		}
	}
	rekey := func(key *string) *dynamodb.UpdateTableInput {
		return &dynamodb.UpdateTableInput{SSESpecification: &dynamodb.SSESpecification{Enabled: ptr(true), KMSMasterKeyId: key}}
	}
	relimit := func(read int64) *dynamodb.UpdateTableInput {
		return &dynamodb.UpdateTableInput{GlobalSecondaryIndexUpdates: []dynamodb.GlobalSecondaryIndexUpdate{{Update: &dynamodb.UpdateGlobalSecondaryIndexAction{
			IndexName: ptr("x"), OnDemandThroughput: &dynamodb.OnDemandThroughput{MaxReadRequestUnits: &read, MaxWriteRequestUnits: ptr(int64(-1))},
		}}}}
	}
	for _, tt := range []struct {
		name   string
		have   *dynamodb.TableDescription
		want   *dynamodb.CreateTableInput
		change *dynamodb.UpdateTableInput
	}{
		{"the same key by id", encrypted("key/one"), wantKey(ptr("one")), nil},
		{"the same key by alias", encrypted("alias/mine"), wantKey(ptr("alias/mine")), nil},
		{"the same key by ARN", encrypted("key/one"), wantKey(ptr(arn + "key/one")), nil},
		{"the service's key", encrypted("alias/aws/dynamodb"), wantKey(nil), nil},
		{"another key", encrypted("key/one"), wantKey(ptr("two")), rekey(ptr("two"))},
		{"a key that ends like it", encrypted("key/one"), wantKey(ptr("ne")), rekey(ptr("ne"))},
		{"the service's key again", encrypted("key/one"), wantKey(nil), rekey(nil)},
		{"an index without limits", indexed(nil), wantLimits(nil), nil},
		{"an index with the same limits", indexed(limits(5)), wantLimits(limits(5)), nil},
		{"an index gets limits", indexed(nil), wantLimits(limits(5)), relimit(5)},
		{"an index loses them", indexed(limits(5)), wantLimits(nil), relimit(-1)},
	} {
		if diff := cmp.Diff(tt.change, nextChange(tt.have, tt.want)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
