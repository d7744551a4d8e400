package dynamodb

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/kv"
)

// size is how many items there are in a table, or entries in an index, and how many bytes they have.
type size struct{ items, bytes int64 }

// size reads the counters of an index, or of the table itself (0).
func (l layout) size(r reader, id uint64) (n size, err error) {
	v, err := r.Get(l.count(id))
	if err != nil {
		return n, err
	}
	if n.items, err = kv.Int64(v); err != nil {
		return n, err
	}
	if v, err = r.Get(l.bytes(id)); err != nil {
		return n, err
	}
	n.bytes, err = kv.Int64(v)
	return n, err
}

// sizes are the sizes of a table and of its indexes, by id.
func (t *table) sizes(r reader) (map[uint64]size, error) {
	out := make(map[uint64]size, 1+len(t.Indexes))
	ids := []uint64{0}
	for i := range t.Indexes {
		ids = append(ids, t.Indexes[i].ID)
	}
	for _, id := range ids {
		n, err := t.layout.size(r, id)
		if err != nil {
			return nil, err
		}
		out[id] = n
	}
	return out, nil
}

// describeTable: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html
//
// The number of items and their size are those of now, not those of up to six hours ago.
func (s *Service) describeTable(ctx context.Context, in *shapes.DescribeTableInput) (*shapes.DescribeTableOutput, error) {
	name, err := tableName(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	out := &shapes.DescribeTableOutput{}
	err = s.look(ctx, name, func(sn *kv.Snap, t *table) error {
		sizes, err := t.sizes(sn)
		if err != nil {
			return err
		}
		out.Table = t.describe(awsapi.From(ctx).Scope, sizes)
		return nil
	})
	return out, err
}

// describe is the table's description in the API's terms.
func (t *table) describe(scope arn.Scope, sizes map[uint64]size) *shapes.TableDescription {
	own := sizes[0]
	out := &shapes.TableDescription{
		TableName: &t.Name, TableId: &t.UUID, TableArn: ptr(t.arn(scope).String()), CreationDateTime: &t.Created,
		TableStatus: ptr("ACTIVE"), ItemCount: &own.items, TableSizeBytes: &own.bytes,
		KeySchema: keySchemaShape(t.Hash, t.Range), ProvisionedThroughput: capacityShape(t.Capacity),
		DeletionProtectionEnabled: &t.Protected, OnDemandThroughput: onDemandShape(t.MaxOnDemand),
	}
	for i := range t.Attributes {
		a := &t.Attributes[i]
		out.AttributeDefinitions = append(out.AttributeDefinitions, shapes.AttributeDefinition{AttributeName: &a.Name, AttributeType: &a.Type})
	}
	switch {
	case !t.Provisioned:
		out.BillingModeSummary = &shapes.BillingModeSummary{BillingMode: ptr("PAY_PER_REQUEST"), LastUpdateToPayPerRequestDateTime: &t.OnDemandFrom}
	case !t.OnDemandFrom.IsZero():
		out.BillingModeSummary = &shapes.BillingModeSummary{BillingMode: ptr("PROVISIONED"), LastUpdateToPayPerRequestDateTime: &t.OnDemandFrom}
	}
	if t.Class != "" {
		out.TableClassSummary = &shapes.TableClassSummary{TableClass: &t.Class}
	}
	if t.Stream.Label != "" {
		out.LatestStreamLabel = &t.Stream.Label
		out.LatestStreamArn = ptr(t.streamARN(scope).String())
	}
	if t.Stream.Enabled {
		out.StreamSpecification = &shapes.StreamSpecification{StreamEnabled: ptr(true), StreamViewType: &t.Stream.View}
	}
	if t.SSEKey != "" {
		out.SSEDescription = &shapes.SSEDescription{Status: ptr("ENABLED"), SSEType: ptr("KMS"), KMSMasterKeyArn: ptr(keyARN(scope, t.SSEKey))}
	}
	for i := range t.Indexes {
		t.Indexes[i].describe(out, scope, t, sizes[t.Indexes[i].ID])
	}
	return out
}

// keyARN is the ARN of a KMS key that a request named by id, alias or ARN.
func keyARN(scope arn.Scope, key string) string {
	switch {
	case len(key) > 4 && key[:4] == "arn:":
		return key
	case len(key) > 6 && key[:6] == "alias/":
		return scope.Of("kms", key).String()
	}
	return scope.Of("kms", "key/"+key).String()
}

// describe adds the index to the description of its table.
func (x *index) describe(out *shapes.TableDescription, scope arn.Scope, t *table, n size) {
	keys := keySchemaShape(x.Hash, x.Range)
	projection := &shapes.Projection{ProjectionType: &x.Projection, NonKeyAttributes: x.Include}
	name := ptr(scope.Index(t.Name, x.Name).String())
	if !x.Global {
		out.LocalSecondaryIndexes = append(out.LocalSecondaryIndexes, shapes.LocalSecondaryIndexDescription{
			IndexName: &x.Name, KeySchema: keys, Projection: projection, IndexArn: name, ItemCount: &n.items, IndexSizeBytes: &n.bytes,
		})
		return
	}
	d := shapes.GlobalSecondaryIndexDescription{
		IndexName: &x.Name, KeySchema: keys, Projection: projection, IndexArn: name, ItemCount: &n.items, IndexSizeBytes: &n.bytes,
		IndexStatus: ptr("ACTIVE"), ProvisionedThroughput: capacityShape(x.Capacity), OnDemandThroughput: onDemandShape(x.MaxOnDemand),
	}
	if x.Backfilling {
		d.IndexStatus, d.Backfilling = ptr("CREATING"), ptr(true)
	}
	out.GlobalSecondaryIndexes = append(out.GlobalSecondaryIndexes, d)
}

func keySchemaShape(hash, sort string) []shapes.KeySchemaElement {
	out := []shapes.KeySchemaElement{{AttributeName: &hash, KeyType: ptr("HASH")}}
	if sort != "" {
		out = append(out, shapes.KeySchemaElement{AttributeName: &sort, KeyType: ptr("RANGE")})
	}
	return out
}

func capacityShape(c throughput) *shapes.ProvisionedThroughputDescription {
	return &shapes.ProvisionedThroughputDescription{ReadCapacityUnits: &c.Read, WriteCapacityUnits: &c.Write, NumberOfDecreasesToday: ptr(int64(0))}
}

func onDemandShape(c throughput) *shapes.OnDemandThroughput {
	if c == (throughput{}) {
		return nil
	}
	out := &shapes.OnDemandThroughput{}
	if c.Read > 0 {
		out.MaxReadRequestUnits = &c.Read
	}
	if c.Write > 0 {
		out.MaxWriteRequestUnits = &c.Write
	}
	return out
}

// describeLimits: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeLimits.html
//
// They are the defaults of an account; nothing here is throttled.
func (s *Service) describeLimits(context.Context, *shapes.DescribeLimitsInput) (*shapes.DescribeLimitsOutput, error) {
	return &shapes.DescribeLimitsOutput{
		AccountMaxReadCapacityUnits: ptr(int64(80_000)), AccountMaxWriteCapacityUnits: ptr(int64(80_000)),
		TableMaxReadCapacityUnits: ptr(int64(40_000)), TableMaxWriteCapacityUnits: ptr(int64(40_000)),
	}, nil
}

// describeEndpoints: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeEndpoints.html
func (s *Service) describeEndpoints(ctx context.Context, _ *shapes.DescribeEndpointsRequest) (*shapes.DescribeEndpointsResponse, error) {
	host := awsapi.From(ctx).Host
	if host == "" {
		host = "dynamodb." + awsapi.From(ctx).Scope.Region + ".amazonaws.com"
	}
	return &shapes.DescribeEndpointsResponse{Endpoints: []shapes.Endpoint{{Address: &host, CachePeriodInMinutes: ptr(int64(1440))}}}, nil
}
