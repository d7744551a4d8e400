package dynamodb

import (
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
)

// Limits of tables.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	maxLocalIndexes  = 5
	maxGlobalIndexes = 20
	maxIncluded      = 100
	maxUnits         = 1_000_000_000_000
)

// keysOf checks a KeySchema against the attributes that are defined and takes it apart.
func keysOf(schema []shapes.KeySchemaElement, defined []attribute) (hash, sort string, err error) {
	var keys, names []string
	for _, k := range schema {
		keys = append(keys, value(k.AttributeName))
	}
	for _, a := range defined {
		names = append(names, a.Name)
	}
	if len(keys) > len(names) {
		return "", "", validation("Invalid KeySchema: Some index key attribute have no definition")
	}
	for _, k := range keys {
		if !defines(defined, k) {
			return "", "", invalidValues("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(keys, ", "), strings.Join(names, ", "))
		}
	}
	switch {
	case len(schema) == 2 && keys[0] == keys[1]:
		return "", "", validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	case value(schema[0].KeyType) != "HASH":
		return "", "", validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(schema) == 2 && value(schema[1].KeyType) != "RANGE":
		return "", "", validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	case len(schema) == 2:
		return keys[0], keys[1], nil
	}
	return keys[0], "", nil
}

func defines(defined []attribute, name string) bool {
	for _, a := range defined {
		if a.Name == name {
			return true
		}
	}
	return false
}

// defineAttributes reads AttributeDefinitions.
func defineAttributes(in []shapes.AttributeDefinition) ([]attribute, error) {
	out := make([]attribute, 0, len(in))
	for _, a := range in {
		name := value(a.AttributeName)
		if defines(out, name) {
			return nil, invalidValues("Duplicate AttributeName in AttributeDefinitions: %s", name)
		}
		out = append(out, attribute{name, value(a.AttributeType)})
	}
	return out, nil
}

// checkAllUsed refuses definitions of attributes that are keys of nothing.
func (t *table) checkAllUsed() error {
	used := map[string]bool{t.Hash: true, t.Range: true}
	for i := range t.Indexes {
		used[t.Indexes[i].Hash], used[t.Indexes[i].Range] = true, true
	}
	for _, a := range t.Attributes {
		if used[a.Name] {
			continue
		}
		if len(t.Indexes) == 0 {
			return invalidValues("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
		}
		return invalidValues("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
			strings.Join(attributeNames(t.Attributes), ", "), strings.Join(usedNames(t.Attributes, used), ", "))
	}
	return nil
}

func attributeNames(as []attribute) (names []string) {
	for _, a := range as {
		names = append(names, a.Name)
	}
	return names
}

func usedNames(as []attribute, used map[string]bool) (names []string) {
	for _, a := range as {
		if used[a.Name] {
			names = append(names, a.Name)
		}
	}
	return names
}

// project checks a Projection and gives it to the index.
func (x *index) project(in *shapes.Projection) error {
	kind := "null"
	if in != nil && in.ProjectionType != nil {
		kind = *in.ProjectionType
	}
	switch kind {
	case "ALL", "KEYS_ONLY", "INCLUDE":
	default:
		return invalidValues("Unknown ProjectionType: %s", kind)
	}
	switch {
	case kind != "INCLUDE" && in.NonKeyAttributes != nil:
		return invalidValues("ProjectionType is %s, but NonKeyAttributes is specified", kind)
	case kind == "INCLUDE" && len(in.NonKeyAttributes) == 0:
		return invalidValues("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	}
	x.Projection, x.Include = kind, in.NonKeyAttributes
	return nil
}

// addLocal adds a local secondary index.
func (t *table) addLocal(in *shapes.LocalSecondaryIndex) error {
	x := index{Name: value(in.IndexName)}
	var err error
	if x.Hash, x.Range, err = keysOf(in.KeySchema, t.Attributes); err != nil {
		return err
	}
	switch {
	case x.Range == "":
		return invalidValues("Index KeySchema does not have a range key for index: %s", x.Name)
	case x.Hash != t.Hash:
		return invalidValues("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s",
			x.Name, x.Hash, t.Hash)
	}
	if err := x.project(in.Projection); err != nil {
		return err
	}
	return t.addIndex(x)
}

// addGlobal adds a global secondary index.
func (t *table) addGlobal(x index, schema []shapes.KeySchemaElement, projection *shapes.Projection, capacity *shapes.ProvisionedThroughput,
	limits *shapes.OnDemandThroughput) error {
	x.Global = true
	var err error
	if x.Hash, x.Range, err = keysOf(schema, t.Attributes); err != nil {
		return err
	}
	if err := x.project(projection); err != nil {
		return err
	}
	switch {
	case !t.Provisioned && capacity != nil:
		return invalidValues("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.Name)
	case t.Provisioned && capacity == nil:
		return invalidValues("ProvisionedThroughput is not specified for index: %s", x.Name)
	case t.Provisioned:
		if x.Capacity, err = capacityOf(capacity); err != nil {
			return err
		}
	}
	x.MaxOnDemand = onDemand(limits)
	return t.addIndex(x)
}

func (t *table) addIndex(x index) error {
	if t.index(x.Name) != nil {
		return invalidValues("Duplicate index name: %s", x.Name)
	}
	t.NextIndex++
	x.ID = t.NextIndex
	t.Indexes = append(t.Indexes, x)
	return t.checkIncluded()
}

// checkIncluded bounds the attributes that all indexes of a table project together.
func (t *table) checkIncluded() error {
	n := 0
	for i := range t.Indexes {
		n += len(t.Indexes[i].Include)
	}
	if n > maxIncluded {
		return invalidValues("Number of NonKeyAttributes exceeds the per-table limit of %d", maxIncluded)
	}
	return nil
}

func capacityOf(in *shapes.ProvisionedThroughput) (throughput, error) {
	out := throughput{value(in.ReadCapacityUnits), value(in.WriteCapacityUnits)}
	if out.Read > maxUnits {
		return out, validation("Given value %d for ReadCapacityUnits is out of bounds", out.Read)
	}
	if out.Write > maxUnits {
		return out, validation("Given value %d for WriteCapacityUnits is out of bounds", out.Write)
	}
	return out, nil
}

func onDemand(in *shapes.OnDemandThroughput) throughput {
	if in == nil {
		return throughput{}
	}
	return throughput{max(0, value(in.MaxReadRequestUnits)), max(0, value(in.MaxWriteRequestUnits))} // -1 takes a limit away
}

// setStream says whether there is to be a stream, and of what; openStream and closeStream do it.
func (t *table) setStream(in *shapes.StreamSpecification) error {
	if in == nil {
		return nil
	}
	if !value(in.StreamEnabled) {
		if in.StreamViewType != nil {
			return invalidValues("Table is being created with StreamViewType when StreamEnabled is false")
		}
		t.Stream.Enabled = false
		return nil
	}
	switch view := value(in.StreamViewType); view {
	case viewKeys, viewNew, viewOld, viewBoth:
		t.Stream = stream{Enabled: true, View: view}
		return nil
	}
	return invalidValues("StreamViewType is required when StreamEnabled is true")
}
