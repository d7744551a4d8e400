// Package dynamodb is Amazon DynamoDB: tables, items, secondary indexes, queries and scans, batches and transactions,
// streams and the time to live, as handlers over the generated shapes.
//
// A table is one row that describes it and a generation of keys of its own (store.go); its items are stored as package
// attr encodes them, which is how they arrive and leave. A write is one transaction of the store: the row of the table
// (which conflicts with every change of the table), the item as it was, the condition, the item as it is, its index
// entries, its place in the order of expiry, its stream record and the table's counters, all or nothing. Reads are
// snapshots of what is durable, so every read is strongly consistent, on indexes too.
//
// A stream is a row that describes it (feed.go) and a log of its own, to which a write appends its record, which costs it
// one key and no conflict. It has one shard: order is that of the commits, and readers in parallel divide it by item, as
// an event source mapping's lanes do. It is read in two ways that tell the same: by DynamoDB Streams, an API beside
// DynamoDB's with iterators, and by package sources on a snapshot. Items expire, and streams forget, in model time.
//
// What it is not: it does not deliver stream records, keeps no backups, and has no replicas. Operations of the API that are
// not handled are answered by the front with 501.
//
// Invariants: an index entry exists exactly for the items that have its key attributes, and equals the projection of the
// item, in every snapshot; so does a place in the order of expiry for the items that expire; a stream record is in the same
// commit as its change, whoever made it, and in no later commit than the stream's end; the id of a table or a stream is
// never used again; a transaction changes all of its items or none.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
package dynamodb
