// Package sources reads streams for functions: it runs event source mappings.
//
// A mapping says which function reads what, in which batches, and what
// happens to batches that fail. The engine runs each mapping in goroutines of
// its own, woken by the commits that append records; nothing polls, and a
// function that is stuck delays no other mapping.
//
// A stream's shard is read by as many lanes as the mapping has parallel batches
// for each shard; a record belongs to the lane of its order. A lane has one
// batch under way: it gathers, calls the function, and moves its cursor. What it
// needs to go on after a crash, its cursor, the batch that is being tried again,
// how often and when, is one row.
//
// It does not know any service: what is read is a [Source], and who calls the
// function, and with whose authority a source is read, is an interface too. It is
// not the API of event source mappings; service lambda is.
package sources
