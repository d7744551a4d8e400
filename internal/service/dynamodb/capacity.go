package dynamodb

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
)

// usage is what a request consumes of one table, in capacity units.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
type usage struct {
	read, write float64 // of the table itself
	lsi, gsi    map[string]float64
	reads       bool // the units of the indexes are reads
}

// writeUnits is the cost of writing so many bytes: one unit for each KB begun.
func writeUnits(size int) float64 { return float64(max(1, (size+1023)/1024)) }

// readUnits is the cost of reading so many bytes: one unit for each 4 KB begun, half of it when the read need not be
// consistent.
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+4095)/4096))
	if consistent {
		return units
	}
	return units / 2
}

// used adds units of an index.
func (x *index) used(u *usage, units float64) {
	if units == 0 {
		return
	}
	m := &u.lsi
	if x.Global {
		m = &u.gsi
	}
	if *m == nil {
		*m = make(map[string]float64)
	}
	(*m)[x.Name] += units
}

// add joins the usage of another request of the same table.
func (u *usage) add(o usage) {
	u.read += o.read
	u.write += o.write
	u.reads = u.reads || o.reads
	join(&u.lsi, o.lsi)
	join(&u.gsi, o.gsi)
}

func join(into *map[string]float64, from map[string]float64) {
	if *into == nil && len(from) > 0 {
		*into = make(map[string]float64, len(from))
	}
	for name, units := range from {
		(*into)[name] += units
	}
}

// times is the usage of n such requests; what happens in a transaction costs twice.
func (u usage) times(n float64) usage {
	out := usage{read: u.read * n, write: u.write * n, reads: u.reads}
	join(&out.lsi, u.lsi)
	join(&out.gsi, u.gsi)
	for name := range out.lsi {
		out.lsi[name] *= n
	}
	for name := range out.gsi {
		out.gsi[name] *= n
	}
	return out
}

// ofIndexes are the units of the indexes.
func (u *usage) ofIndexes() float64 {
	sum := 0.0
	for _, units := range u.lsi {
		sum += units
	}
	for _, units := range u.gsi {
		sum += units
	}
	return sum
}

// measure tells the meter.
func (s *Service) measure(ctx context.Context, table string, u usage) {
	if s.meter == nil {
		return
	}
	read, write := u.read, u.write
	if u.reads {
		read += u.ofIndexes()
	} else {
		write += u.ofIndexes()
	}
	s.meter.Consumed(ctx, awsapi.From(ctx).Scope.Table(table), read, write)
}

// consumed is the answer to ReturnConsumedCapacity, nil when it was not asked for.
func consumed(want *string, table string, u usage) *shapes.ConsumedCapacity {
	level := value(want)
	if level != "TOTAL" && level != "INDEXES" {
		return nil
	}
	own := u.read + u.write
	out := &shapes.ConsumedCapacity{TableName: &table, CapacityUnits: ptr(own + u.ofIndexes())}
	if level == "INDEXES" {
		out.Table = &shapes.Capacity{CapacityUnits: &own}
		out.LocalSecondaryIndexes = capacities(u.lsi)
		out.GlobalSecondaryIndexes = capacities(u.gsi)
	}
	return out
}

func capacities(units map[string]float64) map[string]shapes.Capacity {
	if len(units) == 0 {
		return nil
	}
	out := make(map[string]shapes.Capacity, len(units))
	for name, n := range units {
		out[name] = shapes.Capacity{CapacityUnits: ptr(n)}
	}
	return out
}

// consumedInTransaction is consumed for transactions, which say reads and writes apart.
func consumedInTransaction(want *string, table string, u usage) *shapes.ConsumedCapacity {
	out := consumed(want, table, u)
	if out == nil {
		return nil
	}
	split := func(total *float64) (read, write *float64) {
		if u.reads {
			return total, nil
		}
		return nil, total
	}
	out.ReadCapacityUnits, out.WriteCapacityUnits = split(out.CapacityUnits)
	if out.Table != nil {
		out.Table.ReadCapacityUnits, out.Table.WriteCapacityUnits = split(out.Table.CapacityUnits)
	}
	for _, m := range [...]map[string]shapes.Capacity{out.LocalSecondaryIndexes, out.GlobalSecondaryIndexes} {
		for name, c := range m {
			c.ReadCapacityUnits, c.WriteCapacityUnits = split(c.CapacityUnits)
			m[name] = c
		}
	}
	return out
}
