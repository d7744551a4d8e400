// Package build turns the code of functions and layers into artifacts: a
// directory that an instance can run from, with the names that Lambda has for
// its content.
//
// A Go package is compiled; a binary becomes a bootstrap; an archive is
// unpacked; a directory of Node.js or Python files is copied, but for its
// dependencies. What is made lies below the Store's directory under the digest
// of its content, and is never changed.
//
// For each source an index remembers what went into it: files with their size,
// time and hash, directory listings, the go command and its environment. As
// long as none of that differs the artifact of before is returned, without
// starting the go command: looking costs less than 5 ms. Go's own build cache
// is as careful, but asking it costs half a second a function.
//
// It does not run functions, watch files or know manifests.
//
// Invariants: an artifact that was returned exists and, but for the dependencies
// that it has links to, never changes; a source whose inputs differ in content is never taken for unchanged (a file of the
// same size and time of modification counts as the same, as in make and git);
// two builds of the same source at once are one.
package build
