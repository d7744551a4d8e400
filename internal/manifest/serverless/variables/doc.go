// Package variables is the variable language of serverless.yml: ${source(params):address, fallback} in any string of a
// manifest, https://github.com/oss-serverless/osls/blob/main/docs/guides/variables.md.
//
// [Parse] reads the language; a [Resolver] evaluates a whole manifest on demand, value by value, so that a reference may
// reach into values that themselves hold variables, files are read only when something needs them, and a cycle is found
// where it closes. Sources that only a running cloud can answer are asked through [Cloud].
//
// The rules that are easy to get wrong, all of them the Framework's:
//   - A string that is one variable takes the variable's value with its type; anything longer is a string.
//   - What a variable yields is searched for variables again, each part of a longer string by itself.
//   - A fallback is taken when a source has no value. An error (a broken file, a cycle, an address that cannot be
//     resolved) is not "no value".
//   - ${AWS::Region}, ${Table} and whatever else does not begin like a variable is left as it is, for Fn::Sub.
//   - A backslash before ${ makes it text; two make one backslash before a variable.
//
// The package knows no key of the manifest but the five that sources read: service parameters (params), provider.stage and
// provider.region, and it does no validation.
package variables
