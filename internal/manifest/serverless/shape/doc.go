// Package shape says what a serverless.yml may contain: the keys of the Framework's own configuration schema, the types of
// their values, and for what nube does not do, why.
//
// It is data, built by functions because nothing in the program may cost time at start. Where the Framework's schema is
// looser than this one, or the other way round, docs/serverless-differences.md says so.
package shape
