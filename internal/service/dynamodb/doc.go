// Package dynamodb is Amazon DynamoDB: tables, items, secondary indexes, queries and scans, batches and transactions, as
// handlers over the generated shapes.
//
// A table is one row that describes it and a generation of keys of its own (store.go); its items are stored as package
// attr encodes them, which is how they arrive and leave. A write is one transaction of the store: the row of the table
// (which conflicts with every change of the table), the item as it was, the condition, the item as it is, its index
// entries, its stream record and the table's counters, all or nothing. Reads are snapshots of what is durable, so every
// read is strongly consistent, on indexes too.
//
// What it is not: it does not deliver stream records or expire items by itself (the streams' API and the timers read what
// is stored here), keeps no backups, and has no replicas. Operations of the API that are not handled are answered by the
// front with 501.
//
// Invariants: an index entry exists exactly for the items that have its key attributes, and equals the projection of the
// item, in every snapshot; a stream record is in the same commit as its change; the id of a table is never used again; a
// transaction changes all of its items or none.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
package dynamodb
