// Package journal keeps keyed, timed records in append-only segment files: the
// storage of telemetry.
//
// A record has a key (a log stream, a trace, a metric), a time, the time at
// which it was seen, and bytes. It is appended, can be read at once, by key or
// by prefix of keys, in order of time or as it arrives, and goes when its
// segment is the oldest and the journal is too large or the segment too old.
// Single records are never changed or deleted; [Journal.Drop] hides all that
// came before it under a prefix.
//
// # Why not the store
//
// Telemetry is a flood of small records that nobody may ever read. The store
// would sort them, fsync them and compact them several times. Here an append is
// a copy into memory, written to the file in one call some milliseconds later,
// and never again. The price is that a power cut takes the last moments.
//
// # Files
//
// A segment NNNNNNNNNN.seg is "nubeseg" and a version, then records:
//
//	length 4 bytes, big endian, of what follows the checksum
//	CRC-32C 4 bytes, of what follows
//	type    1 byte
//	define: number of a key in this segment (base 128), then the key
//	data:   number of its key, time 8 bytes, seen minus time (zigzag base 128), then the bytes
//	drop:   a prefix of keys; what came before, under it, is hidden
//
// Its index NNNNNNNNNN.idx, see index.go, is written when the segment is
// finished. It says for each key which chunks of the segment hold it, a chunk
// being some 64 KB of whole records. An index that is missing, such as after a
// crash, or does not match its checksum, is made again from the segment when
// somebody asks; a segment is read up to its first torn record.
//
// # History of the format
//
//	1  as above
//
// Invariants: a position, once given, names the same record as long as it
// exists, and positions grow in the order of appends, also over restarts. A
// reader sees every record whose append has returned, or was seen by another
// reader, before it began.
package journal
